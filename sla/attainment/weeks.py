"""The weeks of reports: the organization's, from its first weekday in its zone to the next. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)


class Week(NamedTuple):
    """A week by its first day, as instants: [from_at, until_at)."""

    first: date
    from_at: datetime
    until_at: datetime

    @property
    def last(self) -> date:
        """Its last day."""
        return self.first + timedelta(days=6)


def week_of(day: date, *, zone: str, first_weekday: int) -> Week:
    """The week in which this day lies."""
    first = day - timedelta(days=(day.weekday() - first_weekday) % 7)
    return Week(first, _midnight(first, zone), _midnight(first + WEEK, zone))


def weeks_until(week: Week, count: int, *, zone: str) -> list[Week]:
    """This week and those before it, the oldest first."""
    firsts = [week.first - WEEK * back for back in reversed(range(count))]
    return [Week(first, _midnight(first, zone), _midnight(first + WEEK, zone)) for first in firsts]


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
