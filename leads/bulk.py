"""Rows by the thousand in one statement: columns go over as arrays, so that the statement's text never changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import connection

Columns = Mapping[str, tuple[str, Sequence[Any]]]
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(values: Iterable[Any]) -> list[str]:
    """JSON texts for a `jsonb` column. What came over the wire is finite and storable already."""
    return [_encode(value) for value in values]


def from_json(value: Any) -> Any:
    """A `jsonb` value as this connection hands it over: Django leaves the text to its fields."""
    return json.loads(value) if isinstance(value, str) else value


def insert(table: str, columns: Columns, *, conflict: str = "", returning: str = "") -> list[tuple[Any, ...]]:
    """Insert rows in the order given; `columns` maps each name to its SQL type and its values, all of one length.

    `conflict` is what follows ON CONFLICT, `returning` what follows RETURNING; both are our own words, never data.
    """
    if not columns or not next(iter(columns.values()))[1]:
        return []
    sql = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {_cast(columns)} FROM {_rows(columns)}"  # noqa: S608
    sql += (f" ON CONFLICT {conflict}" if conflict else "") + (f" RETURNING {returning}" if returning else "")
    return run(sql, [list(values) for _, values in columns.values()], fetch=bool(returning))


def update(table: str, columns: Columns) -> None:
    """Update rows by their `id`, one of the columns; the others are set."""
    if not columns["id"][1]:
        return
    assigned = ", ".join(f"{name} = {_one(name, kind)}" for name, (kind, _) in columns.items() if name != "id")
    sql = f"UPDATE {table} AS row SET {assigned} FROM {_rows(columns)} WHERE row.id = sent.id"  # noqa: S608
    run(sql, [list(values) for _, values in columns.values()], fetch=False)


def run(sql: str, params: Sequence[Any], *, fetch: bool = True) -> list[tuple[Any, ...]]:
    """Execute one statement of our own and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if fetch else []


def _rows(columns: Columns) -> str:
    # jsonb travels as text and is cast row by row: an array of it would have to be quoted twice.
    arrays = ", ".join(f"%s::{'text' if kind == 'jsonb' else kind}[]" for kind, _ in columns.values())
    return f"unnest({arrays}) AS sent({', '.join(columns)})"


def _cast(columns: Columns) -> str:
    return ", ".join(_one(name, kind) for name, (kind, _) in columns.items())


def _one(name: str, kind: str) -> str:
    return f"sent.{name}::jsonb" if kind == "jsonb" else f"sent.{name}"
