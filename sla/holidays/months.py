"""Twelve months of a calendar as a picture: days open and closed, holidays, half days, hours of their own. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sla.worktime import Calendar
from sla.worktime.spec import Shifts, clock
from sla.worktime.zones import EPOCH_ORDINAL

MONTHS: Final = 12
OPEN, CLOSED, HOLIDAY, HALF, OTHER, WORKED = "open", "closed", "holiday", "half", "other", "worked"
WORDS: Final = {
    OPEN: "open",
    CLOSED: "closed",
    HOLIDAY: "holiday",
    HALF: "half day",
    OTHER: "other hours",
    WORKED: "holiday on which we work",
}
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Day:
    """One date: what kind of day it is, its name if it has one, and its hours in words."""

    date: date
    kind: str
    name: str
    hours: str

    @property
    def what(self) -> str:
        """“Christmas Day”, “half day”, “Corpus Christi, on which we work”."""
        if self.kind == WORKED:
            return f"{self.name}, on which we work"
        return self.name or WORDS[self.kind]

    @property
    def says(self) -> str:
        """“Christmas Day: closed”."""
        return f"{self.what}: {self.hours}" if self.what != self.hours else self.hours


@dataclass(frozen=True)
class Month:
    """A month in weeks; None stands for a day of the month before or after."""

    first: date
    weeks: Sequence[Sequence[Day | None]]


@dataclass(frozen=True)
class Year:
    """Twelve months, and the days in them that are not like every week."""

    weekdays: Sequence[str]
    months: Sequence[Month]
    special: Sequence[Day]


def year_ahead(
    calendar: Calendar, today: date, *, worked: Mapping[date, str] | None = None, first_weekday: int = 0
) -> Year:
    """The twelve months from this one on. `worked` names the public holidays that the calendar leaves out."""
    months = [_month(calendar, _later(today, ahead), worked or {}, first_weekday) for ahead in range(MONTHS)]
    days = [day for month in months for week in month.weeks for day in week if day is not None]
    return Year(
        WEEKDAYS[first_weekday:] + WEEKDAYS[:first_weekday],
        months,
        [day for day in days if day.kind not in (OPEN, CLOSED)],
    )


def _later(day: date, months: int) -> date:
    """The first of the month so many months later."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _month(calendar: Calendar, first: date, worked: Mapping[date, str], first_weekday: int) -> Month:
    length = (_later(first, 1) - first).days
    days: list[Day | None] = [_day(calendar, first.replace(day=number + 1), worked) for number in range(length)]
    before = (first.weekday() - first_weekday) % 7
    padded = [None] * before + days + [None] * (-(before + length) % 7)
    return Month(first, [padded[at : at + 7] for at in range(0, len(padded), 7)])


def _day(calendar: Calendar, day: date, worked: Mapping[date, str]) -> Day:
    number = day.toordinal() - EPOCH_ORDINAL
    shifts, usual = calendar.shifts(number), calendar.parts.weekly[day.weekday()]
    holiday, breaks = calendar.holiday(number), dict(calendar.parts.breaks).get(number, ())
    hours = _hours(shifts) + (f", break {_hours(breaks)}" if shifts and breaks else "")
    if number in dict(calendar.parts.date_overrides):
        kind = HALF if shifts and _length(shifts) < _length(usual) else OTHER
        return Day(day, kind, holiday or "", hours)
    if holiday is not None:
        return Day(day, HOLIDAY, holiday, hours)
    if day in worked and shifts:
        return Day(day, WORKED, worked[day], hours)
    return Day(day, OTHER if shifts and breaks else OPEN if shifts else CLOSED, "", hours)


def _length(shifts: Shifts) -> int:
    return sum(end - start for start, end in shifts)


def _hours(shifts: Shifts) -> str:
    return ", ".join(f"{clock(start)}–{clock(end)}" for start, end in shifts) or "closed"
