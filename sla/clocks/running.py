"""The clocks: one promise of one episode or hand-off, from its start until it is met or voided.

What a deadline is made of stands in its timings; whoever asks again gets the same instant. The verdict is arithmetic,
whoever noticed first. The lead, and with it the hand-off, is locked by whoever calls these verbs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from leads import bulk
from leads.models import User
from leads.transactions import business
from sla.clocks import deadlines, ladder, promising
from sla.clocks.ladder import BREACH
from sla.clocks.starting import timing_of
from sla.models import Clock, ClockStep, PolicyTarget
from sla.telling import events

RETRY_AFTER = timedelta(seconds=60)

Verdict = Clock.Verdict


@business
def meet(clock: Clock, *, at: datetime, now: datetime) -> None:
    """The promise was kept, or kept late, at `at`: met iff that is not after the due instant.

    A clock that has ended stays as it ended.
    """
    _lock(clock)
    if not clock.is_running:
        return
    meet_all([(clock, at)], now=now)


@business
def meet_all(clocks: Sequence[tuple[Clock, datetime]], *, now: datetime) -> None:
    """`meet` for many running clocks, just read under their locks, each with when it was kept."""
    for clock, at in clocks:
        clock.met_at = at
        clock.verdict = Verdict.MET if at <= clock.due_at else Verdict.MISSED
    _end([clock for clock, _ in clocks], now=now)


@business
def void(clock: Clock, *, why: str, now: datetime, as_of: datetime | None = None) -> None:
    """Nobody has to keep this promise any more, since `as_of` (now). One that was past due by then stays missed."""
    _lock(clock)
    if not clock.is_running:
        return
    void_all([clock], why=why, now=now, as_of=as_of)


@business
def void_all(clocks: Sequence[Clock], *, why: str, now: datetime, as_of: datetime | None = None) -> None:
    """`void` for many running clocks, just read under their locks."""
    for clock in clocks:
        clock.voided_at, clock.void_reason = max(clock.started_at, min(as_of or now, now)), why[:60]
        clock.verdict = Verdict.VOIDED if clock.voided_at <= clock.due_at else Verdict.MISSED
    _end(clocks, now=now)


@business
def unmeet(clock: Clock, *, now: datetime) -> None:
    """Undo of what met or voided it: the clock runs again, with the same due instant. A breach already told stays."""
    _lock(clock)
    clock.met_at, clock.voided_at, clock.void_reason, clock.verdict = None, None, "", ""
    clock.save(update_fields=["met_at", "voided_at", "void_reason", "verdict"])
    wind(clock)


@business
def tighten(
    clock: Clock, policy_target: PolicyTarget | None, *, why: str, now: datetime, by: User | None = None
) -> bool:
    """The lead became hotter: due = min(due, now + the new target), as a new timing. True if it is due earlier now.

    What is paused stays paused: of a pause that stands the new target counts nothing either.
    """
    _lock(clock)
    if not clock.is_running or policy_target is None:
        return False
    made = promising.promise(clock.handoff or clock.episode, policy_target, start_at=now)
    if clock.handoff is not None and clock.target in promising.ONE_BY_ONE:
        (made,) = promising.one_by_one(clock.handoff, [made], now=now)
    timing = timing_of(made, why=why, now=now, by=by)
    timing.due_at = deadlines.due_of(timing, deadlines.pauses_of(clock))
    if timing.due_at >= clock.due_at:
        return False
    clock.due_at = timing.due_at
    clock.save(update_fields=["due_at"])
    timing.clock, timing.number = clock, clock.timings.count() + 1
    timing.save()
    wind(clock)
    return True


def mark_breach(clock: Clock, *, now: datetime, noticed_by: str) -> bool:
    """Write that the due time has passed: once, as history and as a mark. Counting goes on. True if it is new."""
    _, new = ClockStep.objects.get_or_create(
        clock=clock,
        key=BREACH,
        defaults={"due_at": clock.due_at, "fired_at": max(now, clock.due_at), "detail": {"noticed_by": noticed_by}},
    )
    if clock.breached_at is None:
        clock.breached_at = clock.due_at
        clock.save(update_fields=["breached_at"])
    if new:
        events.tell("clock.breached", clock=clock, now=now)
    return new


def wind(clock: Clock) -> None:
    """Set the instant at which the clock acts next; None where it has ended or nothing is left to do."""
    steps = ladder.unfired(clock) if clock.is_running else []
    clock.next_step_at = steps[0].at if steps else None
    clock.save(update_fields=["next_step_at"])


def due_page(*, now: datetime, limit: int) -> list[int]:
    """Ids of the clocks that have something to do, longest due first, read without locks.

    One whose last step failed is left alone for a minute, so that it never holds up the others.
    """
    ready = Clock.objects.filter(next_step_at__lte=now, verdict="").filter(
        Q(held_back_at=None) | Q(held_back_at__lte=now - RETRY_AFTER)
    )
    return list(ready.order_by("next_step_at", "id").values_list("id", flat=True)[:limit])


def next_step_after(*, now: datetime) -> datetime | None:
    """When the next clock has something to do that is not due yet."""
    later = Clock.objects.filter(next_step_at__gt=now).order_by("next_step_at", "id")
    return later.values_list("next_step_at", flat=True).first()


def _lock(clock: Clock) -> None:
    """Lock the row and read it again: what the caller holds may be a moment old."""
    clock.refresh_from_db(
        fields=[
            "due_at",
            "next_step_at",
            "breached_at",
            "met_at",
            "voided_at",
            "void_reason",
            "verdict",
            "held_back_at",
            "held_back_why",
        ],
        from_queryset=Clock.objects.select_for_update(of=("self",)),
    )


def _end(clocks: Sequence[Clock], *, now: datetime) -> None:
    """Write how these have ended."""
    for clock in clocks:
        clock.next_step_at, clock.held_back_at, clock.held_back_why = None, None, ""
    bulk.update(
        "sla_clock",
        {
            "id": ("bigint", [clock.pk for clock in clocks]),
            "met_at": ("timestamptz", [clock.met_at for clock in clocks]),
            "voided_at": ("timestamptz", [clock.voided_at for clock in clocks]),
            "void_reason": ("text", [clock.void_reason for clock in clocks]),
            "verdict": ("text", [clock.verdict for clock in clocks]),
            "next_step_at": ("timestamptz", [None] * len(clocks)),
            "held_back_at": ("timestamptz", [None] * len(clocks)),
            "held_back_why": ("text", [""] * len(clocks)),
        },
    )
    for clock in clocks:
        if clock.verdict == Verdict.MISSED:
            # Every missed clock has its breach in the history, also where runclock had not come by yet.
            mark_breach(clock, now=now, noticed_by="verb")
