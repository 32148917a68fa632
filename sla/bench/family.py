"""A matter with all that was written about it, multiplied by the database: one was lived, thousands are like it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.apps import apps
from django.db import connection, models

from leads.models import (
    Account,
    Activity,
    AnonymousActivity,
    AwaitingAssessment,
    Identity,
    Lead,
    Notification,
    Team,
    User,
)
from sla.models import FairnessTurn, Handoff

FLOORS: Final = ("leads", "scoring", "sla")
SEATS: Final = "bench_seat"
# What each of the other leads has of its own, and who is no part of a matter.
APART: Final = (
    FairnessTurn,
    Account,
    Activity,
    AnonymousActivity,
    AwaitingAssessment,
    Identity,
    Lead,
    Notification,
    Team,
    User,
)


def seat(leads: str, reps: int, *, spread: str) -> int:
    """Give each of these leads (a query of ids) a place in turn with one of the newest reps; how many they are.

    `spread` is an SQL interval: the story of each lead is moved back by up to so much.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE TEMP TABLE {SEATS} AS
            WITH crew AS (
                SELECT row_number() OVER (ORDER BY rep.id DESC) - 1 AS place, rep.user_id, member.team_id
                FROM sla_rep rep JOIN leads_teammembership member ON member.user_id = rep.user_id
                ORDER BY rep.id DESC LIMIT {reps}
            ), asked AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM ({leads}) AS found(id))
            SELECT asked.n, asked.id AS lead_id, crew.user_id, crew.team_id, -random() * interval '{spread}' AS shift
            FROM asked JOIN crew ON crew.place = asked.n % {reps}
            """  # noqa: S608 (our own words)
        )
        cursor.execute(f"ALTER TABLE {SEATS} ADD PRIMARY KEY (n)")
        cursor.execute(f"SELECT count(*) FROM {SEATS}")  # noqa: S608 (our own table)
        return int(cursor.fetchone()[0])


def multiply(handoff: Handoff, seats: range) -> None:
    """What was written about this hand-off's matter, once more for the lead of each seat, at its place and time.

    Foreign keys are not checked meanwhile (`copies.trust`), so this runs within the caller's transaction.
    """
    told = _told(handoff)
    bases = {row: _reserve(row, len(seats)) for row in told}
    for row in told:
        _insert(row, bases, handoff, seats)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE leads_lead lead SET stage = %s, stage_at = %s + seat.shift, holder_id = seat.user_id, "  # noqa: S608
            f"holder_team_id = seat.team_id, first_name = %s, title = %s, source = %s, rest_until = NULL "
            f"FROM {SEATS} seat WHERE seat.lead_id = lead.id AND seat.n >= %s AND seat.n < %s",
            [*_lead(handoff.episode.lead), seats.start, seats.stop],
        )


def _lead(lead: Lead) -> list[Any]:
    return [lead.stage, lead.stage_at, lead.first_name, lead.title, lead.source]


def _told(handoff: Handoff) -> list[models.Model]:
    """All rows that speak of the matter's lead, or of a row that does."""
    found: dict[tuple[type[models.Model], Any], models.Model] = {}
    asked: list[models.Model] = [handoff.episode.lead]
    while asked:
        row = asked.pop()
        for model, field in _speak_of(type(row)):
            for other in model._base_manager.filter(**{field: row}):
                is_theirs = getattr(other, "lead_id", handoff.episode.lead_id) == handoff.episode.lead_id
                if is_theirs and (model, other.pk) not in found:
                    found[model, other.pk] = other
                    asked.append(other)
    return sorted(found.values(), key=lambda row: str(row.pk))


def _speak_of(model: type[models.Model]) -> Iterator[tuple[type[models.Model], str]]:
    for label in FLOORS:
        for other in apps.get_app_config(label).get_models():
            if other not in APART:
                yield from ((other, field.name) for field in _keys(other) if field.related_model is model)


def _keys(model: type[models.Model]) -> Iterator[models.ForeignKey[Any, Any]]:
    yield from (field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey))


def _reserve(row: models.Model, count: int) -> int:
    """The first of so many new keys for copies of this row; 0 where another row's key is its own."""
    key = row._meta.pk
    if key is None or key.remote_field is not None:
        return 0
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, %s))", [table, key.column])
        first = int(cursor.fetchone()[0])
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, key.column, first + count])
    return first


def _insert(row: models.Model, bases: Mapping[models.Model, int], handoff: Handoff, seats: range) -> None:
    columns, values = [], []
    for field in row._meta.concrete_fields:
        columns.append(str(field.column))
        values.append(_value(row, field, bases, handoff, seats.start))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {row._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(values)} "  # noqa: S608
            f"FROM {row._meta.db_table} AS model CROSS JOIN {SEATS} AS seat "
            f"WHERE model.{_key(row)} = %s AND seat.n >= %s AND seat.n < %s",
            [row.pk, seats.start, seats.stop],
        )


def _value(row: models.Model, field: Any, bases: Mapping[models.Model, int], handoff: Handoff, first: int) -> str:
    """What a copy has in this column: its own key, its own neighbors, its own time, else what the model has."""
    kept = f"model.{field.column}"
    if isinstance(field, models.ForeignKey):
        return _neighbor(row, field, bases, handoff, first) or kept
    if field.primary_key:
        return f"{bases[row]} + seat.n - {first}"
    if isinstance(field, models.UUIDField):
        return "gen_random_uuid()"
    return f"{kept} + seat.shift" if isinstance(field, models.DateTimeField) else kept


def _neighbor(
    row: models.Model,
    field: models.ForeignKey[Any, Any],
    bases: Mapping[models.Model, int],
    handoff: Handoff,
    first: int,
) -> str:
    value = getattr(row, field.attname)
    places = {
        (Lead, handoff.episode.lead_id): "lead_id",
        (User, handoff.user_id): "user_id",
        (Team, handoff.team_id): "team_id",
    }
    if (field.related_model, value) in places:
        return f"seat.{places[field.related_model, value]}"
    told = next((other for other in bases if type(other) is field.related_model and other.pk == value), None)
    if told is None:
        return ""
    own = told._meta.pk
    if own is not None and isinstance(own, models.ForeignKey):
        return _neighbor(told, own, bases, handoff, first)
    return f"{bases[told]} + seat.n - {first}"


def _key(row: models.Model) -> str:
    return str(row._meta.pk.column) if row._meta.pk is not None else "id"
