"""Questions to working time: when is it due, how much has passed, how was it counted."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from sla.worktime.errors import BudgetError, InstantError, NeverOpen, TooFar
from sla.worktime.hours import FAR, FAR_YEARS, NEVER, Hours
from sla.worktime.pauses import Pause, Stretch, joined, overlaid
from sla.worktime.zones import DAY, SECOND, instants_of_day, local_day, seconds_of, to_datetime, to_us


class Counted(NamedTuple):
    """A stretch that was counted, in UTC."""

    from_at: datetime
    until_at: datetime
    seconds: int | float


class Uncounted(NamedTuple):
    """A stretch that was not, in UTC, and why in plain words."""

    from_at: datetime
    until_at: datetime
    why: str


@dataclass(frozen=True)
class _Sum:
    """A stretch of time and how it is counted, worked out when asked for; together the lists are gapless."""

    _hours: Hours = field(repr=False, compare=False)
    _stretch: Stretch = field(repr=False, compare=False)
    _pauses: tuple[Stretch, ...] = field(repr=False, compare=False)

    @cached_property
    def _segments(self) -> list[tuple[int, int, str | None]]:
        start, end = self._stretch
        return overlaid(self._hours.segments(start, end), self._pauses) if start < end else []

    @cached_property
    def counted(self) -> tuple[Counted, ...]:
        """What was counted: (from, until, seconds), in order."""
        return tuple(
            Counted(to_datetime(start), to_datetime(end), seconds_of(end - start))
            for start, end, why in self._segments
            if why is None
        )

    @cached_property
    def uncounted(self) -> tuple[Uncounted, ...]:
        """What was not: (from, until, why), in order."""
        return tuple(
            Uncounted(to_datetime(start), to_datetime(end), why)
            for start, end, why in self._segments
            if why is not None
        )


@dataclass(frozen=True)
class Deadline(_Sum):
    """A promise's end with its sum, gapless from the start to the due instant."""

    due_at: datetime
    budget_seconds: int | float


@dataclass(frozen=True)
class Elapsed(_Sum):
    """The working time between two instants with its sum."""

    seconds: int | float


def due(
    hours: Hours,
    start: datetime,
    *,
    seconds: float | None = None,
    business_days: int | None = None,
    pauses: Sequence[Pause] = (),
) -> Deadline:
    """The first instant at which the working time since start equals the budget, with its sum.

    The budget is given as `seconds`, or as `business_days` (see `business_days_budget`). Ending exactly at closing time
    is due at closing time; a start outside hours snaps forward; a budget of zero is due at the snapped start.
    Raises BudgetError, PauseError (one without an end), InstantError, NeverOpen, TooFar.
    """
    begun = to_us(start, "start")
    budget = _budget(hours, begun, seconds, business_days)
    stretches = joined(pauses, start=begun) if pauses else []
    at = _spent(hours, begun, budget, stretches)
    return Deadline(hours, (begun, at), tuple(stretches), to_datetime(at), seconds_of(budget))


def due_at(
    hours: Hours,
    start: datetime,
    *,
    seconds: float | None = None,
    business_days: int | None = None,
    pauses: Sequence[Pause] = (),
) -> datetime:
    """Only the instant of `due`, for many at once."""
    begun = to_us(start, "start")
    budget = _budget(hours, begun, seconds, business_days)
    if not pauses:
        return to_datetime(hours.spent(begun, budget))
    return to_datetime(_spent(hours, begun, budget, joined(pauses, start=begun)))


def elapsed(hours: Hours, start: datetime, end: datetime, pauses: Sequence[Pause] = ()) -> Elapsed:
    """The working time in [start, end) with its sum. A pause that still runs is cut at the end.

    Raises InstantError where the end lies before the start.
    """
    begun, ended = to_us(start, "start"), to_us(end, "end")
    if ended < begun:
        raise InstantError("end: lies before the start. Swap the two moments.", field="end")
    stretches = joined(pauses, start=begun, until=ended) if pauses else []
    total = hours.open_between(begun, ended) - _paused(hours, ended, stretches)
    return Elapsed(hours, (begun, ended), tuple(stretches), seconds_of(total))


