"""Rows by the thousand in one statement: they go over as one JSON document, so that its text never changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

# Each column's SQL type and its values, all of one length.
Columns = Mapping[str, tuple[str, Sequence[Any]]]


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"Nothing a column takes: {type(value).__name__}")


# What came over the wire is finite, and holds neither NUL nor half a character.
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode


def from_json(value: Any) -> Any:
    """A `jsonb` value as this connection hands it over: Django leaves the text to its fields."""
    return json.loads(value) if isinstance(value, str) else value


def insert(table: str, columns: Columns, *, conflict: str = "", returning: str = "") -> list[tuple[Any, ...]]:
    """Insert rows in the order given.

    `conflict` is what follows ON CONFLICT, `returning` what follows RETURNING; both are our own words, never data.
    """
    rows = _rows(columns)
    if not rows:
        return []
    picked = ", ".join(_one(name, kind) for name, (kind, _) in columns.items())
    sql = f"INSERT INTO {table} ({', '.join(map(_quoted, columns))}) SELECT {picked} FROM {_sent(columns)}"  # noqa: S608
    sql += (f" ON CONFLICT {conflict}" if conflict else "") + (f" RETURNING {returning}" if returning else "")
    return run(sql, [_encode(rows)], fetch=bool(returning))


def update(table: str, columns: Columns) -> None:
    """Update rows by their `id`, one of the columns; the others are set."""
    rows = _rows(columns)
    if not rows:
        return
    assigned = ", ".join(f"{_quoted(name)} = {_one(name, kind)}" for name, (kind, _) in columns.items() if name != "id")
    sql = f"UPDATE {table} AS kept SET {assigned} FROM {_sent(columns)} WHERE kept.id = sent.id"  # noqa: S608
    run(sql, [_encode(rows)], fetch=False)


def run(sql: str, params: Sequence[Any], *, fetch: bool = True) -> list[tuple[Any, ...]]:
    """Execute one statement of our own and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if fetch else []


def _rows(columns: Columns) -> list[dict[str, Any]]:
    names = tuple(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*(values for _, values in columns.values()), strict=True)]


def sent(columns: Iterable[tuple[str, str]]) -> str:
    """The FROM item that reads the document: names and SQL types of its columns."""
    return f"json_to_recordset(%s::json) AS sent({', '.join(f'{_quoted(name)} {kind}' for name, kind in columns)})"


def _sent(columns: Columns) -> str:
    return sent((name, kind) for name, (kind, _) in columns.items())


def _quoted(name: str) -> str:
    return f'"{name}"'


def _one(name: str, kind: str) -> str:
    # A null within the document is no row's NULL: in a jsonb column it is a value of its own.
    return f"coalesce(sent.{_quoted(name)}, 'null'::jsonb)" if kind == "jsonb" else f"sent.{_quoted(name)}"
