"""One rep's day as a picture: when they are open, when they are away, and where now is. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sla.worktime import Hours, WorktimeError, elapsed

WIDTH = 1000


@dataclass(frozen=True)
class Stretch:
    """A part of the day, `left` and `width` in thousandths of it."""

    left: int
    width: int
    said: str


@dataclass(frozen=True)
class Day:
    """A local day of somebody: open and away stretches, the position of now, and all of it in a sentence."""

    open: Sequence[Stretch]
    away: Sequence[Stretch]
    now: int | None
    said: str


def picture(
    hours: Hours, absences: Iterable[tuple[datetime, datetime]], *, day: date, zone: ZoneInfo, now: datetime
) -> Day:
    """The day of this date in a zone, from its first instant to its last, in the hours of a calendar."""
    start = datetime.combine(day, time(0), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)
    opened = [_stretch(since, until, start, end, zone) for since, until in _open(hours, start, end)]
    away = [
        _stretch(max(since, start), min(until, end), start, end, zone)
        for since, until in sorted(absences)
        if since < end and until > start
    ]
    said = f"open {', '.join(each.said for each in opened)}" if opened else "closed"
    if away:
        said += f"; away {', '.join(each.said for each in away)}"
    return Day(opened, away, _at(now, start, end) if start <= now < end else None, said)


def _open(hours: Hours, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    try:
        return [(each.from_at, each.until_at) for each in elapsed(hours, start, end).counted]
    except WorktimeError:
        return []


def _stretch(since: datetime, until: datetime, start: datetime, end: datetime, zone: ZoneInfo) -> Stretch:
    left, right = _at(since, start, end), _at(until, start, end)
    last = "24:00" if until >= end else f"{until.astimezone(zone):%H:%M}"
    return Stretch(left, max(right - left, 2), f"{since.astimezone(zone):%H:%M}-{last}")


def _at(instant: datetime, start: datetime, end: datetime) -> int:
    return round(WIDTH * (instant - start) / (end - start))
