"""What has been taken in once, and what was refused, with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from leads import bulk
from leads.wire import MAX_EVENT_BYTES, Event

_KNOWN: Final = "SELECT message_id, body_hash FROM leads_receipt WHERE source_id = %s AND message_id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a batch, where it stood in it, and its bytes."""

    index: int
    event: Event
    body: bytes


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """One item that is not taken in: the code is for programs, the sentence for people."""

    index: int
    code: str
    sentence: str
    body: bytes = b""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch after its receipts: what is new, how many were known, and what came under another's id."""

    fresh: list[Entry]
    duplicates: int
    reused: list[RefusedEntry]


def take(entries: Sequence[Entry], *, source_id: int, now: datetime) -> Sorted:
    """Write one receipt per message, in key order; a message that has one is a duplicate, whoever came first.

    The same id over another body is no duplicate: it is refused, and kept. Runs inside the caller's transaction.
    """
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.event.message_id, entry)
    names = sorted(first)
    written = bulk.insert(
        "leads_receipt",
        {
            "source_id": ("bigint", [source_id] * len(names)),
            "message_id": ("text", names),
            "body_hash": ("text", [first[name].event.fingerprint for name in names]),
            "received_at": ("timestamptz", [now] * len(names)),
        },
        conflict="DO NOTHING",
        returning="message_id",
    )
    new = {row[0] for row in written}
    hashes = {name: first[name].event.fingerprint for name in new}
    if len(new) < len(names):
        hashes |= dict(bulk.run(_KNOWN, [source_id, [name for name in names if name not in new]]))
    fresh, duplicates, reused = [], 0, []
    for entry in entries:
        name = entry.event.message_id
        if name in new and first[name] is entry:
            fresh.append(entry)
        elif hashes[name] == entry.event.fingerprint:
            duplicates += 1
        else:
            reused.append(
                RefusedEntry(
                    entry.index,
                    "message_id_reused",
                    "Another event was taken in under this messageId.",
                    entry.body,
                    name,
                )
            )
    return Sorted(fresh, duplicates, reused)


def keep_refused(refused: Iterable[RefusedEntry], *, source_id: int, now: datetime) -> None:
    """Keep what was refused, whole up to the largest event, with its reason."""
    rows = list(refused)
    bulk.insert(
        "leads_refuseditem",
        {
            "source_id": ("bigint", [source_id] * len(rows)),
            "received_at": ("timestamptz", [now] * len(rows)),
            "index": ("integer", [row.index for row in rows]),
            "code": ("text", [row.code[:40] for row in rows]),
            "sentence": ("text", [row.sentence[:500] for row in rows]),
            "message_id": ("text", [row.message_id for row in rows]),
            "body": ("bytea", [row.body[:MAX_EVENT_BYTES] for row in rows]),
        },
    )
