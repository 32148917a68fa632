"""Taking rows in: a batch in one transaction, by the same rooms that take in what clients send."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import connection, transaction

from leads import binding, erasing, intake, receipts
from leads.batch import Batch
from leads.identity import EMAIL, USER_ID, Key
from leads.importing import standing
from leads.importing.rows import REFUSED, Row
from leads.models import Lead, RefusedItem, Source, User
from leads.profiles import LENGTHS, NAMED
from leads.receipts import Entry, RefusedEntry
from leads.transactions import business
from leads.wire import Attributes, Campaign, Event, Origin, attributes_of
from leads.wire.attributes import MAX_TEXT_LENGTH, MAX_TRAIT_LENGTH

log = structlog.get_logger(__name__)
# As a column is named whose cell the wire calls otherwise.
AS_COLUMN: Final = {
    "firstName": "first_name",
    "lastName": "last_name",
    "address.country": "country",
    "address.city": "city",
    "company.name": "company",
    "company.industry": "industry",
}
KEYS_OF: Final = """
SELECT identity.kind, identity.value, identity.lead_id
  FROM leads_identity AS identity
  JOIN unnest(%s::text[], %s::text[]) AS sent(kind, value)
    ON identity.kind = sent.kind AND identity.value = sent.value
"""


@dataclass(frozen=True, slots=True)
class FileId:
    """Which file it is: its name for people, and the digest of its bytes and mapping that makes up message ids."""

    name: str
    digest: str

    def message_id(self, line: int) -> str:
        return f"{self.digest}:{line}"


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says of a batch before it is taken in."""

    leads: dict[Key, int]
    closed: dict[str, set[Key]]
    owners: dict[str, User]

    def of(self, row: Row) -> set[int]:
        """The leads a row's keys name already."""
        return {self.leads[key] for key in keys_of(row) if key in self.leads}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: `created` leads and what was `repeated` of them, rows `updated` leads known before.

    `ignored` names cells that could not be read, `cut` those that were longer than what is kept.
    """

    created: int = 0
    updated: int = 0
    repeated: int = 0
    duplicates: int = 0
    refused: tuple[RefusedEntry, ...] = ()
    ignored: tuple[str, ...] = ()
    cut: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: Taken) -> Taken:
        return Taken(
            self.created + other.created,
            self.updated + other.updated,
            self.repeated + other.repeated,
            self.duplicates + other.duplicates,
            (*self.refused, *other.refused),
            (*self.ignored, *other.ignored),
            (*self.cut, *other.cut),
        )


def keys_of(row: Row) -> list[Key]:
    """The keys of a row, in the order of trust."""
    found = [Key(USER_ID, row.user_id or ""), Key(EMAIL, row.email or "")]
    return [key for key in found if key.value]


def refuse(row: Row, file: FileId, code: str, sentence: str) -> RefusedEntry:
    """A row that is not taken in."""
    body = row.raw.encode("utf-8", "surrogateescape")
    return RefusedEntry(row.line, code, sentence, body, file.message_id(row.line))


def take(rows: Sequence[Row], refused: Sequence[RefusedEntry], *, file: FileId, source: Source, now: datetime) -> Taken:
    """Take in a batch of rows: leads by e-mail or user id, attributes, stages, owners, outcomes, in one transaction.

    Nothing of it is news: it opens no episode and starts no clock. A row that was taken in before is a duplicate and
    changes nothing. If the batch fails, each row gets a transaction of its own and only the failing one is refused.
    Raises OperationalError where the database is away; what was stored by then is a duplicate the next time.
    """
    try:
        return _guarded(rows, refused, file=file, source=source, now=now)
    except Exception as error:
        if intake.is_away(error):
            raise
        log.warning("import_batch_failed", rows=len(rows), error=type(error).__name__)
    taken = _guarded([], refused, file=file, source=source, now=now)
    for row in rows:
        try:
            taken += _guarded([row], [], file=file, source=source, now=now)
        except Exception as error:
            if intake.is_away(error):
                raise
            log.exception("import_row_failed", line=row.line)
            failed = refuse(row, file, "not_stored", "The row could not be stored. The log says why.")
            taken += _guarded([], [failed], file=file, source=source, now=now)
    return taken


@business
def rehearse(rows: Sequence[Row], refused: Sequence[RefusedEntry], *, file: FileId) -> Taken:
    """What taking these rows in would come to; nothing is written."""
    good, bad, known = _examine(rows, file)
    new = {keys_of(row)[0] for row in good if not known.of(row)}
    updated = sum(1 for row in good if known.of(row))
    said = [attributes_of(row.traits) for row in good]
    return Taken(
        created=len(new),
        updated=updated,
        repeated=len(good) - len(new) - updated,
        refused=(*refused, *bad),
        ignored=_ignored(said),
        cut=_cut(said),
    )


def _guarded(
    rows: Sequence[Row], refused: Sequence[RefusedEntry], *, file: FileId, source: Source, now: datetime
) -> Taken:
    # Within a larger verb a failure must not take that one's transaction with it.
    guard: AbstractContextManager[object] = transaction.atomic() if connection.in_atomic_block else nullcontext()
    with guard:
        return _take(rows, refused, file=file, source=source, now=now)


@business
def _take(
    rows: Sequence[Row], refused: Sequence[RefusedEntry], *, file: FileId, source: Source, now: datetime
) -> Taken:
    good, bad, known = _examine(rows, file)
    of_line = {row.line: row for row in good}
    entries = [Entry(row.line, _event(row, file, known, now=now), row.raw.encode()) for row in good]
    sorted_out = receipts.take(entries, source_id=source.pk, now=now)
    fresh = [of_line[entry.index] for entry in sorted_out.fresh]
    said = [attributes_of(entry.event.traits) for entry in sorted_out.fresh]
    leads: dict[Key, int] = {}
    if fresh:
        calls = [binding.Call.of(entry.event, row.email) for entry, row in zip(sorted_out.fresh, fresh, strict=True)]
        Batch(sorted_out.fresh, calls, list(said), source, now, "import").write({})
        leads = binding.lock(sorted({key for row in fresh for key in keys_of(row)}))
        settled = [(leads[keys_of(row)[0]], row) for row in fresh]
        standing.settle(settled, owners=known.owners, file=file.name, now=now)
    every = sorted([*refused, *bad, *sorted_out.reused], key=lambda entry: entry.index)
    _keep(every, source=source, now=now)
    created = len(set(leads.values()) - set(known.leads.values()))
    updated = sum(1 for row in fresh if known.of(row))
    return Taken(
        created=created,
        updated=updated,
        repeated=len(fresh) - created - updated,
        duplicates=sorted_out.duplicates,
        refused=tuple(every),
        ignored=_ignored(said),
        cut=_cut(said),
    )


def _ignored(said: Sequence[Attributes]) -> tuple[str, ...]:
    return tuple(one.name for each in said for one in each.ignored)


def _cut(said: Sequence[Attributes]) -> tuple[tuple[str, int], ...]:
    """Each cell that is longer than what is kept of it, with how much that is."""
    return tuple(cut for each in said for cut in _cut_of(each).items())


def _cut_of(said: Attributes) -> dict[str, int]:
    found = {
        AS_COLUMN.get(name, name): MAX_TRAIT_LENGTH if name in said.traits else MAX_TEXT_LENGTH
        for name in said.shortened
    }
    return found | {
        name: LENGTHS[name] for name in NAMED if name in found or len(getattr(said, name) or "") > LENGTHS[name]
    }


def _event(row: Row, file: FileId, known: Known, *, now: datetime) -> Event:
    """The row as the call that would say the same: what it says of where a person came from is their first touch."""
    is_new = not known.of(row)
    # A file says where a person came from only if it is the first we hear of them.
    source = row.source or ("" if row.campaign or not is_new else file.name)
    campaign = Campaign(name=row.campaign or None, source=source or None) if source or row.campaign else None
    return Event(
        kind="identify",
        message_id=file.message_id(row.line),
        fingerprint=row.fingerprint,
        user_id=row.user_id,
        anonymous_id=None,
        previous_id=None,
        group_id=None,
        name="",
        properties={},
        traits=row.traits | _permissions(row, known),
        context={},
        integrations={},
        origin=Origin(campaign=campaign),
        occurred_at=row.created_at or now,
        clamped=False,
    )


def _permissions(row: Row, known: Known) -> dict[str, str]:
    """What the row says of channels. A file closes one, and never opens one that the person closed."""
    said = {}
    for name, permission in row.permissions.items():
        closed = known.closed.setdefault(name, set())
        if permission == REFUSED:
            closed.update(keys_of(row))
        elif not closed.isdisjoint(keys_of(row)):
            continue
        said[name] = permission.value
    return said


def _examine(rows: Sequence[Row], file: FileId) -> tuple[list[Row], list[RefusedEntry], Known]:
    """Refuse the rows that contradict what is known: erased people, ids of two leads, owners nobody knows."""
    keys = sorted({key for row in rows for key in keys_of(row)})
    leads = _leads(keys)
    erased = erasing.erased_among(keys) if keys else set()
    known = Known(leads, _closed(leads), _owners(rows))
    good, bad = [], []
    for row in rows:
        why = _contradiction(row, known, erased)
        if why is None:
            good.append(row)
        else:
            bad.append(refuse(row, file, *why) if why[0] != "erased" else RefusedEntry(row.line, *why))
    return good, bad, known


def _contradiction(row: Row, known: Known, erased: set[Key]) -> tuple[str, str] | None:
    if not erased.isdisjoint(keys_of(row)):
        return "erased", "This person was erased and is not taken in again."
    if len(known.of(row)) > 1:
        return "two_leads", "The user id and the e-mail name two leads. Merge these, or leave one of the two empty."
    for address in (row.owner, row.account_owner):
        if address and address not in known.owners:
            sentence = "The owner is no active user. Add the user, or map the column to a trait to keep it as text."
            return "unknown_owner", sentence
    return None


def _leads(keys: Sequence[Key]) -> dict[Key, int]:
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(KEYS_OF, [[key.kind for key in keys], [key.value for key in keys]])
        return {Key(kind, value): lead_id for kind, value, lead_id in cursor.fetchall()}


def _closed(leads: dict[Key, int]) -> dict[str, set[Key]]:
    """For each channel the keys of leads who closed it."""
    found: dict[str, set[Key]] = {}
    rows = Lead.objects.filter(pk__in=set(leads.values())).values_list("pk", "email_permission", "phone_permission")
    for pk, *permissions in rows:
        for name, permission in zip(("email_permission", "phone_permission"), permissions, strict=True):
            if permission == REFUSED:
                found.setdefault(name, set()).update(key for key, lead_id in leads.items() if lead_id == pk)
    return found


def _owners(rows: Sequence[Row]) -> dict[str, User]:
    named = {address for row in rows for address in (row.owner, row.account_owner) if address}
    if not named:
        return {}
    return {user.email: user for user in User.objects.filter(email__in=named, is_active=True)}


def _keep(refused: Sequence[RefusedEntry], *, source: Source, now: datetime) -> None:
    """Keep what was refused, once: the same line of the same file is not kept again when the file is."""
    ids = [entry.message_id for entry in refused if entry.message_id]
    kept: set[tuple[str, str]] = set()
    if ids:
        found = RefusedItem.objects.filter(source=source, message_id__in=ids)
        kept = set(found.values_list("message_id", "code"))
    new = [entry for entry in refused if (entry.message_id, entry.code) not in kept]
    receipts.keep_refused(new, source_id=source.pk, now=now)
