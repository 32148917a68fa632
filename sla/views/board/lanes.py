"""The lanes of the board: open hand-offs by time to breach, a few of each, or one lane page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from sla import shown
from sla.models import Clock, Handoff
from sla.rows import Row, rows
from sla.views.board.counting import told
from sla.views.board.narrowing import HOUR, LANES, NUMBERS, QUARTER, Look, within
from sla.views.dues import nearest_of
from sla.views.naming import key_of

OF_EACH: Final = 8
# What has time, or no clock, shows its first few: it is not what a manager acts on first.
OF_LATER: Final = 4
PAGE: Final = 40


@dataclass(frozen=True)
class Lined:
    """One open hand-off in its lane, with the clock that is due next; how that was counted is asked for."""

    row: Row
    clock: Clock | None

    @cached_property
    def shown(self) -> dict[str, Any]:
        """What the board shows of it, in safe texts."""
        return shown.on_board(self.row, self.clock)


@dataclass(frozen=True)
class Lane:
    """One lane: some of its rows, how many there are, and where the next page begins."""

    key: str
    label: str
    rows: list[Lined]
    size: int
    after: str = ""

    @property
    def count(self) -> str:
        """How many there are, counted to a bound."""
        return told(self.size)

    @property
    def left_out(self) -> int:
        return self.size - len(self.rows)


def lanes(look: Look, counts: Mapping[str, int], *, after: str = "") -> list[Lane]:
    """What is shown of the floor, empty lanes left out; in a fixed number of questions."""
    if look.show == "waiting":
        return []
    found = {lane: n for lane, n in counts.items() if n and lane in LANES}
    if look.show == "hour":
        found = {"hour": found.get("soon", 0) + found.get("next", 0)}
    elif look.show:
        found = {look.show: counts.get(look.show, 0)}
    keys = {lane: _page_of(look, lane, after) for lane in found} if look.show else _firsts(look, list(found))
    lined = _lined([pk for page in keys.values() for pk in page], look)
    labels = LANES | {key: NUMBERS[key] for key in ("hour", "adrift")}
    return [
        Lane(
            lane,
            labels[lane],
            these := [lined[pk] for pk in keys[lane][: _most(look, lane)] if pk in lined],
            found[lane],
            after=_place(these[-1].row.handoff) if look.show and len(keys[lane]) > PAGE and these else "",
        )
        for lane in found
        if keys.get(lane)
    ]


def _most(look: Look, lane: str) -> int:
    if look.show:
        return PAGE
    return OF_LATER if lane in ("later", "none") else OF_EACH


def _page_of(look: Look, lane: str, after: str) -> list[int]:
    """The ids of a lane's page after a place, and of one more where there is one."""
    left = look.handoffs.filter(within(lane, now=look.now) & _beyond(after)).most_urgent_first()
    return list(left.values_list("pk", flat=True)[: PAGE + 1])


def _firsts(look: Look, lanes: Sequence[str]) -> dict[str, list[int]]:
    """The ids of each lane's first rows, of all lanes in one question."""
    if not lanes:
        return {}
    asked = [look.some(lane, _most(look, lane), in_order=True) for lane in lanes]
    found: dict[str, list[int]] = {lane: [] for lane in lanes}
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"({sql})" for sql, _ in asked), [each for _, given in asked for each in given]
        )
        for pk, due_at in sorted(cursor, key=lambda row: (row[1] is None, row[1] or look.now, row[0])):
            found[_lane(due_at, look)].append(pk)
    return found


def _lane(due_at: datetime | None, look: Look) -> str:
    if due_at is None:
        return "none"
    if due_at < look.now:
        return "late"
    if due_at < look.now + QUARTER:
        return "soon"
    return "next" if due_at < look.now + HOUR else "later"


def _lined(keys: Sequence[int], look: Look) -> dict[int, Lined]:
    """These hand-offs as the board shows them."""
    if not keys:
        return {}
    found = rows(Handoff.objects.filter(pk__in=keys).for_board(), now=look.now)
    return {row.handoff.pk: Lined(row, nearest_of(row.handoff)) for row in found}


def _place(handoff: Handoff) -> str:
    """Where a page ends: the due instant and the hand-off, which order all there is."""
    due_at = handoff.next_due_at
    return f"{due_at.isoformat() if due_at is not None else ''}~{handoff.public_id}"


def _beyond(after: str) -> Q:
    """What comes after a place; after one that can't be read, everything."""
    text, _, name = after.partition("~")
    key = key_of(name)
    try:
        due_at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return Q()
    last = Handoff.objects.filter(public_id=key).values_list("pk", flat=True).first() if key is not None else None
    if last is None or (due_at is not None and due_at.tzinfo is None):
        return Q()
    if due_at is None:
        return Q(next_due_at=None, pk__gt=last)
    # What has no clock comes last, where the lane has any.
    return Q(next_due_at__gt=due_at) | Q(next_due_at=due_at, pk__gt=last) | Q(next_due_at=None)
