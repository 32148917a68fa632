"""A deadline's sum as mails, chats and programs are told it: what was counted, and why the rest was not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from leads import moments, styles
from leads.delivering.pacing import zone_of
from leads.models import User
from leads.words import length, minutes_between
from sla import clocks
from sla.clocks import deadlines
from sla.models import Clock, ClockTiming
from sla.people import calendars
from sla.worktime import Deadline

MOST_LINES: Final = 6
MOST_FOR_PROGRAMS: Final = 50


class Reader(NamedTuple):
    """In which zone, and in which style, somebody reads of moments."""

    zone: ZoneInfo
    style: styles.Style

    @classmethod
    def of(cls, user: User) -> Reader:
        return cls(zone_of(user.time_zone), styles.style_of(user))


class Sum(NamedTuple):
    """By when, and how that was counted, in the recipient's zone."""

    due: str
    lines: list[str]


def local(at: datetime, recipient: User) -> str:
    """A moment in the recipient's zone, in words: Tue 10 Mar, 15:45 (Europe/Berlin)."""
    return _in(Reader.of(recipient), at)


def sum_of(clock: Clock, recipient: User) -> Sum:
    """The deadline of a clock with its sum; of a long one the first and the last lines, the rest is at the desk."""
    return _told(clocks.explain(clock), Reader.of(recipient))


def sum_of_start(timing: ClockTiming, recipient: User) -> Sum:
    """The same of a clock that has just started, out of its first timing: nothing was paused yet."""
    return _told(deadlines.counted(timing, []), Reader.of(recipient))


def sum_of_hours(clock: Clock) -> Sum:
    """The same for readers of many zones, as a chat has: in the zone of the hours it was counted in, else in UTC."""
    hours = calendars.hours_of_versions(deadlines.last_timing(clock).calendar_versions)
    zone = zone_of(hours.calendars[0].time_zone if hours.calendars else "UTC")
    return _told(clocks.explain(clock), Reader(zone, styles.HOUSE))


def for_programs(clock: Clock) -> dict[str, Any]:
    """The same for programs: instants in UTC, at most so many lines of each; `sum_is_cut` says that there are more."""
    deadline = clocks.explain(clock)
    counted, uncounted = deadline.counted[:MOST_FOR_PROGRAMS], deadline.uncounted[:MOST_FOR_PROGRAMS]
    return {
        "seconds": deadline.budget_seconds,
        "counted": [{"from": _utc(a), "to": _utc(b), "seconds": seconds} for a, b, seconds in counted],
        "uncounted": [{"from": _utc(a), "to": _utc(b), "why": why} for a, b, why in uncounted],
        "sum_is_cut": len(counted) < len(deadline.counted) or len(uncounted) < len(deadline.uncounted),
    }


def _told(deadline: Deadline, reader: Reader) -> Sum:
    parts = [
        (part.from_at, part.until_at, f"{minutes_between(part.from_at, part.until_at)} counted")
        for part in deadline.counted
    ]
    parts += [(part.from_at, part.until_at, f"not counted: {part.why}") for part in deadline.uncounted]
    lines = [f"{_at(begin, reader)} – {_end(begin, end, reader)}: {why}" for begin, end, why in sorted(parts)]
    if len(lines) > MOST_LINES:
        left_out = len(lines) - MOST_LINES
        lines = [*lines[: MOST_LINES - 1], f"… {left_out} more lines at your desk …", lines[-1]]
    return Sum(_in(reader, deadline.due_at), [f"{length(deadline.budget_seconds)} of working time:", *lines])


def _in(reader: Reader, at: datetime) -> str:
    return f"{_at(at, reader)} ({reader.zone.key})"


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _at(at: datetime, reader: Reader) -> str:
    return moments.said(at, "D j M, H:i", zone=reader.zone, style=reader.style)


def _end(begin: datetime, end: datetime, reader: Reader) -> str:
    is_that_day = begin.astimezone(reader.zone).date() == end.astimezone(reader.zone).date()
    return moments.said(end, "H:i", zone=reader.zone, style=reader.style) if is_that_day else _at(end, reader)
