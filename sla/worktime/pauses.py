"""Pauses as plain intervals: sorted, joined where they overlap, cut to what matters."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sla.worktime.errors import PauseError
from sla.worktime.hours import Segment
from sla.worktime.zones import to_datetime, to_us

# A pause that has not ended has None; it may be measured, and is refused where an answer is due.
Pause = tuple[datetime, datetime | None]
Stretch = tuple[int, int]

PAUSED = "paused"


def joined(pauses: Sequence[Pause], *, start: int, until: int | None = None) -> list[Stretch]:
    """The pauses after start in order, overlapping ones as one; a running one is cut at `until`."""
    stretches = sorted(_stretch(pause, until) for pause in pauses)
    found: list[Stretch] = []
    for begun, ended in stretches:
        begun = max(begun, start)
        if begun >= ended:
            continue
        if found and begun <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        else:
            found.append((begun, ended))
    return found


def _stretch(pause: Pause, until: int | None) -> Stretch:
    begun_at, ended_at = pause
    begun = to_us(begun_at, "pauses")
    if ended_at is None:
        if until is None:
            raise _error(begun, "has no end, so no answer is due yet. End the pause first.")
        return begun, until
    ended = to_us(ended_at, "pauses")
    if ended < begun:
        raise _error(begun, "ends before it starts. Swap its two moments.")
    return begun, ended


def _error(begun: int, told: str) -> PauseError:
    return PauseError(f"pauses: the pause from {to_datetime(begun):%Y-%m-%d %H:%M} UTC {told}", field="pauses")


def overlaid(segments: Iterable[Segment], pauses: Sequence[Stretch]) -> list[Segment]:
    """The segments with what is paused said so, and neighbors of one kind as one."""
    found: list[Segment] = []
    i = 0
    for start, end, why in segments:
        at = start
        while at < end:
            while i < len(pauses) and pauses[i][1] <= at:
                i += 1
            begun, ended = pauses[i] if i < len(pauses) else (end, end)
            if begun <= at:
                _append(found, at, min(ended, end), PAUSED)
                at = min(ended, end)
            else:
                _append(found, at, min(begun, end), why)
                at = min(begun, end)
    return found


def _append(segments: list[Segment], start: int, end: int, why: str | None) -> None:
    if segments and segments[-1][2] == why:
        start = segments.pop()[0]
    segments.append((start, end, why))
