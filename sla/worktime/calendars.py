"""A calendar as data, and each date's day cut into open minutes and reasons for the closed ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain, pairwise, product
from typing import Any

from sla.worktime import spec as specs
from sla.worktime.errors import CalendarError
from sla.worktime.spec import MIDNIGHT, WEEKDAYS, Shifts, iso
from sla.worktime.zones import EPOCH_ORDINAL

# (from, until, why closed, or None where open) in minutes of one wall day, gapless from 0 to 1440.
Piece = tuple[int, int, str | None]

OUTSIDE = "outside hours"
DAY_OFF = "day off"
BREAK = "break"


@dataclass(frozen=True)
class Calendar:
    """Weekly hours in a time zone, with what differs by date. Equal content is equal, and hashes alike."""

    parts: specs.Parts

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> "Calendar":
        """The calendar a stored or posted spec describes; raises CalendarError naming field, day and the way out."""
        calendar = cls(specs.read(spec))
        _refuse_overlaps(calendar)
        _refuse_never_open(calendar)
        return calendar

    def to_spec(self) -> dict[str, Any]:
        """The spec in its normal form: sorted, and without empty parts. `from_spec` gives the equal calendar back."""
        return specs.write(self.parts)

    @property
    def time_zone(self) -> str:
        """The zone whose wall clock the hours are said in."""
        return self.parts.time_zone

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.parts)

    @cached_property
    def _overrides(self) -> dict[int, Shifts]:
        return dict(self.parts.date_overrides)

    @cached_property
    def _breaks(self) -> dict[int, Shifts]:
        return dict(self.parts.breaks)

    @cached_property
    def _holidays(self) -> dict[int, str]:
        return dict(self.parts.holidays)

    @cached_property
    def _recurring(self) -> dict[str, str]:
        return dict(self.parts.recurring_holidays)

    def holiday(self, day: int) -> str | None:
        """The holiday's name ("" if it has none), or None on an ordinary date."""
        name = self._holidays.get(day)
        return self._recurring.get(_month_day(day)) if name is None and self._recurring else name

    def _recurs(self, day: int) -> bool:
        return _month_day(day) in self._recurring

    def shifts(self, day: int) -> Shifts:
        """The shifts that start on a date: its override, else none on a holiday, else the week's."""
        override = self._overrides.get(day)
        if override is not None:
            return override
        return () if self.holiday(day) is not None else self.parts.weekly[_weekday(day)]

    def cuts(self, day: int) -> Shifts:
        """The breaks that start on a date: the week's and its own."""
        return self.parts.weekly_breaks[_weekday(day)] + self._breaks.get(day, ())

    @cached_property
    def _dated(self) -> set[int]:
        """The dates about which something is said, and those after them, which their shifts and breaks may reach."""
        said = {*self._overrides, *self._breaks, *self._holidays}
        return said | {day + 1 for day in said}

    @cached_property
    def _week(self) -> dict[int, tuple[Piece, ...]]:
        return {}

    def pieces(self, day: int) -> tuple[Piece, ...]:
        """One wall day from 0:00 to 24:00, gapless: where it is open (None) and why it is not."""
        if day in self._dated or (self._recurring and (self._recurs(day) or self._recurs(day - 1))):
            return self._cut(day)
        weekday = _weekday(day)
        found = self._week.get(weekday)
        if found is None:
            found = self._week[weekday] = self._cut(day)
        return found

    def _cut(self, day: int) -> tuple[Piece, ...]:
        shifts = self.shifts(day)
        cuts = _of_the_day(self.cuts(day - 1), self.cuts(day))
        return _pieces(_of_the_day(self.shifts(day - 1), shifts), cuts, self._closed(day, shifts))

    def _closed(self, day: int, shifts: Shifts) -> str:
        if shifts:
            return OUTSIDE
        name = self.holiday(day)
        if name is None:
            return DAY_OFF
        return f"holiday: {name}" if name else "holiday"


def _month_day(day: int) -> str:
    return date.fromordinal(day + EPOCH_ORDINAL).strftime("%m-%d")


def _weekday(day: int) -> int:
    """0 is Monday; 1970-01-01 was a Thursday."""
    return (day + 3) % 7


def _of_the_day(yesterday: Shifts, today: Shifts) -> Shifts:
    """What of both dates' shifts lies on today's wall clock: yesterday's tail, and today's until midnight."""
    tails = [(0, end - MIDNIGHT) for _, end in yesterday if end > MIDNIGHT]
    return tuple(tails + [(start, min(end, MIDNIGHT)) for start, end in today])


def _pieces(shifts: Shifts, cuts: Shifts, closed: str) -> tuple[Piece, ...]:
    """One sweep over the edges, counting how many shifts and how many breaks cover what follows each."""
    edges: dict[int, tuple[int, int]] = {0: (0, 0), MIDNIGHT: (0, 0)}
    for start, end, in_shifts, in_cuts in [(*s, 1, 0) for s in shifts] + [(*c, 0, 1) for c in cuts]:
        for minute, sign in ((start, 1), (end, -1)):
            some, others = edges.get(minute, (0, 0))
            edges[minute] = some + sign * in_shifts, others + sign * in_cuts
    pieces: list[Piece] = []
    covering = cutting = 0
    minutes = sorted(edges)
    for start, end in pairwise(minutes):
        covering, cutting = covering + edges[start][0], cutting + edges[start][1]
        why = closed if not covering else BREAK if cutting else None
        joined = pieces.pop()[0] if pieces and pieces[-1][2] == why else start
        pieces.append((joined, end, why))
    return tuple(pieces)


def _refuse_overlaps(calendar: Calendar) -> None:
    """Shifts that meet those of the day before or after; those of one day were compared when read."""
    week = calendar.parts.weekly
    for index, name in enumerate(WEEKDAYS):
        following = (index + 1) % 7
        specs.refuse_overlap("weekly", WEEKDAYS[following], product(_tails(week[index]), week[following]), of=name)
    for day, shifts in calendar.parts.date_overrides:
        before, after = _tails(calendar.shifts(day - 1)), calendar.shifts(day + 1)
        specs.refuse_overlap("date_overrides", iso(day), product(before, shifts), of=iso(day - 1))
        specs.refuse_overlap("date_overrides", iso(day), product(after, _tails(shifts)), of=iso(day + 1))


def _tails(shifts: Shifts) -> Shifts:
    """Those of yesterday's shifts that run past midnight, on today's wall clock."""
    return tuple((start - MIDNIGHT, end - MIDNIGHT) for start, end in shifts if end > MIDNIGHT)


def _refuse_never_open(calendar: Calendar) -> None:
    plain = Calendar(specs.Parts(calendar.time_zone, calendar.parts.weekly, calendar.parts.weekly_breaks))
    week = (plain.pieces(day) for day in range(7))
    dates = (calendar.pieces(day + after) for day, _ in calendar.parts.date_overrides for after in (0, 1))
    if not any(why is None for pieces in chain(week, dates) for _, _, why in pieces):
        way_out = 'Give at least one day hours that breaks do not cover, such as {"mon": [["09:00", "17:30"]]}.'
        raise CalendarError("weekly", f"this calendar is never open. {way_out}")
