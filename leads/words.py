"""How lengths, points and moments are said to people, and how what they typed is kept. Pure."""

from __future__ import annotations

from datetime import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def length(seconds: float) -> str:
    """A length of time in its two largest units: "45 s", "12 m", "1 h 42 m"; days are never counted as working days."""
    whole = int(abs(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} m"
    hours, minutes = divmod(whole // MINUTE, 60)
    return f"{hours} h {minutes} m" if minutes else f"{hours} h"


def minutes_between(begin: datetime, end: datetime) -> str:
    """How long it is between two moments that are written to the minute, as anybody would count it: "1 h 42 m"."""
    minutes = (_whole(end) // MINUTE - _whole(begin) // MINUTE) * MINUTE
    return length(minutes) if minutes else "0 m"


def seconds_between(begin: datetime, end: datetime) -> str:
    """The same of two that are written to the second: "1 h 42 m 5 s"."""
    minutes, seconds = divmod(_whole(end) - _whole(begin), MINUTE)
    said = [length(minutes * MINUTE)] if minutes else []
    return " ".join([*said, f"{seconds} s"] if seconds or not said else said)


def _whole(at: datetime) -> int:
    return int(at.timestamp() // 1)


def countdown(seconds: float) -> str:
    """What is left when it is short: "12:07", and in hours and minutes from one hour on."""
    whole = int(abs(seconds))
    return f"{whole // MINUTE}:{whole % MINUTE:02d}" if whole < HOUR else length(whole)


def ago(then: datetime, now: datetime) -> str:
    """How long ago by the wall clock: "just now", "3 s ago", "5 d ago"."""
    seconds = (now - then).total_seconds()
    if seconds < 1:
        return "just now"
    if seconds < 2 * DAY:
        return f"{length(seconds if seconds < HOUR else seconds // HOUR * HOUR)} ago"
    return f"{int(seconds // DAY)} d ago"


def points(thousandths: int | float | None) -> str:
    """Points as people read them, from whole thousandths: "12", "7.5", "−20"."""
    value = round((thousandths or 0) / 1000, 1)
    text = f"{abs(value):g}"
    return f"−{text}" if value < 0 else text


def signed(thousandths: int | float | None) -> str:
    """Points with their sign: "+15", "−20", "0"."""
    return f"+{points(thousandths)}" if (thousandths or 0) > 0 else points(thousandths)


def one_line(text: str, *, at_most: int) -> str:
    """What somebody typed, on one line: runs of blanks and line ends are a space; NUL, which no text holds, goes."""
    return " ".join(text.replace("\x00", "").split())[:at_most]
