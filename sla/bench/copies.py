"""Copies of rows that the verbs have made: how the bench gets many of them quickly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connection, models

ANEW: Final = {"public_id": "gen_random_uuid()"}


def clone(row: models.Model, source: str, anew: Mapping[str, str]) -> str:
    """Insert a copy of a row for each of the source, with some columns anew; returns what finds the copies."""
    table = row._meta.db_table
    columns = [str(field.column) for field in row._meta.concrete_fields if not field.primary_key]
    values = ", ".join(anew.get(column, f"model.{column}") for column in columns)
    # The copied row is joined in front, so that a condition of the source stays last.
    relation, _, condition = source.partition(" WHERE ")
    where = f" WHERE {condition}" if condition else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")  # noqa: S608 (our own tables)
        (last,) = cursor.fetchone()
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 (our own tables and columns)
            f"SELECT {values} FROM (SELECT * FROM {table} WHERE id = %s) AS model CROSS JOIN {relation}{where}",
            [row.pk],
        )
    return f"made.id > {last}"


def trust() -> None:
    """Within this transaction, check no foreign key of the many copies, where the server lets us say so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            cursor.execute("SET LOCAL session_replication_role = replica")


def insert(row: models.Model, anew: Mapping[str, str], *, returning: str = "") -> str:
    """The statement that inserts one more like this row, with some columns anew."""
    columns = [str(field.column) for field in row._meta.concrete_fields if not field.primary_key or field.remote_field]
    values = ", ".join(anew.get(column, column) for column in columns)
    told = f" RETURNING {returning}" if returning else ""
    key = row._meta.pk.column if row._meta.pk is not None else "id"
    return (
        f"INSERT INTO {row._meta.db_table} ({', '.join(columns)}) "  # noqa: S608 (our own tables and columns)
        f"SELECT {values} FROM {row._meta.db_table} WHERE {key} = {row.pk}{told}"
    )
