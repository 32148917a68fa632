"""Re-scoring everybody: computing and storing, beside a floor that reads the same columns of the same rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from django.db import connection, transaction

from scoring import judging
from scoring.assessment import store
from scoring.models import DefinitionVersion, Score

ROUNDS: Final = 3

# Per lead: count, newest, and one property. The same rows of the same tables, in one pass each.
_FLOOR: Final = """
SELECT l.id AS lead_id, l.stage, l.rest_until, l.evidence_from, l.seniority, l.domain_kind, c.employees,
       a.counted, a.newest, a.property
FROM leads_lead l
LEFT JOIN leads_account c ON c.id = l.account_id
LEFT JOIN (
    SELECT a.lead_id, count(*) AS counted, max(a.occurred_at) AS newest, max(a.properties ->> 'plan') AS property
    FROM leads_activity a
    WHERE a.type_id = ANY(%(types)s) AND a.occurred_at <= %(now)s AND a.known_at <= %(now)s
      AND (a.discounted_at IS NULL OR a.discounted_at > %(now)s)
    GROUP BY a.lead_id
) a ON a.lead_id = l.id
WHERE l.merged_into_id IS NULL AND l.erased_at IS NULL
"""
_FLOOR_COLUMNS: Final = (
    "lead_id", "stage", "rest_until", "evidence_from", "seniority", "domain_kind", "employees", "counted", "newest",
    "property",
)  # fmt: skip


@dataclass
class Rescored:
    """One version's times, in seconds: the median of the rounds where it was run more than once."""

    name: str
    criteria: int
    meets: int
    floor: float
    computing: float
    storing_new: float
    storing_same: float
    plans: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.computing / self.floor


def rescore(name: str, version: DefinitionVersion, *, now: datetime, plans: Path) -> Rescored:
    """Judge everybody by this version, then store it: first where no score was, then where none has changed."""
    floor_sql, floor_params = floor(version, now=now)
    query = judging.compiled(version, present=True, everyone=True)
    sql, params = query.bind(now)
    asked = {
        "floor": (_consumed(floor_sql, _FLOOR_COLUMNS), floor_params),
        "computing": (_consumed(sql, query.columns), params),
    }
    times: dict[str, list[float]] = {"floor": [], "computing": []}
    for _ in range(ROUNDS):
        for what, (text, values) in asked.items():
            times[what].append(_timed(lambda text=text, values=values: _run(text, values)))  # type: ignore[misc]
    explained = {what: _explain(text, values, plans / f"{name}-{what}.txt") for what, (text, values) in asked.items()}
    first = _timed(lambda: store(None, version, as_of=now))
    again = _timed(lambda: store(None, version, as_of=now))
    meets = Score.objects.filter(definition=version.definition, meets=True).count()
    return Rescored(
        name=name,
        criteria=version.criteria.count(),
        meets=meets,
        floor=median(times["floor"]),
        computing=median(times["computing"]),
        storing_new=first,
        storing_same=again,
        plans=explained,
    )


def floor(version: DefinitionVersion, *, now: datetime) -> tuple[str, dict[str, Any]]:
    """The floor's query for what this version reads."""
    return _FLOOR, {"types": sorted(judging.type_ids(judging.spec_of(version)).values()), "now": now}


def _consumed(sql: str, columns: tuple[str, ...]) -> str:
    """The same rows with every column computed, and one row sent: no transfer in the figure."""
    counts = ", ".join(f"count(q.{column})" for column in columns)
    return f"SELECT count(*), {counts} FROM ({sql}) q"  # noqa: S608


def _run(sql: str, params: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        judging.make_room(cursor)
        cursor.execute(sql, params)
        cursor.fetchall()


def _explain(sql: str, params: Any, file: Path) -> list[str]:
    """The whole plan into a file; its head lines back."""
    with transaction.atomic(), connection.cursor() as cursor:
        judging.make_room(cursor)
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
        lines = [row[0] for row in cursor.fetchall()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    return [line for line in lines if "actual" in line][:4] + lines[-2:]


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
