"""Keys in the database: locked in order, read, and bound to their leads, so that two batches can't both name one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import OperationalError, transaction

from leads import bulk
from leads.identity import ANONYMOUS_ID, EMAIL, USER_ID, Key, Merge, Person, Register
from leads.models import IdentityConflict
from leads.wire import Event, as_email

ATTEMPTS: Final = 5
LOCK: Final = """
SELECT identity.kind, identity.value, identity.lead_id
  FROM leads_identity AS identity
  JOIN unnest(%s::text[], %s::text[]) AS sent(kind, value)
    ON identity.kind = sent.kind AND identity.value = sent.value
 ORDER BY identity.kind, identity.value
   FOR UPDATE OF identity
"""
KINDS: Final = """
SELECT DISTINCT lead_id, kind FROM leads_identity WHERE lead_id = ANY(%s) AND kind IN ('user_id', 'email')
"""
NEW_LEADS: Final = "SELECT nextval(pg_get_serial_sequence('leads_lead', 'id')) FROM generate_series(1, %s)"


@dataclass(frozen=True, slots=True)
class Call:
    """One event as far as it says who it speaks of; the e-mail is an identify's."""

    kind: str
    user_id: str | None
    anonymous_id: str | None
    previous_id: str | None
    email: str | None = None

    @classmethod
    def of(cls, event: Event, email: str | None) -> Call:
        """What an event says about who it is."""
        return cls(event.kind, event.user_id, event.anonymous_id, event.previous_id, email)

    def named(self) -> list[Key]:
        """Every key the call may ask for."""
        found = [Key(USER_ID, self.user_id or ""), Key(ANONYMOUS_ID, self.anonymous_id or "")]
        found.append(Key(EMAIL, self.email or ""))
        if self.previous_id:
            found += [Key(USER_ID, self.previous_id), Key(ANONYMOUS_ID, self.previous_id)]
            found.append(Key(EMAIL, as_email(self.previous_id) or ""))
        return [key for key in found if key.value]

    def read(self, register: Register) -> Person | None:
        """Tell the register what the call says, and hear whom it speaks of."""
        if self.kind == "identify":
            return register.identify(self.user_id, self.email, self.anonymous_id)
        if self.kind == "alias" and self.previous_id and self.user_id:
            return register.alias(self.previous_id, self.user_id)
        return register.behave(self.user_id, self.anonymous_id)


@dataclass(frozen=True, slots=True)
class Bound:
    """Who is who in one batch. `leads` is a lead id for each call, `None` where nobody knows whose it is.

    `merges` are to be done, winner first, in this order. `browsers` and `mails` say which of these leads the batch's
    anonymous ids and addresses name.
    """

    leads: list[int | None]
    new: list[int]
    merges: list[tuple[int, int]]
    conflicts: list[tuple[int, int, str]]
    browsers: dict[str, int]
    mails: dict[str, int]
    touched: set[int]

    def follow(self, both: set[int], winner: int) -> None:
        """Two of the leads have become one: what spoke of either speaks of the winner."""
        self.leads[:] = [winner if lead in both else lead for lead in self.leads]
        for names in (self.browsers, self.mails):
            names.update({name: winner for name, lead in names.items() if lead in both})


def lock(keys: Sequence[Key]) -> dict[Key, int]:
    """Lock those of these keys that are bound, in key order; the lead each names."""
    if not keys:
        return {}
    return {Key(kind, value): lead_id for kind, value, lead_id in bulk.run(LOCK, _columns(keys))}


class _Raced(Exception):
    """Another process bound one of the same keys in the meantime."""


def bind(calls: Sequence[Call], *, trusted: bool, now: datetime) -> Bound:
    """Lock the keys of a batch in key order and bind what is free; new leads get their ids, their rows come after.

    The reference from a key to its lead is checked at commit, so the key can be there first: whoever asks for the
    same key waits for it, and nobody makes a second lead. Runs inside the caller's transaction.
    """
    keys = sorted({key for call in calls for key in call.named()})
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _bind(calls, keys, trusted=trusted, now=now)
        except _Raced:
            continue
    raise OperationalError("The keys of this batch were bound by others again and again.")


def _bind(calls: Sequence[Call], keys: list[Key], *, trusted: bool, now: datetime) -> Bound:
    register = Register(trusted=trusted)
    known = lock(keys)
    may_bind = known and any(call.kind in ("identify", "alias") for call in calls)
    register.know(known, bulk.run(KINDS, [sorted(set(known.values()))]) if may_bind else [])
    persons = [call.read(register) for call in calls]
    merges = _merges(register.merges)
    new = _number(register)
    _insert(register, now=now)
    leads = [_lead_of(person, call, register) for person, call in zip(persons, calls, strict=True)]
    ours = {lead for lead in leads if lead}
    named = [(key, _id(person)) for key, person in register.names.items()]
    conflicts = {(_id(one), _id(other), kind) for one, other, kind in register.conflicts}
    return Bound(
        leads=leads,
        new=new,
        merges=merges,
        conflicts=sorted(conflict for conflict in conflicts if conflict[0] != conflict[1]),
        browsers={key.value: lead for key, lead in named if key.kind == ANONYMOUS_ID and lead in ours},
        mails={key.value: lead for key, lead in named if key.kind == EMAIL},
        touched=ours | {lead for pair in merges for lead in pair},
    )


def _columns(keys: Sequence[Key]) -> list[list[str]]:
    return [[key.kind for key in keys], [key.value for key in keys]]


def _merges(found: Sequence[Merge]) -> list[tuple[int, int]]:
    """Merges of leads that exist. A new person merged with a known one is simply that one."""
    merges = []
    for winner, loser in found:
        if winner.lead_id is None:
            winner.lead_id = loser.lead_id
        elif loser.lead_id is not None and loser.lead_id != winner.lead_id:
            merges.append((winner.lead_id, loser.lead_id))
    return merges


def _number(register: Register) -> list[int]:
    """Give every new person the id its lead will have."""
    new = list(dict.fromkeys(p.itself() for p in register.bound.values() if p.itself().lead_id is None))
    ids = [row[0] for row in bulk.run(NEW_LEADS, [len(new)])] if new else []
    for person, lead_id in zip(new, ids, strict=True):
        person.lead_id = lead_id
    return ids


def _insert(register: Register, *, now: datetime) -> None:
    keys = sorted(register.bound)
    rows = bulk.insert(
        "leads_identity",
        {
            "kind": ("text", [key.kind for key in keys]),
            "value": ("text", [key.value for key in keys]),
            "lead_id": ("bigint", [_id(register.bound[key]) for key in keys]),
            "bound_at": ("timestamptz", [now] * len(keys)),
        },
        conflict="(kind, value) DO NOTHING",
        returning="id",
    )
    if len(rows) < len(keys):
        raise _Raced


def _lead_of(person: Person | None, call: Call, register: Register) -> int | None:
    """Whose it is once the whole batch is read: a later call may have named the browser of an earlier one."""
    person = person or register.find(ANONYMOUS_ID, call.anonymous_id)
    return _id(person) if person else None


def _id(person: Person) -> int:
    lead_id = person.itself().lead_id
    if lead_id is None:
        raise AssertionError("A person without a number: it was never bound.")
    return lead_id


def record_conflicts(conflicts: Sequence[tuple[int, int, str]], *, now: datetime) -> None:
    """Leave a row for a person to settle, once for as long as it stands open."""
    IdentityConflict.objects.bulk_create(
        [IdentityConflict(lead_id=one, other_id=other, kind=kind, noticed_at=now) for one, other, kind in conflicts],
        ignore_conflicts=True,
    )
