"""The definition of working time, minute by minute: slow, obvious, and without a line of the engine.

It reads the same specs and asks of each minute whether its wall time lies in the hours of its local date. Offsets and
hours are whole minutes, so nothing changes within one.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

Spec = dict[str, Any]
Pauses = Sequence[tuple[datetime, datetime]]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)


def minute_of(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def minutes_in(pairs: Sequence[Sequence[str]]) -> set[int]:
    """The minutes since midnight of the date the pairs are said of; beyond 1440 they are the next date's."""
    found: set[int] = set()
    for start, end in ((minute_of(start), minute_of(end)) for start, end in pairs):
        found |= set(range(start, end if end > start else end + 24 * 60))
    return found


def on_the_wall(of_yesterday: set[int], of_today: set[int]) -> set[int]:
    return {minute - 24 * 60 for minute in of_yesterday if minute >= 24 * 60} | {m for m in of_today if m < 24 * 60}


def shifts_of(spec: Spec, day: date) -> Sequence[Sequence[str]]:
    iso = day.isoformat()
    if iso in spec.get("date_overrides", {}):
        return spec["date_overrides"][iso]
    if iso in spec.get("holidays", ()) or iso[5:] in spec.get("recurring_holidays", ()):
        return ()
    return spec["weekly"].get(WEEKDAYS[day.weekday()], ())


def breaks_of(spec: Spec, day: date) -> list[Sequence[str]]:
    weekly = spec.get("weekly_breaks", {}).get(WEEKDAYS[day.weekday()], ())
    return [*weekly, *spec.get("breaks", {}).get(day.isoformat(), ())]


def open_minutes(spec: Spec, day: date) -> set[int]:
    """The minutes of a date's wall clock that are open."""
    yesterday = day - ONE_DAY
    shifts = on_the_wall(minutes_in(shifts_of(spec, yesterday)), minutes_in(shifts_of(spec, day)))
    return shifts - on_the_wall(minutes_in(breaks_of(spec, yesterday)), minutes_in(breaks_of(spec, day)))


def open_or_not(spec: Spec, instants: Sequence[datetime]) -> list[bool]:
    """Each instant on its own: where it lies on the wall, and whether that minute is open."""
    zone, days, found = ZoneInfo(spec["time_zone"]), {}, []
    for at in instants:
        wall = at.astimezone(zone)
        if wall.date() not in days:
            days[wall.date()] = open_minutes(spec, wall.date())
        found.append(wall.hour * 60 + wall.minute in days[wall.date()])
    return found


class Oracle:
    """One window of whole UTC minutes, each decided on its own."""

    def __init__(self, specs: Sequence[Spec], start: datetime, end: datetime) -> None:
        self.start, self.end, self.zone = start, end, ZoneInfo(specs[0]["time_zone"])
        self.minutes = [start + n * MINUTE for n in range((end - start) // MINUTE)]
        self.open = [all(each) for each in zip(*(open_or_not(spec, self.minutes) for spec in specs), strict=True)]

    def is_open(self, at: datetime) -> bool:
        return self.open[(at - self.start) // MINUTE]

    def intervals(self) -> list[tuple[datetime, datetime]]:
        found: list[tuple[datetime, datetime]] = []
        for at, is_open in zip(self.minutes, self.open, strict=True):
            if is_open and found and found[-1][1] == at:
                found[-1] = (found[-1][0], at + MINUTE)
            elif is_open:
                found.append((at, at + MINUTE))
        return found

    def next(self, at: datetime, wanted: bool) -> datetime | None:
        """The first instant at or after this one that is open, or closed; None beyond the window."""
        for begun, _, is_open in self._pieces(at, ()):
            if is_open == wanted:
                return begun
        return None

    def due(self, start: datetime, budget: timedelta, pauses: Pauses = ()) -> datetime | None:
        """Spends the budget minute by minute; None where the window is too short."""
        left = budget
        for at, until, counts in self._pieces(start, pauses):
            if counts:
                if left <= until - at:
                    return at + left
                left -= until - at
        return None

    def elapsed(self, start: datetime, end: datetime, pauses: Pauses = ()) -> timedelta:
        total = timedelta()
        for at, until, counts in self._pieces(start, pauses):
            if at >= end:
                break
            if counts:
                total += min(until, end) - at
        return total

    def seconds_by_date(self) -> dict[date, int]:
        """The open seconds of each local date of the window."""
        found: dict[date, int] = {}
        for at, is_open in zip(self.minutes, self.open, strict=True):
            day = at.astimezone(self.zone).date()
            found[day] = found.get(day, 0) + 60 * is_open
        return found

    def _pieces(self, start: datetime, pauses: Pauses) -> Iterator[tuple[datetime, datetime, bool]]:
        """Each minute from the start on, cut at the edges of pauses, and whether it counts."""
        edges: dict[int, set[datetime]] = {}
        for edge in (edge for pause in pauses for edge in pause if edge > start):
            edges.setdefault((edge - self.start) // MINUTE, set()).add(edge)
        begun = start
        for n in range((start - self.start) // MINUTE, len(self.minutes)):
            ended = self.minutes[n] + MINUTE
            for at, until in pairwise(sorted({begun, ended} | edges[n])) if n in edges else ((begun, ended),):
                yield at, until, self.open[n] and not any(since <= at < till for since, till in pauses)
            begun = ended


@lru_cache
def changes(zone_name: str, start: datetime, end: datetime) -> tuple[datetime, ...]:
    """The minutes at which a zone's offset changes, found by looking every six hours and then at every minute."""
    zone, found, at = ZoneInfo(zone_name), [], start
    while at < end:
        following = at + timedelta(hours=6)
        if at.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            while at.astimezone(zone).utcoffset() == (at + MINUTE).astimezone(zone).utcoffset():
                at += MINUTE
            found.append((at + MINUTE).astimezone(UTC))
            at = following
        at = following
    return tuple(found)
