"""Promises that fell due, counted: met, missed, not due yet, and out. Attainment = met ÷ (met + missed).

A promise belongs to the week in which it falls due, and counts from that instant on: those met early do not make a week
look better before the others are due. Running past due is missed; voided by its due time is out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Q, QuerySet, Value

from sla.attainment.asking import Asked, promises
from sla.attainment.weeks import Week
from sla.models import Clock, Target

# What it can be broken down by, and where a promise says so.
BY: Final = {
    "team": "of_team",
    "rep": "of_user",
    "tier": "of_tier",
    "source": "of_source",
    "definition": "episode__definition",
}
VERDICTS: Final = {
    "met": "Met",
    "missed": "Missed",
    "early": "Answered, not due yet",
    "running": "Running, not due yet",
    "out": "Out: ended before it was due",
}


@dataclass(frozen=True)
class Counted:
    """So many promises of each kind."""

    met: int = 0
    missed: int = 0
    early: int = 0
    running: int = 0
    out: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def due(self) -> int:
        """The denominator: those that fell due."""
        return self.met + self.missed

    @property
    def promised(self) -> int:
        return self.met + self.missed + self.early + self.running + self.out

    @property
    def percent(self) -> int | None:
        """Attainment in whole percent, rounded down, so that 100 means each of them; None where none fell due."""
        return self.met * 100 // self.due if self.due else None


NONE: Final = Counted()


def within(verdict: str, *, now: datetime) -> Q:
    """The promises of this kind, as they stand."""
    return {
        "met": Q(verdict=Clock.Verdict.MET, due_at__lt=now),
        "missed": Q(verdict=Clock.Verdict.MISSED) | Q(verdict="", due_at__lt=now),
        "early": Q(verdict=Clock.Verdict.MET, due_at__gte=now),
        "running": Q(verdict="", due_at__gte=now),
        "out": Q(verdict=Clock.Verdict.VOIDED),
    }[verdict]


def due_in(asked: Asked, week: Week, *targets: str) -> QuerySet[Clock]:
    """The promises, of these kinds where some are named, whose due instant lies in this week."""
    return promises(asked, *targets).filter(due_at__gte=week.from_at, due_at__lt=week.until_at)


def by_target(asked: Asked, week: Week, *, now: datetime) -> dict[str, Counted]:
    """Each kind of promise, in the order of the table of targets."""
    found = _counted(due_in(asked, week), "target", now=now)
    return {target: found.get(target, NONE) for target in Target.values}


def by(dimension: str, asked: Asked, week: Week, *, target: str, now: datetime) -> dict[Any, Counted]:
    """One kind of promise, by team, rep, tier, source or definition; the most due first."""
    return _most_first(_counted(due_in(asked, week, target), BY[dimension], now=now))


def by_each(asked: Asked, week: Week, *, target: str, now: datetime) -> dict[str, dict[Any, Counted]]:
    """The same by each of them, in one question."""
    sums: dict[str, dict[Any, Counted]] = {dimension: {} for dimension in BY}
    for keys, counted in _counted(due_in(asked, week, target), *BY.values(), now=now).items():
        for dimension, key in zip(BY, keys, strict=True):
            sums[dimension][key] = sums[dimension].get(key, NONE) + counted
    return {dimension: _most_first(found) for dimension, found in sums.items()}


def _most_first(found: Mapping[Any, Counted]) -> dict[Any, Counted]:
    return dict(sorted(found.items(), key=lambda row: (-row[1].due, -row[1].promised, str(row[0]))))


def by_week(asked: Asked, weeks: Sequence[Week], *, now: datetime) -> dict[str, list[Counted]]:
    """Each kind of promise, week by week."""
    begins = Value([week.from_at for week in weeks], output_field=ArrayField(DateTimeField()))
    template = "width_bucket(%(expressions)s::timestamptz[])"
    number = Func(F("due_at"), begins, template=template, output_field=IntegerField())
    found: dict[str, list[Counted]] = {target: [NONE] * len(weeks) for target in Target.values}
    # Apart, since whose promise it is costs more to find out for one kind than for the others.
    for kinds in ([Target.ASSIGN], [each for each in Target.values if each != Target.ASSIGN]):
        rows = promises(asked, *kinds).filter(due_at__gte=weeks[0].from_at, due_at__lt=weeks[-1].until_at)
        for (target, week), counted in _counted(rows.annotate(week=number), "target", "week", now=now).items():
            found[target][week - 1] = counted
    return found


def _counted(rows: QuerySet[Clock], *columns: str, now: datetime) -> dict[Any, Counted]:
    """By these columns, in one question."""
    sums: Mapping[str, Count] = {f"n_{name}": Count("pk", filter=within(name, now=now)) for name in VERDICTS}
    found = {}
    for row in rows.order_by().values(*columns).annotate(**sums):
        key = tuple(row[column] for column in columns)
        found[key if len(columns) > 1 else key[0]] = Counted(**{name: row[f"n_{name}"] for name in VERDICTS})
    return found
