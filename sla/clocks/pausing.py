"""Time that is agreed upon: a pause of depth or qualify, and one extension of any promise by a manager.

Each is a row with who, when and why; a due instant is then counted again from its inputs.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

from leads.errors import Invalid, Refused
from leads.locks import lock_lead
from leads.models import Team, TeamMembership, User
from leads.transactions import business
from leads.words import length
from scoring import episodes
from sla import matching
from sla.clocks import deadlines, running
from sla.handoffs import moves
from sla.handoffs.moves import NotYours
from sla.models import Clock, ClockExtension, ClockPause, ClockTiming, PolicyVersion, Target
from sla.nextsteps import keeping

PAUSABLE: Final = (Target.DEPTH, Target.QUALIFY)
LONGEST_REASON: Final = 200
LEAST, MOST = timedelta(minutes=1), timedelta(days=30)


class NotPausable(Refused):
    """This promise can't be paused, or not so; the sentence says what can be done instead."""

    title = "Not paused"
    code = "not_pausable"


class NotExtendable(Refused):
    """This promise can't be given more time, or not by this person."""

    title = "Not extended"
    code = "not_extendable"


@business
def pause(clock_id: int, *, until_at: datetime, reason: str, by: User, now: datetime) -> ClockPause:
    """Let depth or qualify stand still from now until a moment, with a reason; it is due that much later.

    By the rep or a manager of the team, as the policy says, and no longer in all than it allows. Raises NotYours,
    NotPausable with the way out, Invalid.
    """
    clock, now = _take(clock_id, by=by, now=now)
    if clock.target not in PAUSABLE:
        raise NotPausable(
            f"{clock.get_target_display()} can't be paused: somebody waits for us. Ask a manager to extend it, or "
            "return the lead with the date the person named.",
            target=clock.target,
        )
    version = deadlines.last_timing(clock).policy_version
    if version.pause_by == PolicyVersion.PauseBy.MANAGER and not manages(by, clock):
        raise NotPausable("This policy lets managers alone pause a promise. Ask yours.", target=clock.target)
    _check_runs(clock, now=now, refusal=NotPausable)
    if until_at.tzinfo is None or until_at <= now:
        raise Invalid("A pause ends at a moment to come. Choose a later date.", field="until")
    standing = list(clock.pauses.all())
    if any(each.counts_until > now for each in standing):
        raise NotPausable("It is paused already. End that pause first.", target=clock.target)
    used = sum((each.counts_until - each.from_at).total_seconds() for each in standing)
    left = version.pause_budget - used
    if (until_at - now).total_seconds() > left:
        said = f"{length(left)} are left" if left > 0 else "nothing is left"
        raise NotPausable(
            f"The pauses of one promise may last {length(version.pause_budget)} in all, and {said}. "
            "Choose an earlier end, or ask a manager to extend the deadline.",
            target=clock.target,
            left_seconds=max(0, int(left)),
        )
    made = ClockPause.objects.create(clock=clock, from_at=now, until_at=until_at, reason=_given(reason), by=by, at=now)
    _count_again(clock, now=now, by=by)
    return made


@business
def end_pause(clock_id: int, *, by: User, now: datetime) -> ClockPause:
    """The agreed pause is over before its time: the clock goes on from now. By whoever may act on the lead."""
    clock, now = _take(clock_id, by=by, now=now)
    standing = next((each for each in clock.pauses.all() if each.counts_until > now), None)
    if standing is None or not clock.is_running:
        raise NotPausable("Nothing is paused here.", target=clock.target)
    standing.ended_at, standing.ended_by = max(now, standing.from_at), by
    standing.save(update_fields=["ended_at", "ended_by"])
    _count_again(clock, now=now, by=by)
    return standing


