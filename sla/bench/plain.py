"""The floor of firing: the rows that the verb wrote for one clock, written by plain SQL for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection, models, transaction

from leads.models import Notification
from sla.models import Clock, ClockStep


def statements(like: int) -> list[str]:
    """What writes for an array of clocks what was written for this one: its marks, its steps and its messages."""
    marks = f"UPDATE {Clock._meta.db_table} SET breached_at = due_at, next_step_at = NULL WHERE id = ANY(%(clocks)s)"  # noqa: S608
    steps = ClockStep.objects.filter(clock=like).order_by("pk")
    notes = Notification.objects.filter(effect_key__startswith=f"clock:{like}:").order_by("pk")
    return [
        marks,
        *(_copy(step, {"clock_id": "each.clock"}) for step in steps),
        *(
            _copy(note, {"public_id": "gen_random_uuid()", "effect_key": f"'sql:' || each.clock || ':{number}'"})
            for number, note in enumerate(notes)
        ),
    ]


def write(clock_ids: Sequence[int], asked: Sequence[str], *, together: int) -> None:
    """Write all that for these clocks, so many in one transaction."""
    with connection.cursor() as cursor:
        for start in range(0, len(clock_ids), together):
            values = {"clocks": list(clock_ids[start : start + together])}
            with transaction.atomic():
                for statement in asked:
                    cursor.execute(statement, values)


def _copy(row: models.Model, anew: Mapping[str, str]) -> str:
    table = row._meta.db_table
    columns = [str(field.column) for field in row._meta.concrete_fields if not field.primary_key]
    values = ", ".join(anew.get(column, f"model.{column}") for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} "  # noqa: S608 (our own tables and columns)
        f"FROM {table} AS model CROSS JOIN unnest(%(clocks)s::bigint[]) AS each(clock) WHERE model.id = {row.pk}"
    )
