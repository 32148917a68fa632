"""Intake through the front door, beside raw COPY and multi-row INSERT of the same rows into the same tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import psycopg
from django.db import connection, transaction

from leads.models import Activity, AwaitingAssessment, Source
from sla.bench import sender
from sla.bench.sender import Clients, Load

CLIENTS: Final = 4

_ACTIVITY: Final = (
    "occurred_at", "received_at", "known_at", "properties", "context", "message_id", "origin", "clamped",
    "discount_reason", "type_id", "lead_id",
)  # fmt: skip
_RECEIPT: Final = ("message_id", "body_hash", "received_at")
TABLES: Final = (("leads_activity", _ACTIVITY), ("leads_receipt", _RECEIPT))


@dataclass(frozen=True)
class Taken:
    """Activities a second by each of the three ways, and how long the senders waited for an answer."""

    activities: int
    clients: int
    batch: int
    http: float
    answer_median: float
    answer_p95: float
    marks_left: int
    copy: float
    insert: float


def loads(url: str, write_key: str, activities: int, seed: str, *, pace: float = 0.0) -> list[Load]:
    """The load, shared among the clients; `pace` is activities a second, zero as many as can be."""
    every = sender.ACTIVITIES_A_BATCH * CLIENTS / pace if pace else 0.0
    return [Load(url, write_key, activities // CLIENTS, f"{seed}{number}", every) for number in range(CLIENTS)]


def measure(n: int, *, url: str, write_key: str, source: Source) -> Taken:
    """Send N activities by several clients, then write the rows they became twice more, without the house."""
    last = Activity.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with Clients(loads(url, write_key, n, "intake")) as clients:
        clients.go()
        results = clients.results()
    marks = AwaitingAssessment.objects.count()
    if any(sent.refused for sent in results):
        raise RuntimeError("The tracking API refused some of the bench's events.")
    waits = sorted(wait for sent in results for wait in sent.waits)
    rows = Activity.objects.filter(source=source, id__gt=last).count()
    if rows != sum(sent.activities for sent in results):
        raise RuntimeError(f"{rows} activities are stored of {sum(sent.activities for sent in results)} acknowledged.")
    return Taken(
        activities=rows,
        clients=len(results),
        batch=sender.BATCH,
        http=sender.rate(results),
        answer_median=median(waits),
        answer_p95=waits[int(len(waits) * 0.95)],
        marks_left=marks,
        copy=rows / _again(_copied, "Bench: COPY", source, last),
        insert=rows / _again(_inserted, "Bench: INSERT", source, last),
    )


def _again(write: Callable[[dict[str, Any], list[str]], float], name: str, source: Source, last: int) -> float:
    """Seconds to write the same rows under a source of their own: message ids are unique per source."""
    other = Source.objects.create(name=name, kind=Source.Kind.IMPORT)
    values = {"source": source.pk, "last": last, "other": other.pk}
    picked = []
    for table, columns in TABLES:
        where = "id > %(last)s AND source_id = %(source)s"
        if table == "leads_receipt":
            where = f"message_id IN (SELECT message_id FROM leads_activity WHERE {where}) AND source_id = %(source)s"  # noqa: S608
        picked.append(f"SELECT {', '.join(columns)}, %(other)s::bigint FROM {table} WHERE {where}")  # noqa: S608
    return write(values, picked)


def _copied(values: dict[str, Any], picked: list[str]) -> float:
    """One COPY a table, all in one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        buffers = []
        for select in picked:
            with cursor.copy(f"COPY ({select}) TO STDOUT", values) as out:
                buffers.append(b"".join(bytes(block) for block in out))
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        for (table, columns), buffer in zip(TABLES, buffers, strict=True):
            with cursor.copy(f"COPY {table} ({', '.join(columns)}, source_id) FROM STDIN") as into:
                into.write(buffer)
    return time.perf_counter() - began


def _inserted(values: dict[str, Any], picked: list[str]) -> float:
    """One INSERT a table for each hundred rows, and a transaction for each hundred, as intake's batches are."""
    with connection.cursor() as cursor:
        statements = []
        for (table, columns), select in zip(TABLES, picked, strict=True):
            cursor.execute(select, values)
            statements.append([_insert(table, (*columns, "source_id"), rows) for rows in _hundreds(cursor.fetchall())])
    began = time.perf_counter()
    for pair in zip(*statements, strict=True):
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in pair:
                cursor.execute(statement)
    return time.perf_counter() - began


def _hundreds(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    for first in range(0, len(rows), sender.BATCH):
        yield rows[first : first + sender.BATCH]


def _insert(table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """The statement with its values in it: making it is not the database's work."""
    one = f"({', '.join(['%s'] * len(columns))})"
    text = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * len(rows))}"  # noqa: S608
    raw: Any = connection.connection
    return psycopg.ClientCursor(raw).mogrify(text, [value for row in rows for value in row]).replace("%", "%%")
