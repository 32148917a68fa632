"""A deadline's sum in the words of a mail: what was counted, and why the rest was not."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from leads.delivering.pacing import zone_of
from leads.models import User
from leads.words import length
from sla import clocks
from sla.models import Clock

MOST_LINES: Final = 6


class Sum(NamedTuple):
    """By when, and how that was counted, in the recipient's zone."""

    due: str
    lines: list[str]


def local(at: datetime, recipient: User) -> str:
    """A moment in the recipient's zone, in words: Tue 10 Mar, 15:45 (Europe/Berlin)."""
    zone = zone_of(recipient.time_zone)
    return f"{_at(at, zone)} ({zone.key})"


def sum_of(clock: Clock, recipient: User) -> Sum:
    """The deadline of a clock with its sum; of a long one the first and the last lines, the rest is at the desk."""
    zone = zone_of(recipient.time_zone)
    deadline = clocks.explain(clock)
    parts = [(part.from_at, part.until_at, f"{length(part.seconds)} counted") for part in deadline.counted]
    parts += [(part.from_at, part.until_at, f"not counted: {part.why}") for part in deadline.uncounted]
    lines = [f"{_at(begin, zone)} – {_end(begin, end, zone)}: {why}" for begin, end, why in sorted(parts)]
    if len(lines) > MOST_LINES:
        left_out = len(lines) - MOST_LINES
        lines = [*lines[: MOST_LINES - 1], f"… {left_out} more lines at your desk …", lines[-1]]
    return Sum(local(clock.due_at, recipient), [f"{length(deadline.budget_seconds)} of working time:", *lines])


def _at(at: datetime, zone: ZoneInfo) -> str:
    there = at.astimezone(zone)
    return f"{there:%a} {there.day} {there:%b, %H:%M}"


def _end(begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    there = end.astimezone(zone)
    return f"{there:%H:%M}" if begin.astimezone(zone).date() == there.date() else _at(end, zone)
