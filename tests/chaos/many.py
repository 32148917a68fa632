"""One offered lead, made by the verbs, and its likes by the thousand: the same rows, each set a little later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from unittest import mock

from django.db import connection

from sla import routing
from sla.models import Heat, Rep
from tests import desk

# Whatever the verbs write of one offered lead, what others point to first.
TABLES = (
    "leads_lead",
    "leads_attributechange",
    "leads_stagechange",
    "leads_holderchange",
    "scoring_episode",
    "scoring_episodechange",
    "scoring_episodemember",
    "sla_handoff",
    "sla_handoffchange",
    "sla_routingtrace",
    "sla_clock",
    "sla_clocktiming",
)
COLUMNS = """
SELECT attname, format_type(atttypid, NULL), (
    SELECT confrelid::regclass::text FROM pg_constraint
    WHERE conrelid = attrelid AND contype = 'f' AND conkey = ARRAY[attnum] LIMIT 1)
FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
KEYS = {"sla_routingtrace": "handoff_id"}
CLOCKS_EACH = 2
BETWEEN = timedelta(seconds=15)  # from the one clock's due time to the other's


def offered(clocks: int, *, first_due: datetime, over: timedelta) -> None:
    """Leads on offer: their accept clocks fall due evenly `over` this time, their first-touch clocks a little later."""
    budget = desk.ACCEPT[Heat.WARM]
    with mock.patch.dict(desk.FIRST_TOUCH, {Heat.WARM: budget + int(BETWEEN.total_seconds())}):
        began = first_due - timedelta(seconds=budget)
        company = desk.company(began - timedelta(seconds=1))
        Rep.objects.update(capacity=1_000_000_000)
        handoff = routing.route(company.episode(company.lead(now=began), now=began).pk, now=began)
        assert handoff is not None
    copies = clocks // CLOCKS_EACH - 1
    if copies > 0:
        _copy(copies, over / copies)


def _copy(copies: int, step: timedelta) -> None:
    with connection.cursor() as cursor:
        first = {}
        for table in TABLES:
            key = KEYS.get(table, "id")
            cursor.execute(f"SELECT array_agg({key}) FROM {table}")
            first[table] = cursor.fetchone()[0]
        for table in TABLES:
            cursor.execute(COLUMNS, [table])
            columns = [(name, _value(table, name, kind, refers, first)) for name, kind, refers in cursor.fetchall()]
            key = KEYS.get(table, "id")
            names, values = ", ".join(f'"{name}"' for name, _ in columns), ", ".join(value for _, value in columns)
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS t, generate_series(1, %(copies)s) AS k "
                f"WHERE t.{key} = ANY(%(rows)s) ORDER BY k, t.{key}",
                {"copies": copies, "step": step, "rows": first[table]},
            )
            if table not in KEYS:
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        cursor.execute("ANALYZE")


def _value(table: str, name: str, kind: str, refers: str | None, first: dict[str, Iterable[int]]) -> str:
    """What this column is in the k-th copy."""
    if name == "id" or refers in first:
        rows = first[table if name == "id" else str(refers)]
        width = max(rows) - min(rows) + 1
        return f't."{name}" + k * {width}'
    if kind == "timestamp with time zone":
        return f't."{name}" + k * %(step)s'
    if name == "public_id":
        return "gen_random_uuid()"
    if name == "email":
        return "'iris' || k || '@brightforge.example'"
    return f't."{name}"'
