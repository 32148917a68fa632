"""What the verbs have made once, and its likes by the thousand: the same rows, each set a little later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

# Whatever the verbs write of one lead, waiting or on offer, what others point to first.
TABLES = (
    "leads_account",
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
AT_ONCE = timedelta(0)


@contextmanager
def made(copies: int, *, step: timedelta = AT_ONCE) -> Iterator[None]:
    """What is made within of a lead and all that hangs on it is made so many times more, each `step` after the last."""
    before = {table: _newest(table) for table in TABLES}
    yield
    first = {table: _since(table, before[table]) for table in TABLES}
    if copies > 0:
        _copy(copies, step, {table: keys for table, keys in first.items() if keys})


def _newest(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max({KEYS.get(table, 'id')}), 0) FROM {table}")
        return int(cursor.fetchone()[0])


def _since(table: str, newest: int) -> list[int]:
    key = KEYS.get(table, "id")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key} FROM {table} WHERE {key} > %s ORDER BY {key}", [newest])
        return [number for (number,) in cursor.fetchall()]


def _copy(copies: int, step: timedelta, first: dict[str, list[int]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        _trust(cursor)
        for table, rows in first.items():
            cursor.execute(COLUMNS, [table])
            columns = [(name, _value(table, name, kind, refers, first)) for name, kind, refers in cursor.fetchall()]
            key = KEYS.get(table, "id")
            names, values = ", ".join(f'"{name}"' for name, _ in columns), ", ".join(value for _, value in columns)
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS t, generate_series(1, %(copies)s) AS k "
                f"WHERE t.{key} = ANY(%(rows)s) ORDER BY k, t.{key}",
                {"copies": copies, "step": step, "rows": rows},
            )
            if table not in KEYS:
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        cursor.execute(f"ANALYZE {', '.join(first)}")


def _trust(cursor: Any) -> None:
    """Within this transaction check no foreign key of the copies, where the server lets us say so."""
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if cursor.fetchone()[0]:
        cursor.execute("SET LOCAL session_replication_role = replica")


def _value(table: str, name: str, kind: str, refers: str | None, first: dict[str, list[int]]) -> str:
    """What this column is in the k-th copy."""
    if name == "id" or refers in first:
        rows = first[table if name == "id" else str(refers)]
        return f't."{name}" + k * {max(rows) - min(rows) + 1}'
    if kind == "timestamp with time zone":
        return f't."{name}" + k * %(step)s'
    if name == "public_id":
        return "gen_random_uuid()"
    if name == "email":
        return "'iris' || t.id || '-' || k || '@brightforge.example'"
    return f't."{name}"'
