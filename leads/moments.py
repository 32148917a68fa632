"""How moments are said to people: by their clock of 24 or 12 hours, and in their order of day and month.

Patterns are written once, as Django writes them, the day before the month and by 24 hours ("D j M H:i"); here they are
turned into what the person who looks has chosen. What programs read ("c", "Y-m-d\\TH:i") stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from django.utils import dateformat, timezone


class Style(NamedTuple):
    """What one person has chosen."""

    order: str
    clock: str


HOUSE: Final = Style("day", "24")
# The first that a pattern contains is turned; each has one date at most.
DATES: Final[dict[str, dict[str, str]]] = {
    "month": {
        "l j F Y": "l, F j, Y",
        "D j M Y": "D, M j, Y",
        "D j M": "D, M j",
        "j F Y": "F j, Y",
        "j M Y": "M j, Y",
        "j M": "M j",
    },
    "year": {
        "l j F Y": "l Y-m-d",
        "D j M Y": "D Y-m-d",
        "D j M": "D m-d",
        "j F Y": "Y-m-d",
        "j M Y": "Y-m-d",
        "j M": "m-d",
    },
}
_looking: ContextVar[Style] = ContextVar("style", default=HOUSE)


class Reader(Protocol):
    """Somebody who has chosen."""

    clock: str
    date_order: str


def style_of(user: Reader) -> Style:
    """How this person wants to be told of moments."""
    return Style(user.date_order, user.clock)


@contextmanager
def told_to(style: Style) -> Iterator[None]:
    """Within it, moments are said in this style."""
    before = _looking.set(style)
    try:
        yield
    finally:
        _looking.reset(before)


def said(at: datetime, pattern: str, *, zone: ZoneInfo | None = None, style: Style | None = None) -> str:
    """A moment by a pattern, in the zone and the style of whoever looks, unless another is given."""
    return dateformat.format(timezone.localtime(at, zone), turned(pattern, style or _looking.get()))


def viewers(pattern: str) -> str:
    """The pattern as whoever looks has chosen it."""
    return turned(pattern, _looking.get())


@lru_cache(maxsize=512)
def turned(pattern: str, style: Style) -> str:
    """The pattern in a style; what programs read has an escape in it, or neither a day nor an hour of its own."""
    if style == HOUSE or "\\" in pattern:
        return pattern
    for written, wanted in DATES.get(style.order, {}).items():
        if written in pattern:
            pattern = pattern.replace(written, wanted)
            break
    if style.clock == "12":
        pattern = pattern.replace("H:i:s", "g:i:s A") if "H:i:s" in pattern else pattern.replace("H:i", "g:i A")
    return pattern
