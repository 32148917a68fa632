"""Moments of a ladder as people type and read them: "75 %", "10 min before", "at the due time", "2 h after"."""

from __future__ import annotations

import re
from typing import NamedTuple

from leads.lengths import read_length, say_length

EXAMPLES = "Write a share such as 75 %, a length such as 10 min before or 2 h after, or at the due time."
AROUND = "round the clock"
_SHARE = re.compile(r"([0-9]{1,4})\s*%")
_LENGTH = re.compile(r"(.+?)\s+(before|after)")


class Moment(NamedTuple):
    """When a step fires: a share in percent, or seconds after the due time (negative: before)."""

    share: int | None
    from_due: int | None
    round_the_clock: bool = False


def read_moment(text: str) -> Moment:
    """The moment of what was typed. Raises ValueError with an example."""
    words = " ".join(text.lower().replace(",", " ").split())
    around = words.endswith(AROUND)
    plain = words.removesuffix(AROUND).strip()
    if share := _SHARE.fullmatch(plain):
        if around:
            raise ValueError(f"“{text}”: a share is always of working time. Write a length to count round the clock.")
        if not 1 <= int(share[1]) <= 1000:
            raise ValueError(f"“{text}”: give a share from 1 to 1000 %.")
        return Moment(int(share[1]), None)
    if plain in ("at the due time", "due", "0"):
        return Moment(None, 0)
    found = _LENGTH.fullmatch(plain)
    if found is None:
        raise ValueError(f"“{text}” is not a moment. {EXAMPLES}")
    try:
        seconds = read_length(found[1])
    except ValueError:
        raise ValueError(f"“{text}” is not a moment. {EXAMPLES}") from None
    if seconds == 0:
        return Moment(None, 0)
    return Moment(None, -seconds if found[2] == "before" else seconds, around)


def say_moment(moment: Moment) -> str:
    """The moment as it is typed."""
    if moment.from_due is None:
        return f"{moment.share} %" if moment.share is not None else ""
    if moment.from_due == 0:
        return "at the due time"
    said = f"{say_length(abs(moment.from_due))} {'before' if moment.from_due < 0 else 'after'}"
    return f"{said}, {AROUND}" if moment.round_the_clock else said
