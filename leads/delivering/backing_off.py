"""How long to wait before trying again. Pure; `spread` between 0 and 1 is the jitter, drawn by whoever asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

FIRST: Final = timedelta(seconds=10)
LONGEST: Final = timedelta(hours=1)
LONGEST_ASKED_FOR: Final = timedelta(days=1)


def wait(failures: int, *, spread: float) -> timedelta:
    """After the n-th failure in a row: 10 s, 20 s, 40 s … up to an hour, each up to a fifth longer by the spread, so
    that what failed together does not come back together."""
    doubled: timedelta = FIRST * float(2 ** min(max(failures, 1) - 1, 20))
    return min(doubled, LONGEST) * (1 + spread / 5)


def asked_for(retry_after: str, *, now: datetime) -> timedelta | None:
    """What a Retry-After header asks for, in seconds or as a date, at most a day; None where it can't be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        waits = timedelta(seconds=int(text))
    else:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        if at.tzinfo is None:
            return None
        waits = at - now
    return min(max(waits, timedelta(0)), LONGEST_ASKED_FOR)
