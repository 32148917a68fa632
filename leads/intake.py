"""Taking in what clients send: each message once, in bulk, and a failing one alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from leads import activities, binding, erasing, receipts
from leads.batch import BEHAVIOUR, Batch
from leads.models import Source
from leads.receipts import Entry, RefusedEntry
from leads.transactions import business
from leads.wire import Attributes, Event, Refusal, attributes_of, company_attributes_of

log = structlog.get_logger(__name__)

# Classes of SQLSTATE that speak of the data, although the driver calls them operational: a limit of the program.
_DATA: Final = ("22", "23", "54")


@dataclass(frozen=True, slots=True)
class Receipted:
    """What became of a batch: every item is accepted, a duplicate, or among the refused."""

    accepted: int
    duplicate: int
    refused: tuple[RefusedEntry, ...]


def take_in(
    events: Sequence[Event | Refusal],
    *,
    source: Source,
    now: datetime,
    bodies: Sequence[bytes] = (),
    origin: str = "api",
) -> Receipted:
    """Take in a batch: receipts, leads, accounts, attributes, activities and marks, in one transaction.

    `bodies` are the events' bytes, kept for what is refused. `origin` "import" or "replay" makes history, not news.
    If the batch fails on its data or in a bell, each item gets a transaction of its own and only the failing one is
    refused. Raises OperationalError where the database is away or its locks can't be had: nothing was acknowledged,
    the sender tries again, and what was stored by then is a duplicate.
    """
    entries, refused = [], []
    for index, event in enumerate(events):
        body = bodies[index] if bodies else b""
        if isinstance(event, Refusal):
            refused.append(RefusedEntry(index, event.code, event.sentence, body))
        else:
            entries.append(Entry(index, event, body))
    names = {entry.event.name for entry in entries if entry.event.kind in BEHAVIOUR}
    types = activities.catalog(names, now=now)
    try:
        return _taken(entries, refused, source=source, types=types, now=now, origin=origin)
    except Exception as error:
        if is_away(error):
            raise
        log.warning("batch_failed", source=source.pk, items=len(entries), error=type(error).__name__)
        return _one_by_one(entries, refused, source=source, types=types, now=now, origin=origin)


def _one_by_one(
    entries: Sequence[Entry],
    refused: Sequence[RefusedEntry],
    *,
    source: Source,
    types: dict[str, int],
    now: datetime,
    origin: str,
) -> Receipted:
    total = _taken([], refused, source=source, types=types, now=now, origin=origin)
    for entry in entries:
        try:
            one = _taken([entry], [], source=source, types=types, now=now, origin=origin)
        except Exception as error:
            if is_away(error):
                raise
            log.exception("item_failed", source=source.pk, message_id=entry.event.message_id)
            failed = RefusedEntry(
                entry.index, "not_stored", "The event could not be stored.", entry.body, entry.event.message_id
            )
            one = _taken([], [failed], source=source, types=types, now=now, origin=origin)
        total = Receipted(
            total.accepted + one.accepted, total.duplicate + one.duplicate, (*total.refused, *one.refused)
        )
    return Receipted(total.accepted, total.duplicate, tuple(sorted(total.refused, key=lambda item: item.index)))


def is_away(error: Exception) -> bool:
    """True if the failure says nothing about the data: no database, no lock, no room."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    return not str(getattr(error.__cause__, "sqlstate", None) or "").startswith(_DATA)


def _taken(
    entries: Sequence[Entry],
    refused: Sequence[RefusedEntry],
    *,
    source: Source,
    types: dict[str, int],
    now: datetime,
    origin: str,
) -> Receipted:
    # Within a larger verb a failure must not take that one's transaction with it.
    guard: AbstractContextManager[object] = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with guard:
        return _take(entries, refused, source=source, types=types, now=now, origin=origin)


@business
def _take(
    entries: Sequence[Entry],
    refused: Sequence[RefusedEntry],
    *,
    source: Source,
    types: dict[str, int],
    now: datetime,
    origin: str,
) -> Receipted:
    said = {entry.index: _said(entry.event) for entry in entries}
    calls = {entry.index: binding.Call.of(entry.event, _email(entry.event, said[entry.index])) for entry in entries}
    living, dead = _without_erased(entries, calls)
    sorted_out = receipts.take(living, source_id=source.pk, now=now)
    fresh = sorted_out.fresh
    if fresh:
        batch = Batch(fresh, [calls[e.index] for e in fresh], [said[e.index] for e in fresh], source, now, origin)
        batch.write(types)
    every = sorted([*refused, *dead, *sorted_out.reused], key=lambda item: item.index)
    receipts.keep_refused(every, source_id=source.pk, now=now)
    return Receipted(len(fresh), sorted_out.duplicates, tuple(every))


def _said(event: Event) -> Attributes | None:
    if event.kind == "identify":
        return attributes_of(event.traits)
    return company_attributes_of(event.traits) if event.kind == "group" else None


def _email(event: Event, said: Attributes | None) -> str | None:
    return said.email if said and event.kind == "identify" else None


def _without_erased(entries: Sequence[Entry], calls: dict[int, binding.Call]) -> tuple[list[Entry], list[RefusedEntry]]:
    """Leave out what speaks of a person who was erased; nothing of it is kept but that it came."""
    erased = erasing.erased_among({key for call in calls.values() for key in call.named()})
    if not erased:
        return list(entries), []
    living, dead = [], []
    for entry in entries:
        if erased.isdisjoint(calls[entry.index].named()):
            living.append(entry)
        else:
            dead.append(RefusedEntry(entry.index, "erased", "This person was erased and is not taken in again."))
    return living, dead
