"""Escalation: what happens when a due time comes near or passes. Each step fires once, in its own transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from django.db.models import Max

from leads.models import Lead, Role, Team, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode
from sla import clocks, handoffs, matching
from sla.models import OPEN_STATES, Clock, ClockStep, Handoff, LadderStep
from sla.routing import waiting
from sla.telling import events, mails

log = structlog.get_logger(__name__)

BREACH = "breach"


@business
def fire(clock_id: int, *, now: datetime | Callable[[], datetime]) -> bool:
    """Do what one clock has due: mark the breach, write to people, and move the lead on. True if anything was done.

    False where someone else holds the lead (they are acting on it; the next round comes by again), or nothing is due
    any more. `now` may be the clock itself: it is then asked once the locks are had.
    """
    known = Clock.objects.filter(pk=clock_id, verdict="").values_list("episode__lead_id", "episode_id", "handoff_id")
    found = known.first()
    if found is None:
        return False
    lead_id, episode_id, handoff_id = found
    lead = Lead.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=lead_id).first()
    if lead is None:
        return False
    episode = episodes.lock(episode_id)
    episode.lead = lead
    handoff = _lock_handoff(handoff_id)
    clock = Clock.objects.select_for_update(of=("self",)).get(pk=clock_id)
    clock.episode, clock.handoff = episode, handoff
    now = _instant(now, episode, handoff)
    due = [step for step in clocks.unfired(clock) if step.at <= now] if clock.is_running else []
    for step in due:
        _fire(clock, step, now=now)
        if handoff is not None and handoff.state not in OPEN_STATES:
            break  # the lead moved on, and this clock ended with its hand-off
    _go_on(clock_id)
    return bool(due)


@business
def hold_back(clock_id: int, *, why: str, now: datetime) -> None:
    """A step of this clock failed: leave it alone for a minute, and say why where people look."""
    Clock.objects.filter(pk=clock_id, verdict="").update(held_back_at=now, held_back_why=why[:300])
    log.error("clock_held_back", clock=clock_id, why=why[:300])


def managers_of(team: Team | None) -> list[User]:
    """Who is told about a team's leads: its managers; every manager where there is no team or it has none."""
    active = User.objects.filter(is_active=True).order_by("id")
    own = active.filter(memberships__team=team, memberships__is_manager=True) if team is not None else active.none()
    return list(own.distinct()) or list(active.filter(groups__name=Role.MANAGER).distinct())


def _lock_handoff(handoff_id: int | None) -> Handoff | None:
    if handoff_id is None:
        return None
    return Handoff.objects.select_for_update(of=("self",)).select_related("user", "team").get(pk=handoff_id)


def _instant(now: datetime | Callable[[], datetime], episode: Episode, handoff: Handoff | None) -> datetime:
    """The moment that counts: never before what the history of the locked rows already tells."""
    instant: datetime = now() if callable(now) else now
    written: list[datetime | None] = [episode.changes.aggregate(at=Max("at"))["at"]]
    if handoff is not None:
        written.append(handoff.changes.aggregate(at=Max("at"))["at"])
    return max([instant, *(at for at in written if at is not None)])


def _fire(clock: Clock, step: clocks.Step, *, now: datetime) -> None:
    if step.ladder_step is None:
        clocks.mark_breach(clock, now=now, noticed_by="clock")
        return
    rung = step.ladder_step
    told: list[str] = []
    if rung.share < 100:
        told += events.tell("clock.warning", clock=clock, now=now, once=f"share:{rung.share}")
    for recipient in _recipients(clock, rung):
        effect_key = f"clock:{clock.pk}:{step.key}:{recipient.pk}"
        mails.tell_step(
            clock, rung, recipient, lead=clock.episode.lead, due_at=clock.due_at, effect_key=effect_key, now=now
        )
        told.append(effect_key)
    detail = {"action": rung.action, "share": rung.share, "told": told}
    ClockStep.objects.create(clock=clock, key=step.key, step=rung, due_at=step.at, fired_at=now, detail=detail)
    if rung.action == LadderStep.Action.HOP and clock.handoff is not None and clock.handoff.state in OPEN_STATES:
        handoffs.move_on(clock.handoff, why=BREACH, now=now)
        if waiting.is_pooled(clock.episode):
            events.tell("episode.pooled", episode=clock.episode, now=now, once=f"hop:{clock.handoff.hop}")


def _recipients(clock: Clock, rung: LadderStep) -> list[User]:
    handoff = clock.handoff
    if rung.action == LadderStep.Action.TELL_REP:
        return [handoff.user] if handoff is not None and handoff.user.is_active else []
    if rung.action == LadderStep.Action.TELL_MANAGER:
        return managers_of(handoff.team if handoff is not None else matching.team_of(clock.episode))
    return []


def _go_on(clock_id: int) -> None:
    """Wind the clock for its next step, if it still runs; whatever held it back is over."""
    clock = Clock.objects.select_for_update(of=("self",)).get(pk=clock_id)
    if not clock.is_running:
        return
    if clock.held_back_at is not None:
        clock.held_back_at, clock.held_back_why = None, ""
        clock.save(update_fields=["held_back_at", "held_back_why"])
    clocks.wind(clock)
