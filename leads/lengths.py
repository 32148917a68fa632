"""Lengths of time as people type and read them: "15 min", "4 h", "30 days". Pure."""

from __future__ import annotations

import re
from decimal import Decimal

UNITS = {"s": 1, "min": 60, "h": 3600, "day": 86400}
_SPELLED = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "min", "min": "min", "mins": "min", "minute": "min", "minutes": "min",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "d": "day", "day": "day", "days": "day",
}  # fmt: skip
_PART = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,2})?)\s*([a-z]+)")
_DAYS = re.compile(r"[0-9]\s*d(?:ays?)?\b")
_BUSINESS = re.compile(r"([0-9]{1,3})\s*(?:business|working)\s+days?")

EXAMPLES = "Write a number and a unit, such as 15 min, 4 h or 30 days."
BUSINESS_EXAMPLES = "Write a number and a unit, such as 15 min, 4 h or 1 business day."


def read_length(text: str) -> int:
    """The seconds of "90 min", "1 h 30 min" or "30 days" (of 24 hours each). Raises ValueError with an example."""
    rest, seconds = " ".join(text.lower().split()), Decimal(0)
    if not rest:
        raise ValueError(EXAMPLES)
    while rest:
        match = _PART.match(rest)
        unit = _SPELLED.get(match[2]) if match else None
        if match is None or unit is None:
            raise ValueError(f"“{text}” is not a length of time. {EXAMPLES}")
        seconds += Decimal(match[1]) * UNITS[unit]
        rest = rest[match.end() :].strip()
    if seconds != int(seconds):
        raise ValueError(f"“{text}” is not a whole number of seconds. {EXAMPLES}")
    return int(seconds)


def read_budget(text: str) -> tuple[int | None, int | None]:
    """(seconds, None) of "15 min", (None, days) of "1 business day". Raises ValueError with an example."""
    match = _BUSINESS.fullmatch(" ".join(text.lower().split()))
    if match:
        if int(match[1]) < 1:
            raise ValueError(f"“{text}” is no time at all. {BUSINESS_EXAMPLES}")
        return None, int(match[1])
    try:
        seconds = read_length(text)
    except ValueError:
        raise ValueError(f"“{text}” is not a length of time. {BUSINESS_EXAMPLES}") from None
    if _DAYS.search(text.lower()):
        # A day of a promise is never meant as 24 open hours.
        raise ValueError(
            f"Say which days are meant by “{text}”: write business days, such as 1 business day, or hours."
        )
    return seconds, None


def say_length(seconds: int | None) -> str:
    """The length in the largest unit that is exact: 5400 is "90 min", 86400 "1 day"; None is ""."""
    if seconds is None:
        return ""
    for unit, size in reversed(UNITS.items()):
        if seconds % size == 0 and seconds:
            number = seconds // size
            return f"{number} {'days' if unit == 'day' and number != 1 else unit}"
    return f"{seconds} s"


def say_budget(seconds: int | None, business_days: int | None) -> str:
    """A target's budget as it is typed."""
    if business_days is not None:
        return f"{business_days} business day{'' if business_days == 1 else 's'}"
    if seconds and seconds % UNITS["day"] == 0:
        return f"{seconds // UNITS['h']} h"
    return say_length(seconds)
