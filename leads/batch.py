"""One batch on its way into the tables: keys, accounts and leads first, then what happened, the bells last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from leads import accounts, activities, binding, bulk, derived, lifecycle, merging, profiles, signals
from leads.marking import mark
from leads.models import Lead, Source
from leads.receipts import Entry
from leads.wire import Attributes

BEHAVIOUR: Final = frozenset({"track", "page", "screen"})


@dataclass
class Batch:
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
        binding.record_conflicts(bound.conflicts, now=self.now)
        settle(recorded, changed=changed | _of_accounts(changed_accounts), now=self.now)

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
            if event.kind == "track" and event.name.lower() in profiles.OPT_OUTS:
                profile.opt_out(trusted=trusted)
            if event.origin.campaign or event.origin.page_referrer:
                profile.came_by(profiles.FirstTouch.of(event.occurred_at, profiles.context_of(event)))
        return learn_history(known, activities.join(bound.browsers, now=self.now))

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


def learn_history(known: dict[int, profiles.Profile], joined: list[activities.Recorded]) -> list[activities.Recorded]:
    """What a browser's history tells of its lead: where they first came from, and a channel they closed."""
    for one in joined:
        profile = known[one.lead_id]
        profile.came_by(profiles.FirstTouch.of(one.occurred_at, one.context))
        if one.name.lower() in profiles.OPT_OUTS:
            profile.opt_out(trusted=False)
    return joined


def settle(recorded: Sequence[activities.Recorded], *, changed: set[int], now: datetime) -> None:
    """After all is written: discount machines, mark who must be judged again, then let the bells ring."""
    discounted = activities.discount(recorded, now=now)
    acted = {one.lead_id for one in recorded}
    mark(changed | acted, now=now)
    _ring([one for one in recorded if one.id not in discounted], now=now)
    if acted:
        ids = sorted(acted)
        transaction.on_commit(lambda: _tell(ids), robust=True)


def _tell(lead_ids: list[int]) -> None:
    signals.activities_recorded.send(Lead, lead_ids=lead_ids)


def _ring(recorded: Iterable[activities.Recorded], *, now: datetime) -> None:
    """Let what was done move stages, where a rule speaks of it."""
    rules = lifecycle.active_rules()
    named = {rule.activity for rule in rules}
    of_lead: dict[int, list[activities.Recorded]] = {}
    for one in recorded:
        if one.name in named:
            of_lead.setdefault(one.lead_id, []).append(one)
    for lead in Lead.objects.filter(pk__in=of_lead).order_by("pk") if of_lead else ():
        done = [activities.as_activity(one) for one in of_lead[lead.pk]]
        lifecycle.apply_stage_rules(lead, done, now=now, rules=rules)


def _of_accounts(account_ids: set[int]) -> set[int]:
    """Every lead of these companies: what we learn of a company is learned of all of them."""
    if not account_ids:
        return set()
    rows = bulk.run(
        "SELECT id FROM leads_lead WHERE account_id = ANY(%s) AND merged_into_id IS NULL AND erased_at IS NULL",
        [sorted(account_ids)],
    )
    return {row[0] for row in rows}
