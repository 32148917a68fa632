"""Whose time it was, from qualifying until a person reached out: every instant has one owner. Pure.

Precedence within an instant: an agreed pause, else closed hours, else whoever had the lead. All in whole microseconds,
so that the owners sum up to the wall clock exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sla.worktime import Hours

FINDING, ROOM, HOURS, REP, FORMER, PAUSED = "finding", "room", "hours", "rep", "former", "paused"


class Owner(NamedTuple):
    """Who answers for a kind of time, and what kind it is."""

    whose: str
    what: str


OWNERS: Final = {
    FINDING: Owner("Baton", "Finding somebody"),
    ROOM: Owner("Management", "Nobody could take it"),
    HOURS: Owner("Management", "Outside working hours"),
    REP: Owner("Reps", "With the rep who reached out"),
    FORMER: Owner("Reps", "With reps before them"),
    PAUSED: Owner("Agreed", "Paused"),
}


class Pause(NamedTuple):
    """An agreed pause, and whose word it was."""

    begun: int
    ended: int
    by: int


class Hold(NamedTuple):
    """One person had it: from when until when (None: still), in which hours; `reached` where they were the one."""

    begun: int
    ended: int | None
    hours: Hours
    reached: bool
    pauses: Sequence[Pause] = ()


@dataclass
class Parts:
    """Microseconds by owner, and those paused by whom."""

    of: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OWNERS, 0))
    paused_by: dict[int, int] = field(default_factory=dict)


def parts(begun: int, ended: int, holds: Sequence[Hold], *, nobody_until: int | None = None) -> Parts:
    """Split [begun, ended) among its owners. `holds` in their order, none inside another.

    `nobody_until` is the last look that found nobody: up to it the wait it lies in is for room, not for Baton.
    """
    found, at = Parts(), begun
    hours = Hours.always()
    for hold in holds:
        hours = hold.hours
        start = min(max(hold.begun, at), ended)
        _gap(found, at, start, hours, nobody_until)
        at = min(max(start, ended if hold.ended is None else hold.ended), ended)
        _held(found, start, at, hold)
    _gap(found, at, ended, hours, nobody_until)
    return found


def _gap(found: Parts, begun: int, ended: int, hours: Hours, nobody_until: int | None) -> None:
    """Nobody has it. The hours are those of whoever had it next, else of whoever had it last."""
    if nobody_until is not None and begun < nobody_until <= ended:
        _open(found, begun, nobody_until, hours, ROOM)
        begun = nobody_until
    _open(found, begun, ended, hours, FINDING)


def _held(found: Parts, begun: int, ended: int, hold: Hold) -> None:
    owner, at = REP if hold.reached else FORMER, begun
    for pause in sorted(hold.pauses):
        start, until = min(max(pause.begun, at), ended), min(max(pause.ended, at), ended)
        _open(found, at, start, hold.hours, owner)
        if start < until:
            found.of[PAUSED] += until - start
            found.paused_by[pause.by] = found.paused_by.get(pause.by, 0) + until - start
        at = max(start, until)
    _open(found, at, ended, hold.hours, owner)


def _open(found: Parts, begun: int, ended: int, hours: Hours, owner: str) -> None:
    """What of it is open is the owner's; the rest lies outside hours."""
    if begun >= ended:
        return
    opened = hours.open_between(begun, ended)
    found.of[owner] += opened
    found.of[HOURS] += ended - begun - opened


def nearest_rank(values: Sequence[int], share: float) -> int | None:
    """The smallest of the sorted values that at least this share of them does not exceed; None of none."""
    if not values:
        return None
    needed = share * len(values)
    rank = int(needed) if needed == int(needed) else int(needed) + 1
    return values[max(rank, 1) - 1]
