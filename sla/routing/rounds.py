"""Routing: which rep gets a waiting episode, and why this one. Every offer keeps the whole answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from leads.locks import LeadGone, lock_lead
from leads.models import Lead, RestChange, Stage, Team, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode, Lane, OpenedBy
from sla import handoffs, matching
from sla.clocks import policies
from sla.models import Desk, Handoff, PolicyVersion, Rep, RoutingRule, State
from sla.people import absences
from sla.routing import candidates, waiting
from sla.routing.candidates import Roster
from sla.routing.waiting import waiting_page

log = structlog.get_logger(__name__)

ROUND_ROBIN = "round robin"
NAMED_DATE = "named date"
PREVIOUS_REP = "previous rep"
HAND_RAISE = "hand-raise"
PAGE = 200


@business
def route(episode_id: int, *, now: datetime) -> Handoff | None:
    """Offer one waiting episode to a rep; None where it does not wait (any more), or nobody can take it yet.

    On a named date the same rep gets it, and on a hand-raise out of nurture the previous one; else the first rule that
    holds and whose team has somebody eligible, by round robin. Hand-raises and named dates pass capacity.
    """
    lead_id = Episode.objects.filter(pk=episode_id).values_list("lead_id", flat=True).first()
    if lead_id is None:
        return None
    try:
        lead = lock_lead(lead_id)
    except LeadGone:
        return None
    episode = episodes.lock(episode_id)
    if not waiting.is_ready(episode, now=now):
        return None
    episode.lead = lead
    try:
        version = policies.choose(episode, lead)
    except policies.NoPolicy:
        return None  # nothing can be promised, so nothing is offered; the board says why
    return _to_former_rep(episode, lead, version, now=now) or _by_rules(episode, lead, version, now=now)


def route_waiting(clock: Callable[[], datetime], *, waited_for: timedelta = waiting.NO_WAIT) -> int:
    """Route everyone in line, one transaction each; returns how many offers were made. One failing stops nobody."""
    offered, stayed = 0, 0
    while page := waiting_page(now=clock(), limit=PAGE, skip=stayed, waited_for=waited_for):
        for episode_id in page:
            made = _try(episode_id, clock)
            offered += made
            stayed += not made
    return offered


def _try(episode_id: int, clock: Callable[[], datetime]) -> bool:
    try:
        return route(episode_id, now=clock()) is not None
    except Exception:
        log.exception("routing_failed", episode=episode_id)
        return False


def _to_former_rep(episode: Episode, lead: Lead, version: PolicyVersion, *, now: datetime) -> Handoff | None:
    """To the rep of the named date, or of the time before nurture, while they are there; they may be full."""
    user, why = _former(episode, lead)
    if user is None or Handoff.objects.filter(episode=episode).exists():
        return None
    rep = Rep.objects.select_related("user").filter(user=user, is_active=True, user__is_active=True).first()
    team = _desk_team(user, lead) if rep is not None else None
    if rep is None or team is None or rep.pk in absences.away(now=now):
        return None
    roster = candidates.roster(team, episode, now=now, lock=True)
    here = next((each for each in roster.candidates if each.rep.pk == rep.pk), None) if roster else None
    if roster is None or here is None or here.code in (candidates.INACTIVE, candidates.AWAY):
        return None
    override = why if here.is_full else None
    if override and episode.lane == Lane.FAST:
        override = HAND_RAISE
    trace = {"why": why, "rules": [], "team": team.pk} | roster.trace(rep, passes_capacity=True)
    return handoffs.offer(
        episode,
        rep=here.rep,
        team=team,
        rule=None,
        policy_version=version,
        now=now,
        why=why,
        trace=trace,
        override=override,
    )


def _by_rules(episode: Episode, lead: Lead, version: PolicyVersion, *, now: datetime) -> Handoff | None:
    """By the first rule that holds and whose team can.

    Teams are looked at without locks; only the desk of the one that can is locked, and everything is counted again.
    """
    passes = episode.lane == Lane.FAST
    rules = matching.rules_for(episode, lead)
    tried: list[dict[str, Any]] = []
    for rule, holds in rules:
        able = holds and _somebody(rule.team, episode, passes=passes, now=now)
        result = "chosen" if able else "nobody eligible" if holds else "does not hold"
        tried.append({"rule": rule.pk, "name": rule.name, "result": result})
        if able:
            return _offer_in_turn(episode, rule, version, tried=tried, passes=passes, now=now)
    return None


def _somebody(team: Team, episode: Episode, *, passes: bool, now: datetime) -> bool:
    roster = candidates.roster(team, episode, now=now)
    return roster is not None and roster.best(passes_capacity=passes) is not None


def _offer_in_turn(
    episode: Episode,
    rule: RoutingRule,
    version: PolicyVersion,
    *,
    tried: Sequence[dict[str, Any]],
    passes: bool,
    now: datetime,
) -> Handoff | None:
    """Offer to the rep whose turn it is, under the lock of the team's rotation, and let the rotation go on."""
    roster: Roster | None = candidates.roster(rule.team, episode, now=now, lock=True)
    chosen = roster.best(passes_capacity=passes) if roster is not None else None
    if roster is None or chosen is None:
        return None  # the last room was taken in between; the next round looks at all teams again
    trace = {"why": ROUND_ROBIN, "rules": list(tried), "team": rule.team_id}
    trace |= roster.trace(chosen.rep, passes_capacity=passes)
    handoff = handoffs.offer(
        episode,
        rep=chosen.rep,
        team=rule.team,
        rule=rule,
        policy_version=version,
        now=now,
        why=ROUND_ROBIN,
        trace=trace,
        override=HAND_RAISE if chosen.is_full else None,
    )
    roster.desk.last_rep = chosen.rep
    roster.desk.save(update_fields=["last_rep"])
    return handoff


def _former(episode: Episode, lead: Lead) -> tuple[User | None, str]:
    """Who should have it again, and why: the one who promised to call, or who had the lead before it rested."""
    if episode.opened_by == OpenedBy.DATE:
        promised = RestChange.objects.filter(lead=lead, callback_user__isnull=False).select_related("callback_user")
        last = promised.order_by("-id").first()
        return (last.callback_user if last is not None else None), NAMED_DATE
    if episode.opened_by == OpenedBy.HAND_RAISE and episode.stage_before == Stage.NURTURE:
        before = Handoff.objects.filter(episode__lead=lead).exclude(episode=episode).select_related("user")
        handoff = before.order_by("-offered_at", "-id").first()
        if handoff is not None and not before.filter(user=handoff.user, state=State.REJECTED).exists():
            return handoff.user, PREVIOUS_REP
    return None, ""


def _desk_team(user: User, lead: Lead) -> Team | None:
    """The team in which this person has the lead: the one they had it in, else their first with a desk."""
    desks = Desk.objects.filter(team__memberships__user=user).select_related("team").order_by("team_id")
    teams = [desk.team for desk in desks]
    before = Handoff.objects.filter(episode__lead=lead, user=user).order_by("-id").values_list("team_id", flat=True)
    return next((team for team in teams if team.pk == before.first()), teams[0] if teams else None)
