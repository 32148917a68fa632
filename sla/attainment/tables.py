"""The tables of the manager's numbers, as pages draw them and as files hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sla.attainment.counting import VERDICTS, Counted
from sla.attainment.pictures import shares, spark
from sla.attainment.reporting import Report
from sla.models import Target

AT_MOST: Final = 10_000
WORDS: Final = {"team": "Team", "rep": "Rep", "tier": "Tier", "source": "Source", "definition": "Definition"}
COUNTED: Final = (*VERDICTS, "percent")
PROMISE: Final = ("lead", "name", "team", "rep", "target", "started_at", "due_at", "met_at", "verdict")


@dataclass(frozen=True)
class Table:
    """One table as a file."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class TargetRow:
    """One kind of promise, with the weeks until now as a line."""

    target: str
    label: str
    counted: Counted
    spark: str
    is_chosen: bool


def targets(told: Report) -> list[TargetRow]:
    """Each kind of promise of the week."""
    return [
        TargetRow(key, Target(key).label, counted, spark(told.by_week[key]), key == told.target)
        for key, counted in told.targets.items()
    ]


def of(told: Report, name: str) -> Table | None:
    """The table of this name; None where there is none."""
    if name == "targets":
        rows: list[tuple[object, ...]] = [(key, *_numbers(each)) for key, each in told.targets.items()]
        return Table(name, ("target", *COUNTED), rows)
    if name == "weeks":
        found = zip(told.weeks, told.by_week[told.target], strict=True)
        rows = [(week.first.isoformat(), told.target, *_numbers(each)) for week, each in found]
        return Table(name, ("week", "target", *COUNTED), rows)
    if name == "owners":
        rows = [(each.key, each.whose, each.what, each.seconds, round(each.percent, 2)) for each in shares(told.speed)]
        return Table(name, ("owner", "whose", "what", "seconds", "percent"), rows)
    if name == "speed":
        kinds = (("wall", told.speed.wall_at), ("working", told.speed.working_at))
        rows = [(kind, at(0.5) or "", at(0.9) or "", len(told.speed.lines)) for kind, at in kinds]
        return Table(name, ("time", "median_seconds", "p90_seconds", "reached"), rows)
    if name in told.groups:
        rows = [(group.value, group.label, told.target, *_numbers(group.counted)) for group in told.groups[name]]
        return Table(name, (name, "label", "target", *COUNTED), rows)
    return None


def _numbers(counted: Counted) -> tuple[object, ...]:
    percent = counted.percent
    return (*(getattr(counted, name) for name in VERDICTS), percent if percent is not None else "")
