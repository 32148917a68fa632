"""The rep who should have a lead again: the one who promised to call, or who had it before it rested."""

from __future__ import annotations

from typing import Final, NamedTuple

from leads.models import Lead, RestChange, Stage, Team, User
from scoring.models import Episode, OpenedBy
from sla.models import Desk, Handoff, Rep, State

NAMED_DATE: Final = "named date"
PREVIOUS_REP: Final = "previous rep"


class Former(NamedTuple):
    """Who should have it again, in which team, and why."""

    rep: Rep
    team: Team
    why: str


def rep_of(episode: Episode, lead: Lead) -> Former | None:
    """The active rep who should have this lead again, before anybody else was offered the episode."""
    if lead.pk is None:
        return None
    user, why = _user_of(episode, lead)
    if user is None or (episode.pk is not None and Handoff.objects.filter(episode=episode).exists()):
        return None
    rep = Rep.objects.select_related("user").filter(user=user, is_active=True, user__is_active=True).first()
    team = _team_of(user, lead) if rep is not None else None
    return Former(rep, team, why) if rep is not None and team is not None else None


def _user_of(episode: Episode, lead: Lead) -> tuple[User | None, str]:
    if episode.opened_by == OpenedBy.DATE:
        promised = RestChange.objects.filter(lead=lead, callback_user__isnull=False).select_related("callback_user")
        last = promised.order_by("-id").first()
        return (last.callback_user if last is not None else None), NAMED_DATE
    if episode.opened_by == OpenedBy.HAND_RAISE and episode.stage_before == Stage.NURTURE:
        before = Handoff.objects.filter(episode__lead=lead).select_related("user")
        before = before.exclude(episode=episode) if episode.pk is not None else before
        handoff = before.order_by("-offered_at", "-id").first()
        if handoff is not None and not before.filter(user=handoff.user, state=State.REJECTED).exists():
            return handoff.user, PREVIOUS_REP
    return None, ""


def _team_of(user: User, lead: Lead) -> Team | None:
    """The team in which this person has the lead: the one they had it in, else their first with a desk."""
    desks = Desk.objects.filter(team__memberships__user=user).select_related("team").order_by("team_id")
    teams = [desk.team for desk in desks]
    before = Handoff.objects.filter(episode__lead=lead, user=user).order_by("-id").values_list("team_id", flat=True)
    return next((team for team in teams if team.pk == before.first()), teams[0] if teams else None)
