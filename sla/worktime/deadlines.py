"""Questions to working time: when is it due, how much has passed, how was it counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from sla.worktime.budgets import budget_of, business_days_of
from sla.worktime.errors import InstantError, TooFar
from sla.worktime.hours import FAR, YEAR, Hours, Segment, years
from sla.worktime.pauses import Pause, Stretch, joined, overlaid
from sla.worktime.zones import seconds_of, to_datetime, to_us


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


class Limits(NamedTuple):
    """What one question may cost: how far its answer may lie ahead, and how many lines its sum may have."""

    years: int = FAR // YEAR
    lines: int | None = None


GENEROUS = Limits()


@dataclass(frozen=True)
class _Sum:
    """A stretch of time and how it is counted, worked out when asked for; together the lists are gapless."""

    _hours: Hours = field(repr=False, compare=False)
    _stretch: Stretch = field(repr=False, compare=False)
    _pauses: tuple[Stretch, ...] = field(repr=False, compare=False)
    _most_lines: int | None = field(repr=False, compare=False)

    @cached_property
    def _segments(self) -> list[Segment]:
        start, end = self._stretch
        if start == end:
            return []
        segments = self._hours.segments(start, end)
        if self._most_lines is None:
            return overlaid(segments, self._pauses)
        some = list(islice(segments, self._most_lines + 1))
        found = overlaid(some, self._pauses)
        if max(len(some), len(found)) > self._most_lines:
            told = f"the sum from here has more than {self._most_lines} lines. Ask for a shorter stretch."
            raise TooFar(f"start: {told}", field="start")
        return found

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

    @cached_property
    def parts(self) -> list[Counted | Uncounted]:
        """What was counted and what was not, gapless and in order."""
        return sorted([*self.counted, *self.uncounted], key=lambda part: part.from_at)


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
    limits: Limits = GENEROUS,
) -> Deadline:
    """The first instant at which the working time since start equals the budget, with its sum.

    The budget is given as `seconds`, or as `business_days` (see `business_days_budget`). Ending exactly at closing time
    is due at closing time; a start outside hours snaps forward; a budget of zero is due at the snapped start.
    Raises BudgetError, PauseError (one without an end), InstantError, NeverOpen, TooFar; reading the sum raises TooFar
    where it has more lines than the limits allow.
    """
    begun, far = to_us(start, "start"), limits.years * YEAR
    budget = budget_of(hours, begun, seconds, business_days, far)
    stretches = joined(pauses, start=begun) if pauses else []
    at = _spent(hours, begun, budget, stretches, far)
    return Deadline(hours, (begun, at), tuple(stretches), limits.lines, to_datetime(at), seconds_of(budget))


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
    budget = budget_of(hours, begun, seconds, business_days)
    if not pauses:
        return to_datetime(hours.spent(begun, budget))
    return to_datetime(_spent(hours, begun, budget, joined(pauses, start=begun)))


def elapsed(
    hours: Hours, start: datetime, end: datetime, pauses: Sequence[Pause] = (), *, limits: Limits = GENEROUS
) -> Elapsed:
    """The working time in [start, end) with its sum. A pause that still runs is cut at the end.

    Raises InstantError where the end lies before the start, TooFar where it lies too far after it; reading the sum
    raises TooFar where it has more lines than the limits allow.
    """
    begun, ended, far = to_us(start, "start"), to_us(end, "end"), limits.years * YEAR
    if ended < begun:
        raise InstantError("end: lies before the start. Swap the two moments.", field="end")
    if ended - begun > far:
        raise TooFar(f"end: lies more than {years(far)} after the start. Give a moment nearer to it.", field="end")
    stretches = joined(pauses, start=begun, until=ended) if pauses else []
    total = hours.open_between(begun, ended) - _paused(hours, ended, stretches)
    return Elapsed(hours, (begun, ended), tuple(stretches), limits.lines, seconds_of(total))


def business_days_budget(hours: Hours, start: datetime, days: int) -> int | float:
    """The seconds that n business days are worth from here.

    The open seconds of the next n local dates, strictly after the local date of the given start, that have any. Local
    is the zone of the first calendar, even where several must be open; a shift past midnight counts on each date's wall
    clock. Round the clock they are UTC days of 86,400 s. Raises BudgetError, NeverOpen, TooFar.
    """
    return seconds_of(business_days_of(hours, to_us(start, "start"), days))


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


def _spent(hours: Hours, begun: int, budget: int, pauses: Iterable[Stretch], far: int = FAR) -> int:
    """As `Hours.spent`, with the clock standing still during the pauses."""
    start = begun
    for paused, ended in pauses:
        if paused > start:
            at = hours.spent(start, budget, far)
            if at < paused or (budget and at == paused):
                return _near(at, begun, far)
            budget -= hours.open_between(start, paused)
        start = _near(ended, begun, far)
    return _near(hours.spent(start, budget, far), begun, far)


def _near(at: int, begun: int, far: int) -> int:
    if at - begun > far:
        told = f"the answer lies more than {years(far)} after the start. Give less, or shorter pauses."
        raise TooFar(f"start: {told}", field="start")
    return at


def _paused(hours: Hours, until: int, pauses: Iterable[Stretch]) -> int:
    """The working time that lies in pauses before an instant."""
    return sum(hours.open_between(begun, min(ended, until)) for begun, ended in pauses if begun < until)
