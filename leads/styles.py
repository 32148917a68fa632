"""How moments are said to people: by their clock of 24 or 12 hours, and in their order of day and month.

Patterns are written once, as Django writes them, the day before the month and by 24 hours ("D j M H:i"); here they are
turned into what the person who looks has chosen. What programs read ("c", "Y-m-d\\TH:i") stays as it is. Pure, but for
who it is that looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, Protocol


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
LETTERS: Final = {
    **{"D": "%a", "l": "%A", "j": "%-d", "d": "%d", "M": "%b", "F": "%B", "m": "%m", "Y": "%Y"},
    **{"H": "%H", "g": "%-I", "i": "%M", "s": "%S", "A": "%p"},
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


def written(there: datetime, pattern: str, *, style: Style | None = None) -> str:
    """A moment as its own zone has it, by a pattern, in the style of whoever looks unless another is given."""
    return there.strftime(_for_python(turned(pattern, style or _looking.get())))


def viewers(pattern: str) -> str:
    """The pattern as whoever looks has chosen it."""
    return turned(pattern, _looking.get())


@lru_cache(maxsize=512)
def turned(pattern: str, style: Style) -> str:
    """The pattern in a style; what programs read has an escape in it, or neither a day nor an hour of its own."""
    if style == HOUSE or "\\" in pattern:
        return pattern
    for usual, wanted in DATES.get(style.order, {}).items():
        if usual in pattern:
            pattern = pattern.replace(usual, wanted)
            break
    if style.clock == "12":
        pattern = pattern.replace("H:i:s", "g:i:s A") if "H:i:s" in pattern else pattern.replace("H:i", "g:i A")
    return pattern


@lru_cache(maxsize=512)
def _for_python(pattern: str) -> str:
    return "".join(LETTERS.get(letter, letter) for letter in pattern)