def business_days_budget(hours: Hours, start: datetime, days: int) -> int | float:
    """The seconds that n business days are worth from here.

    The open seconds of the next n local dates, strictly after the local date of the given start, that have any. Local
    is the zone of the first calendar, even where several must be open; a shift past midnight counts on each date's wall
    clock. Round the clock they are UTC days of 86,400 s. Raises BudgetError, NeverOpen, TooFar.
    """
    return seconds_of(_business_days(hours, to_us(start, "start"), days))


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether work is done at this instant; at the closing instant it no longer is."""
    return hours.is_open(to_us(at, "at"))


def next_open(hours: Hours, at: datetime) -> datetime:
    """The first open instant at or after this one; raises NeverOpen."""
    return to_datetime(hours.first_open(to_us(at, "at")))


def next_close(hours: Hours, at: datetime) -> datetime | None:
    """The first closed instant at or after this one; None where it stays open for the next 366 days."""
    closed = hours.first_closed(to_us(at, "at"))
    return None if closed is None else to_datetime(closed)


def remaining(hours: Hours, now: datetime, due_at: datetime) -> int | float:
    """The working seconds left until due; past due, the working seconds since, negative."""
    at, end = to_us(now, "now"), to_us(due_at, "due_at")
    return seconds_of(hours.open_between(at, end)) if at <= end else -seconds_of(hours.open_between(end, at))


def _budget(hours: Hours, start: int, seconds: float | None, business_days: int | None) -> int:
    """The budget in microseconds."""
    if business_days is not None:
        if seconds is not None:
            raise BudgetError("seconds: give seconds or business_days, not both.", field="seconds")
        return _business_days(hours, start, business_days)
    if type(seconds) is int:
        if seconds < 0:
            raise BudgetError("seconds: a budget cannot be negative.", field="seconds")
        return seconds * SECOND
    if not isinstance(seconds, float) or not math.isfinite(seconds) or seconds < 0:
        raise BudgetError("seconds: give a number of seconds, 0 or more, or business_days.", field="seconds")
    return round(seconds * SECOND)


def _business_days(hours: Hours, start: int, days: int) -> int:
    if type(days) is not int or days < 0:
        raise BudgetError("business_days: give a whole number of days, 0 or more.", field="business_days")
    if not hours.calendars:
        return days * DAY
    budget, found, day = 0, 0, local_day(hours.time_zone, start)
    last_open = day
    while found < days:
        day += 1
        worth = sum(hours.open_between(a, b) for a, b in instants_of_day(hours.time_zone, day))
        if worth:
            budget, found, last_open = budget + worth, found + 1, day
        elif (day - last_open) * DAY > NEVER:
            raise NeverOpen(
                "No date within 366 days is open, so business days cannot be counted. Check the weekly hours.",
                field="business_days",
            )
        if day * DAY - start > FAR:
            raise TooFar(f"business_days: ends more than {FAR_YEARS} years away. Give fewer.", field="business_days")
    return budget


def _spent(hours: Hours, start: int, budget: int, pauses: Iterable[Stretch]) -> int:
    """As `Hours.spent`, with the clock standing still during the pauses."""
    for begun, ended in pauses:
        if begun > start:
            at = hours.spent(start, budget)
            if at < begun or (budget and at == begun):
                return at
            budget -= hours.open_between(start, begun)
        start = ended
    return hours.spent(start, budget)


def _paused(hours: Hours, until: int, pauses: Iterable[Stretch]) -> int:
    """The working time that lies in pauses before an instant."""
    return sum(hours.open_between(begun, min(ended, until)) for begun, ended in pauses if begun < until)
