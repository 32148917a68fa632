"""Deadlines of clocks, counted from their stored inputs: the last timing and the pauses.

Whoever asks again gets the same instant: all it takes stands in these rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from leads.errors import Refused
from sla import worktime
from sla.models import Clock, ClockTiming
from sla.people import calendars
from sla.worktime import Deadline, WorktimeError

Pauses = Sequence[tuple[datetime, datetime]]


class NotCountable(Refused):
    """A deadline has no answer, because its calendars are never open together."""

    title = "No deadline"
    code = "not_countable"


def recompute(clock: Clock) -> datetime:
    """The due instant, counted again from the inputs of the last timing and the pauses: equal to `due_at`, always."""
    return due_of(last_timing(clock), pauses_of(clock))


def explain(clock: Clock, *, now: datetime | None = None) -> Deadline:
    """The deadline with its sum, gapless from start to due; with `now`, as it stood at that moment."""
    return counted(last_timing(clock, until=now), pauses_of(clock, until=now))


@contextmanager
def countable() -> Iterator[None]:
    """Say in a refusal what working time can't answer."""
    try:
        yield
    except WorktimeError as error:
        raise NotCountable(str(error)) from error


def last_timing(clock: Clock, until: datetime | None = None) -> ClockTiming:
    """The timing that counts; with `until`, the one that counted at that moment."""
    timings = sorted(clock.all_timings, key=lambda timing: timing.number)
    known = [timing for timing in timings if until is None or timing.at <= until]
    return known[-1] if known else timings[0]


def pauses_of(clock: Clock, until: datetime | None = None) -> list[tuple[datetime, datetime]]:
    """The pauses as they count; with `until`, those that were known at that moment."""
    pauses = []
    for pause in clock.all_pauses:
        ended = pause.ended_at is not None and (until is None or pause.ended_at <= until)
        ends_at = pause.counts_until if ended else pause.until_at
        if (until is None or pause.at <= until) and pause.from_at < ends_at:
            pauses.append((pause.from_at, ends_at))
    return pauses


def due_of(timing: ClockTiming, pauses: Pauses) -> datetime:
    """The due instant that these inputs give. Raises NotCountable."""
    with countable():
        return counted(timing, pauses).due_at


def counted(timing: ClockTiming, pauses: Pauses) -> Deadline:
    """The deadline that these inputs give."""
    hours = calendars.hours_of_versions(timing.calendar_versions)
    return worktime.due(
        hours, timing.start_at, seconds=timing.budget_seconds, business_days=timing.business_days, pauses=pauses
    )
