"""Taking in what clients send: each message once, in bulk, and a failing one alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from leads import accounts, activities, binding, bulk, derived, erasing, lifecycle, merging, profiles, receipts, signals
from leads.marking import mark
from leads.models import Lead, Source
from leads.receipts import Entry, RefusedEntry
from leads.transactions import business
from leads.wire import Attributes, Event, Refusal, attributes_of, company_attributes_of

log = structlog.get_logger(__name__)

BEHAVIOUR: Final = frozenset({"track", "page", "screen"})
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
        if _is_away(error):
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
            if _is_away(error):
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


def _is_away(error: Exception) -> bool:
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
        batch = _Batch(fresh, [calls[e.index] for e in fresh], [said[e.index] for e in fresh], source, now, origin)
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


@dataclass
class _Batch:
    """The fresh events of one batch on their way into the tables."""

    entries: list[Entry]
    calls: list[binding.Call]
    said: list[Attributes | None]
    source: Source
    now: datetime
    origin: str

    def write(self, types: dict[str, int]) -> None:
        """Keys, accounts and leads first, in that order; then what happened; then marks; the bells last."""
        trusted = self.source.kind != Source.Kind.BROWSER
        bound = binding.bind(self.calls, trusted=trusted, now=self.now)
        lists = derived.lists() if any(self.said) else None
        placed, changed_accounts = self._companies(bound, lists, trusted=trusted)
        known = self._leads(bound)
        recorded = self._learn(bound, known, placed, trusted=trusted)
        for profile in known.values():
            profile.conclude(lists)
        # A joined history was written before its lead's row: the reference is looked at when all is done.
        changed = profiles.save(known.values(), now=self.now, origin=self.origin)
        recorded += self._record(bound, types)
        discounted = activities.discount(recorded, now=self.now)
        binding.record_conflicts(bound.conflicts, now=self.now)
        acted = {one.lead_id for one in recorded}
        mark(changed | acted | _of_accounts(changed_accounts), now=self.now)
        self._ring([one for one in recorded if one.id not in discounted])
        if acted:
            ids = sorted(acted)
            transaction.on_commit(
                lambda: signals.activities_recorded.send(Lead, lead_ids=ids) and None,
                robust=True,
            )

    def _companies(
        self, bound: binding.Bound, lists: derived.Lists | None, *, trusted: bool
    ) -> tuple[dict[int, tuple[int | None, bool]], set[int]]:
        """What each call says of a company, taken in: its account and whether the lead belongs to it, by position."""
        if lists is None:
            return {}, set()
        asked: dict[int, accounts.CompanyCall] = {}
        for place, (entry, said) in enumerate(zip(self.entries, self.said, strict=True)):
            call = accounts.CompanyCall.of(bound.leads[place], entry.event.group_id, said) if said else None
            if call:
                asked[place] = call
        if not asked:
            return {}, set()
        found, changed = accounts.settle(
            list(asked.values()), trusted=trusted, lists=lists, now=self.now, origin=self.origin
        )
        return dict(zip(asked, found, strict=True)), changed

    def _leads(self, bound: binding.Bound) -> dict[int, profiles.Profile]:
        """Lock the leads in order of their ids, do the merges, and read them."""
        existing = bound.touched - set(bound.new)
        known, _ = profiles.lock(existing) if existing else ({}, set())
        if bound.merges:
            for winner, loser in bound.merges:
                bound.follow({winner, loser}, merging.merge(winner, loser, now=self.now, prefer=winner).pk)
            known, gone = profiles.lock(existing)
            known = {lead_id: profile for lead_id, profile in known.items() if lead_id not in gone}
        return known | {lead_id: profiles.Profile.blank(lead_id) for lead_id in bound.new}

    def _learn(
        self,
        bound: binding.Bound,
        known: dict[int, profiles.Profile],
        placed: dict[int, tuple[int | None, bool]],
        *,
        trusted: bool,
    ) -> list[activities.Recorded]:
        """Lay what the events say over what was known; returns the histories that were joined on the way."""
        for place, (entry, lead_id) in enumerate(zip(self.entries, bound.leads, strict=True)):
            if lead_id is None:
                continue
            profile, said, event = known[lead_id], self.said[place], entry.event
            account, moves = placed.get(place, (None, False))
            if moves:
                profile.learn("account_id", account, trusted=trusted)
            if said and event.kind == "identify":
                profile.read(said, shown_email=self._shown(place, bound, trusted=trusted), trusted=trusted)
            if event.name.lower() in profiles.OPT_OUTS and event.kind == "track":
                profile.learn("email_permission", profiles.REFUSED, trusted=trusted)
            profile.came_by(profiles.FirstTouch.of(event.occurred_at, profiles.context_of(event)))
        joined = activities.join(bound.browsers, now=self.now)
        for one in joined:
            known[one.lead_id].came_by(profiles.FirstTouch.of(one.occurred_at, one.context))
        return joined

    def _shown(self, place: int, bound: binding.Bound, *, trusted: bool) -> str | None:
        """The address to show: the one of the call, if it names the call's own lead."""
        email = self.calls[place].email
        return email if email and bound.mails.get(email) == bound.leads[place] else None

    def _record(self, bound: binding.Bound, types: dict[str, int]) -> list[activities.Recorded]:
        """Write what was done: with its lead where someone knows whose it is, aside where nobody does."""
        done = [
            (lead_id, entry.event)
            for entry, lead_id in zip(self.entries, bound.leads, strict=True)
            if entry.event.kind in BEHAVIOUR
        ]
        ours = [(lead_id, event) for lead_id, event in done if lead_id is not None]
        strangers = [event for lead_id, event in done if lead_id is None]
        if strangers:
            activities.set_aside(strangers, types, source_id=self.source.pk, now=self.now, origin=self.origin)
        if not ours:
            return []
        return activities.record(ours, types, source_id=self.source.pk, now=self.now, origin=self.origin)

    def _ring(self, recorded: Iterable[activities.Recorded]) -> None:
        """Let what was done move stages, where a rule speaks of it: the bells ring here, after all is written."""
        rules = lifecycle.active_rules()
        named = {rule.activity for rule in rules}
        of_lead: dict[int, list[activities.Recorded]] = {}
        for one in recorded:
            if one.name in named:
                of_lead.setdefault(one.lead_id, []).append(one)
        for lead in Lead.objects.filter(pk__in=of_lead).order_by("pk") if of_lead else ():
            done = [activities.as_activity(one) for one in of_lead[lead.pk]]
            lifecycle.apply_stage_rules(lead, done, now=self.now, rules=rules)


def _of_accounts(account_ids: set[int]) -> set[int]:
    """Every lead of these companies: what we learn of a company is learned of all of them."""
    if not account_ids:
        return set()
    rows = bulk.run(
        "SELECT id FROM leads_lead WHERE account_id = ANY(%s) AND merged_into_id IS NULL AND erased_at IS NULL",
        [sorted(account_ids)],
    )
    return {row[0] for row in rows}
