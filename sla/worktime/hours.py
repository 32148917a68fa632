"""One or several calendars as UTC intervals with prefix sums, compiled span by span when first asked for.

Everything here is whole microseconds since 1970 UTC. Working time between two instants is a difference of two sums, and
the instant at which a budget is spent is one bisection: no step of it moves a wall clock.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache, reduce
from typing import NamedTuple

from sla.worktime.calendars import Calendar
from sla.worktime.errors import NeverOpen, TooFar
from sla.worktime.zones import DAY, MINUTE, offset_stretches, to_datetime

# (from, until, why closed, or None where open).
Segment = tuple[int, int, str | None]

SPAN = 32 * DAY
NEVER = 366 * DAY
YEAR = 366 * DAY
FAR = 50 * YEAR
_SPANS_KEPT = 128


class Span(NamedTuple):
    """The open intervals of 32 days. `before[i]` is what is open before the i-th of them, `upto[i]` to its end."""

    starts: list[int]
    ends: list[int]
    before: list[int]
    upto: list[int]
    total: int


class Hours:
    """When work is done: open = open in each of its calendars; with none, round the clock.

    Equal calendars share one instance, and with it what was compiled. Make one with `of` or `always`; `once` makes one
    for a calendar that comes, is asked and goes, and leaves nothing behind.
    """

    def __init__(self, calendars: tuple[Calendar, ...], cut: Callable[[Calendar, int], tuple[Segment, ...]]) -> None:
        self.calendars = calendars
        self._cut = cut
        self._spans: dict[int, Span] = {}

    @staticmethod
    def of(*calendars: Calendar) -> "Hours":
        """The hours open in each of these calendars. The first one's zone says what a local date is."""
        return _interned(tuple(dict.fromkeys(calendars)))

    @staticmethod
    def once(calendar: Calendar) -> "Hours":
        """The hours of a calendar nobody keeps: they take no place of those that are kept."""
        return Hours((calendar,), lru_cache(maxsize=_SPANS_KEPT)(_segments))

    @staticmethod
    def always() -> "Hours":
        """Round the clock, in UTC days."""
        return _interned(())

    def __repr__(self) -> str:
        return f"Hours({', '.join(calendar.time_zone for calendar in self.calendars) or 'always'})"

    @property
    def time_zone(self) -> str:
        """The zone of local dates: the first calendar's, UTC round the clock."""
        return self.calendars[0].time_zone if self.calendars else "UTC"

    def span(self, index: int) -> Span:
        """The open intervals of the index-th 32 days since 1970; threads may compile one twice, to the same result."""
        found = self._spans.get(index)
        if found is None:
            if len(self._spans) >= _SPANS_KEPT:
                self._spans.clear()
            found = self._spans[index] = self._compile(index)
        return found

    def _compile(self, index: int) -> Span:
        opens = [(a, b) for a, b, why in self._labelled(index) if why is None]
        before, total = [], 0
        for start, end in opens:
            before.append(total)
            total += end - start
        starts, ends = [a for a, _ in opens], [b for _, b in opens]
        upto = [done + b - a for done, (a, b) in zip(before, opens, strict=True)]
        return Span(starts, ends, before, upto, total)

    def _labelled(self, index: int) -> tuple[Segment, ...]:
        if not self.calendars:
            return ((index * SPAN, (index + 1) * SPAN, None),)
        return reduce(_both, (self._cut(calendar, index) for calendar in self.calendars))

    def segments(self, start: int, end: int) -> Iterator[Segment]:
        """[start, end) gapless: open, or why not; where several calendars are closed, the first one's reason."""
        for index in range(start // SPAN, (end - 1) // SPAN + 1):
            for a, b, why in self._labelled(index):
                if a < end and start < b:
                    yield max(a, start), min(b, end), why

    def open_before(self, at: int) -> int:
        """What is open from the beginning of the instant's span to the instant."""
        span = self.span(at // SPAN)
        i = bisect_right(span.starts, at) - 1
        return span.before[i] + min(at, span.ends[i]) - span.starts[i] if i >= 0 else 0

    def open_between(self, start: int, end: int) -> int:
        """The working time in [start, end)."""
        if end - start > FAR:
            raise TooFar(f"end: lies more than {years(FAR)} after the start. Give a moment nearer to it.", field="end")
        first, last = start // SPAN, end // SPAN
        whole = sum(self.span(index).total for index in range(first, last))
        return whole + self.open_before(end) - self.open_before(start)

    def is_open(self, at: int) -> bool:
        """Whether this instant lies in an open interval; a closing instant does not."""
        span = self.span(at // SPAN)
        i = bisect_right(span.starts, at) - 1
        return i >= 0 and at < span.ends[i]

    def first_open(self, at: int) -> int:
        """The first open instant at or after this one; raises NeverOpen."""
        for index in range(at // SPAN, (at + NEVER) // SPAN + 1):
            span = self.span(index)
            i = bisect_right(span.ends, at)
            if i < len(span.starts):
                found = max(span.starts[i], at)
                if found <= at + NEVER:
                    return found
                break
        raise self._never(at)

    def first_closed(self, at: int) -> int | None:
        """The first closed instant at or after this one; None if there is none within 366 days."""
        closed = at
        for index in range(at // SPAN, (at + NEVER) // SPAN + 1):
            span = self.span(index)
            i = bisect_right(span.starts, closed) - 1
            if i < 0 or span.ends[i] <= closed:
                return closed
            closed = span.ends[i]
            if closed < (index + 1) * SPAN:
                return closed
        return None

    def spent(self, start: int, budget: int, far: int = FAR) -> int:
        """The first instant at which the working time since start equals the budget; raises NeverOpen, TooFar.

        What would lie further away than `far` may be refused as too far; looking further costs too much.
        """
        if budget == 0:
            return self.first_open(start)
        index = start // SPAN
        need = budget + self.open_before(start)
        span = self.span(index)
        if need > span.total:
            index, need = self._leap(start, need, far)
            span = self.span(index)
        i = bisect_left(span.upto, need)
        return span.starts[i] + need - span.before[i]

    def _leap(self, start: int, need: int, far: int) -> tuple[int, int]:
        """The span in which the need is met, and what of it remains there."""
        index, last = start // SPAN, start
        while True:
            span = self.span(index)
            following = bisect_right(span.ends, last)
            if following < len(span.starts):
                if max(span.starts[following], last) - last > NEVER:
                    raise self._never(last)
                last = span.ends[-1]
            elif (index + 1) * SPAN - last > NEVER:
                raise self._never(last)
            if need <= span.total:
                return index, need
            need -= span.total
            index += 1
            if index * SPAN - start > far:
                raise TooFar(
                    f"seconds: the budget is not spent within {years(far)} of the start. Give less.", field="seconds"
                )

    def _never(self, since: int) -> NeverOpen:
        told = f"Nothing is open within 366 days of {to_datetime(since):%Y-%m-%d %H:%M} UTC, so there is no answer."
        return NeverOpen(f"{told} Check the weekly hours and the holidays.", field="calendar")


def years(us: int) -> str:
    """Such as "50 years"."""
    return f"{us // YEAR} years"


@lru_cache(maxsize=512)
def _interned(calendars: tuple[Calendar, ...]) -> Hours:
    return Hours(calendars, _kept_segments)


def _segments(calendar: Calendar, index: int) -> tuple[Segment, ...]:
    """A calendar over one span: its wall days laid over each stretch of constant offset."""
    segments: list[Segment] = []
    for begun, end, offset in offset_stretches(calendar.time_zone, index * SPAN, (index + 1) * SPAN):
        for day in range((begun + offset) // DAY, (end + offset - 1) // DAY + 1):
            midnight = day * DAY - offset
            for a, b, why in calendar.pieces(day):
                start, until = max(midnight + a * MINUTE, begun), min(midnight + b * MINUTE, end)
                if start >= until:
                    continue
                if segments and segments[-1][2] == why:
                    start = segments.pop()[0]
                segments.append((start, until, why))
    return tuple(segments)


_kept_segments = lru_cache(maxsize=512)(_segments)


def _both(some: tuple[Segment, ...], others: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """Open where both are; where both are closed, the first one's reason."""
    both: list[Segment] = []
    i = j = 0
    while i < len(some) and j < len(others):
        start, end = max(some[i][0], others[j][0]), min(some[i][1], others[j][1])
        why = some[i][2] if some[i][2] is not None else others[j][2]
        if both and both[-1][2] == why:
            start = both.pop()[0]
        both.append((start, end, why))
        i, j = i + (some[i][1] == end), j + (others[j][1] == end)
    return tuple(both)
