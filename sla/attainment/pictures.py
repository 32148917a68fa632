"""What the numbers look like: columns by week with the goal across, and bars of whose time it was. In SVG units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sla.attainment.counting import Counted
from sla.attainment.owners import OWNERS
from sla.attainment.reporting import Report
from sla.attainment.speed import SECOND, Speed
from sla.attainment.weeks import Week

WIDE, HIGH, GAP = 1200, 200, 16
SPARK_WIDE, SPARK_HIGH = 120, 24
WHOLE: Final = 1000


@dataclass(frozen=True)
class Column:
    """One week: where its column stands, and how high."""

    week: Week
    counted: Counted
    x: int
    y: int
    width: int
    height: int
    is_chosen: bool


@dataclass(frozen=True)
class Columns:
    """Weeks side by side; `goal_y` is where the goal lies, None without one."""

    columns: Sequence[Column]
    goal_y: int | None
    says: str


@dataclass(frozen=True)
class Share:
    """One owner of time: seconds in all and per lead, part of the whole, and the width of its bar."""

    key: str
    whose: str
    what: str
    seconds: float
    each: float
    percent: float
    x: int
    width: int


def columns(told: Report) -> Columns:
    """Attainment of the promise that is broken down, week by week."""
    counted = told.by_week[told.target]
    step = WIDE // len(counted)
    made = []
    for number, (week, each) in enumerate(zip(told.weeks, counted, strict=True)):
        height = HIGH * (each.percent or 0) // 100
        made.append(Column(week, each, step * number, HIGH - height, step - GAP, height, week.first == told.week.first))
    known = [each for each in counted if each.percent is not None]
    says = f"{len(known)} of {len(counted)} weeks have promises that fell due"
    if known:
        says = f"Attainment from {known[0].percent} % to {known[-1].percent} %; {says}"
    return Columns(made, HIGH - HIGH * told.goal // 100 if told.goal is not None else None, says)


def spark(counted: Sequence[Counted]) -> str:
    """A line of attainment week by week, as points; weeks in which nothing fell due are left out."""
    step = SPARK_WIDE // max(len(counted) - 1, 1)
    points = [
        (step * number, SPARK_HIGH - 2 - (SPARK_HIGH - 4) * each.percent // 100)
        for number, each in enumerate(counted)
        if each.percent is not None
    ]
    return " ".join(f"{x},{y}" for x, y in points)


def shares(speed: Speed) -> list[Share]:
    """Whose time it was, one after another from left to right."""
    whole, found, at = speed.wall, [], 0
    for key, owner in OWNERS.items():
        spent = speed.of[key]
        at_next = at + spent
        left, right = (WHOLE * at // whole, WHOLE * at_next // whole) if whole else (0, 0)
        each = spent / SECOND / len(speed.lines) if speed.lines else 0
        percent = 100 * spent / whole if whole else 0
        found.append(Share(key, owner.whose, owner.what, spent / SECOND, each, percent, left, right - left))
        at = at_next
    return found
