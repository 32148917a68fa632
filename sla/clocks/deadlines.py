"""Deadlines of running clocks, out of their stored inputs: when they are due, and when each step of the ladder is.

Whoever asks again gets the same instant: all it takes stands in the last timing and the pauses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from leads.errors import Refused
from sla import worktime
from sla.models import Clock, ClockTiming, LadderStep, PolicyTarget
from sla.people import calendars
from sla.worktime import Deadline, Hours, WorktimeError, due_at

BREACH = "breach"


class NotCountable(Refused):
    """A deadline has no answer, because its calendars are never open together."""

    title = "No deadline"
    code = "not_countable"


class Step(NamedTuple):
    """One thing a clock still has to do: the breach mark, or a step of the ladder."""

    at: datetime
    key: str
    ladder_step: LadderStep | None


def recompute(clock: Clock) -> datetime:
    """The due instant, counted again from the inputs of the last timing and the pauses: equal to `due_at`, always."""
    return _counted(_last_timing(clock), _pauses(clock)).due_at


def explain(clock: Clock, *, now: datetime | None = None) -> Deadline:
    """The deadline with its sum, gapless from start to due; with `now`, as it stood at that moment."""
    return _counted(_last_timing(clock, until=now), _pauses(clock))


def unfired(clock: Clock) -> list[Step]:
    """What the clock still has to do, in the order of time: its breach, and the steps of its ladder."""
    fired = set(clock.fired.values_list("key", flat=True))
    steps = schedule(_last_timing(clock), clock.target, due=clock.due_at, pauses=_pauses(clock))
    left = [step for step in steps if step.key not in fired]
    return sorted(left, key=lambda step: (step.at, step.key != BREACH, step.key))


def due_for(hours: Hours, start_at: datetime, target: PolicyTarget) -> datetime:
    """When this target is due, counted from here in these hours. Raises NotCountable."""
    with _countable():
        return due_at(hours, start_at, seconds=target.seconds, business_days=target.business_days)


@contextmanager
def _countable() -> Iterator[None]:
    """Say in a refusal what working time can't answer."""
    try:
        yield
    except WorktimeError as error:
        raise NotCountable(str(error)) from error


def _last_timing(clock: Clock, until: datetime | None = None) -> ClockTiming:
    timings = list(clock.timings.order_by("number"))
    known = [timing for timing in timings if until is None or timing.at <= until]
    return known[-1] if known else timings[0]


def _pauses(clock: Clock) -> list[tuple[datetime, datetime]]:
    return list(clock.pauses.values_list("from_at", "until_at"))


def _counted(timing: ClockTiming, pauses: Sequence[tuple[datetime, datetime]]) -> Deadline:
    hours = calendars.hours_of_versions(timing.calendar_versions)
    return worktime.due(
        hours, timing.start_at, seconds=timing.budget_seconds, business_days=timing.business_days, pauses=pauses
    )


def schedule(
    timing: ClockTiming, target: str, *, due: datetime, pauses: Sequence[tuple[datetime, datetime]] = ()
) -> list[Step]:
    """When each step is to fire: at its share of the budget, in working time from the start of the timing."""
    steps = [Step(due, BREACH, None)]
    ladder = list(LadderStep.objects.filter(version_id=timing.policy_version_id, target=target))
    if not ladder:
        return steps
    hours = calendars.hours_of_versions(timing.calendar_versions)
    budget = _counted(timing, pauses).budget_seconds
    for step in ladder:
        at = due
        if step.share != 100:
            with _countable():
                at = due_at(hours, timing.start_at, seconds=budget * step.share / 100, pauses=pauses)
        steps.append(Step(at, f"step:{step.pk}", step))
    return steps
