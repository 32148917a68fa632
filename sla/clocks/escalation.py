"""Escalation: what happens when a due time comes near or passes. Each step fires once.

A page of clocks that only tell somebody is one transaction. What moves a lead on has one of its own, since it takes
further locks; and so has what failed before, so that it fails alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from leads import bulk, outbox
from leads.transactions import business
from sla.clocks import actions, standing
from sla.clocks.audience import Audience
from sla.clocks.ladder import BREACH, Step
from sla.clocks.standing import Standing
from sla.models import Clock, ClockStep

log = structlog.get_logger(__name__)

Now = datetime | Callable[[], datetime]


@dataclass(frozen=True)
class Fired:
    """How many clocks of a page did something, and which are to be fired each by itself, in this order."""

    acted: int = 0
    alone: list[int] = field(default_factory=list)


def fire(clock_id: int, *, now: Now, due_by: datetime | None = None) -> bool:
    """Do what one clock has due: mark the breach, write to people, and move the lead on. True if anything was done.

    False where someone else holds the lead (they are acting on it; the next round comes by again), or nothing is due
    any more.
    """
    return fire_page([clock_id], now=now, due_by=due_by).acted > 0


@business
def fire_page(clock_ids: Sequence[int], *, now: Now, due_by: datetime | None = None) -> Fired:
    """Do what these clocks have due, in this order, all of it or nothing.

    `now` may be the clock itself: it is then asked once the locks are had. `due_by` is when they were found to be due:
    what somebody else holds or has fired since is left at once, so that several processes share one page. Left for
    `fire` are those that move a lead, or failed before, and whatever the same lead has due after them.
    """
    found = standing.lock(clock_ids, due_by=due_by)
    if not found:
        return Fired()
    asked = now() if callable(now) else now
    works = [_Work.of(each, asked) for each in found]
    together, alone = _apart(works) if len(works) > 1 else (works, [])
    _go_on(together)
    _fire([work for work in together if work.due])
    return Fired(sum(bool(work.due) for work in together), [work.clock.pk for work in alone])


@business
def hold_back(clock_id: int, *, why: str, now: datetime) -> None:
    """A step of this clock failed: leave it alone for a minute, and say why where people look."""
    Clock.objects.filter(pk=clock_id, verdict="").update(held_back_at=now, held_back_why=why[:300])
    log.error("clock_held_back", clock=clock_id, why=why[:300])


@dataclass(frozen=True)
class _Work:
    """What one clock has due at an instant, and when it goes on."""

    clock: Clock
    instant: datetime
    due: list[Step]
    next_step_at: datetime | None

    @classmethod
    def of(cls, found: Standing, now: datetime) -> _Work:
        clock, instant, steps = found.clock, found.instant(now), found.steps()
        due = [step for step in steps if step.at <= instant]
        moves = [step for step in due if _moves(clock, step) and clock.handoff]
        if moves:
            due = due[: due.index(moves[0]) + 1]  # the lead moves on, and this clock ends with its hand-off
        return cls(clock, instant, due, next((step.at for step in steps if step.at > instant), None))

    @property
    def is_for_itself(self) -> bool:
        return self.clock.held_back_at is not None or any(_moves(self.clock, step) for step in self.due)


def _moves(clock: Clock, step: Step) -> bool:
    return step.ladder_step is not None and actions.takes_away(clock, step.ladder_step)


def _apart(works: list[_Work]) -> tuple[list[_Work], list[_Work]]:
    """Those that go together, and those that go one by one: of one lead everything stays in its order."""
    together: list[_Work] = []
    alone: list[_Work] = []
    matters: set[int] = set()
    for work in works:
        if work.is_for_itself or work.clock.episode_id in matters:
            alone.append(work)
            matters.add(work.clock.episode_id)
        else:
            together.append(work)
    return together, alone


def _go_on(works: list[_Work]) -> None:
    """Wind the clocks for their next steps, and mark their breaches; whatever held them back is over."""
    changed: list[Clock] = []
    for work in works:
        clock = work.clock
        before = (clock.next_step_at, clock.breached_at, clock.held_back_at, clock.held_back_why)
        clock.next_step_at, clock.held_back_at, clock.held_back_why = work.next_step_at, None, ""
        if clock.breached_at is None and any(step.key == BREACH for step in work.due):
            clock.breached_at = clock.due_at
        if before != (clock.next_step_at, clock.breached_at, None, ""):
            changed.append(clock)
    bulk.update(
        Clock._meta.db_table,
        {
            "id": ("bigint", [clock.pk for clock in changed]),
            "next_step_at": ("timestamptz", [clock.next_step_at for clock in changed]),
            "breached_at": ("timestamptz", [clock.breached_at for clock in changed]),
            "held_back_at": ("timestamptz", [None for _ in changed]),
            "held_back_why": ("text", ["" for _ in changed]),
        },
    )


def _fire(works: list[_Work]) -> None:
    """Write a row for each step, and do what it says; what takes the lead away comes last."""
    audience = Audience(work.clock for work in works)
    done = [
        (work, step, actions.tell(work.clock, step, audience, now=work.instant)) for work in works for step in work.due
    ]
    outbox.queue([message for _, _, told in done for message in told.messages])
    bulk.insert(
        ClockStep._meta.db_table,
        {
            "clock_id": ("bigint", [work.clock.pk for work, _, _ in done]),
            "key": ("text", [step.key for _, step, _ in done]),
            "step_id": ("bigint", [step.ladder_step.pk if step.ladder_step else None for _, step, _ in done]),
            "due_at": ("timestamptz", [step.at for _, step, _ in done]),
            "fired_at": ("timestamptz", [work.instant for work, _, _ in done]),
            "detail": ("jsonb", [told.detail for _, _, told in done]),
        },
    )
    for work, step, told in done:
        if step.ladder_step is not None and "skipped" not in told.detail:
            actions.move(work.clock, step.ladder_step, now=work.instant)
