"""The rep who should have a lead first: who has a colleague, promised to call, had it before, owns its account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from django.db.models import Q

from leads.models import Lead, RestChange, Stage, Team, User
from scoring.models import Episode, Lane, OpenedBy
from sla.models import Desk, Handoff, Rep, RoutingRule, State

NAMED_DATE: Final = "named date"
PREVIOUS_REP: Final = "previous rep"
OWNER: Final = "account owner"
SAME_COMPANY: Final = "same company"
# What is given to one person, and is no turn of theirs.
PERSONAL: Final = frozenset({NAMED_DATE, PREVIOUS_REP, OWNER, SAME_COMPANY})


class Former(NamedTuple):
    """Who should have it, in which team, and why."""

    rep: Rep
    team: Team
    why: str


def rep_of(episode: Episode, lead: Lead) -> Former | None:
    """The active rep who should have this lead again, before anybody else was offered the episode."""
    if lead.pk is None:
        return None
    colleagues = _user_beside(episode)
    if colleagues is None and not _comes_back(episode):
        return None
    user, why = (colleagues, SAME_COMPANY) if colleagues is not None else _user_of(episode, lead)
    if user is None or (episode.pk is not None and Handoff.objects.filter(episode=episode).exists()):
        return None
    return _as_rep(user, lead, why)


def firsts(rule: RoutingRule, lead: Lead, episode: Episode) -> Iterator[Former]:
    """Whom a rule puts first: who owns the account, then who had this person last, unless they rejected them."""
    account = lead.account
    if rule.owner_first and account is not None and account.owner is not None:
        found = _as_rep(account.owner, lead, OWNER, prefers=rule.team)
        if found is not None:
            yield found
    if rule.previous == RoutingRule.Previous.FIRST and lead.pk is not None:
        user = _last_of(lead, episode)
        found = _as_rep(user, lead, PREVIOUS_REP) if user is not None else None
        if found is not None:
            yield found


def _comes_back(episode: Episode) -> bool:
    raised = episode.opened_by == OpenedBy.HAND_RAISE and episode.stage_before == Stage.NURTURE
    return raised or bool(episode.opened_by == OpenedBy.DATE)


def _user_of(episode: Episode, lead: Lead) -> tuple[User | None, str]:
    if episode.opened_by == OpenedBy.DATE:
        promised = RestChange.objects.filter(lead=lead, callback_user__isnull=False).select_related("callback_user")
        last = promised.order_by("-id").first()
        return (last.callback_user if last is not None else None), NAMED_DATE
    return _last_of(lead, episode), PREVIOUS_REP


def _user_beside(episode: Episode) -> User | None:
    """Who has the matter of a colleague beside which this one opened, or that opened beside this one."""
    if episode.pk is None:
        return None
    linked = Q(episode__split_from=episode)
    if episode.split_from_id is not None:
        linked |= Q(episode=episode.split_from_id)
    held = Handoff.objects.open().filter(linked).exclude(lane=Lane.SIGNAL).select_related("user").order_by("pk").first()
    said_no = Handoff.objects.filter(episode__lead=episode.lead_id, state=State.REJECTED)
    if held is None or said_no.filter(user=held.user).exists():
        return None
    return held.user


def _last_of(lead: Lead, episode: Episode) -> User | None:
    """Who had this person last in another matter; None where they rejected them, then or at any other time."""
    before = Handoff.objects.filter(episode__lead=lead).select_related("user")
    before = before.exclude(episode=episode) if episode.pk is not None else before
    handoff = before.order_by("-offered_at", "-id").first()
    if handoff is None or before.filter(user=handoff.user, state=State.REJECTED).exists():
        return None
    return handoff.user


def _as_rep(user: User, lead: Lead, why: str, *, prefers: Team | None = None) -> Former | None:
    rep = Rep.objects.select_related("user").filter(user=user, is_active=True, user__is_active=True).first()
    team = _team_of(user, lead, prefers=prefers) if rep is not None else None
    return Former(rep, team, why) if rep is not None and team is not None else None


def _team_of(user: User, lead: Lead, *, prefers: Team | None) -> Team | None:
    """The team in which this person gets the lead: the one preferred or had it in, else their first with a desk."""
    desks = Desk.objects.filter(team__memberships__user=user).select_related("team").order_by("team_id")
    teams = [desk.team for desk in desks]
    if prefers is not None and prefers in teams:
        return prefers
    before = Handoff.objects.filter(episode__lead=lead, user=user).order_by("-id").values_list("team_id", flat=True)
    last = before.first() if lead.pk is not None else None
    return next((team for team in teams if team.pk == last), teams[0] if teams else None)