@business
def extend(clock_id: int, *, seconds: int, reason: str, by: User, now: datetime) -> ClockTiming:
    """Give one promise more working time, once, by a manager and with a reason: a new timing from the same start.

    Before it is due: what was missed stays missed. Raises NotYours, NotExtendable, Invalid.
    """
    clock, now = _take(clock_id, by=by, now=now)
    if not manages(by, clock):
        raise NotExtendable("A deadline is extended by a manager of the team. Ask yours.", target=clock.target)
    _check_runs(clock, now=now, refusal=NotExtendable)
    if ClockExtension.objects.filter(clock=clock).exists():
        raise NotExtendable("It was extended before, and that is possible once.", target=clock.target)
    if not LEAST.total_seconds() <= seconds <= MOST.total_seconds():
        raise Invalid("Extend by a minute at least, and by 720 h of working time at most.", field="seconds")
    last = deadlines.last_timing(clock)
    budget = math.ceil(deadlines.counted(last, ()).budget_seconds)
    timing = ClockTiming(
        clock=clock,
        number=last.number + 1,
        start_at=last.start_at,
        budget_seconds=budget + seconds,
        calendar_versions=last.calendar_versions,
        policy_version_id=last.policy_version_id,
        target_amount_of=last.target_amount_of,
        why="extended",
        told=last.told,
        at=now,
        by=by,
    )
    timing.due_at = clock.due_at = deadlines.due_of(timing, deadlines.pauses_of(clock))
    timing.save()
    ClockExtension.objects.create(clock=clock, timing=timing, seconds=seconds, reason=_given(reason), by=by, at=now)
    clock.save(update_fields=["due_at"])
    running.wind(clock)
    keeping.retimed(clock.handoff, now=now, by=by)
    return timing


def manages(by: User, clock: Clock) -> bool:
    """Whether this person manages the team whose promise it is, and so may extend it."""
    return _leads(by, clock.handoff.team if clock.handoff is not None else matching.team_of(clock.episode))


def _take(clock_id: int, *, by: User, now: datetime) -> tuple[Clock, datetime]:
    """Lock lead, episode, hand-off and clock, in that order; refuse whoever may not act on it."""
    known = Clock.objects.filter(pk=clock_id).select_related("episode").first()
    if known is None:
        raise NotYours("There is no such promise, or it isn't yours.")
    if known.handoff_id is not None:
        now = moves.take(known.handoff_id, by=by, now=now).now
    else:
        lead = lock_lead(known.episode.lead_id)
        episode = episodes.lock(known.episode_id)
        episode.lead = lead
        if not _leads(by, matching.team_of(episode)):
            raise NotYours("There is no such promise, or it isn't yours.")
        now = max(now, *moves.last_rows(episode, None))
    locked = Clock.objects.select_for_update(of=("self",)).select_related("episode__lead", "handoff__team")
    return locked.get(pk=clock_id), now


def _leads(by: User, team: Team | None) -> bool:
    return team is not None and TeamMembership.objects.filter(user=by, team=team, is_manager=True).exists()


def _check_runs(clock: Clock, *, now: datetime, refusal: type[Refused]) -> None:
    if not clock.is_running:
        raise refusal("This promise has ended; nothing runs any more.", target=clock.target)
    if now > clock.due_at or clock.breached_at is not None:
        raise refusal("It is past due already. Time is agreed upon before it runs out.", target=clock.target)


def _given(reason: str) -> str:
    text = " ".join(reason.replace("\x00", "").split())
    if not text or len(text) > LONGEST_REASON:
        raise Invalid(f"Say why, in at most {LONGEST_REASON} characters.", field="reason")
    return text


def _count_again(clock: Clock, *, now: datetime, by: User) -> None:
    """The due instant, and the next step, out of the inputs as they stand now."""
    fresh = Clock.objects.get(pk=clock.pk)
    clock.due_at = deadlines.recompute(fresh)
    clock.save(update_fields=["due_at"])
    running.wind(Clock.objects.get(pk=clock.pk))
    keeping.retimed(clock.handoff, now=now, by=by)
