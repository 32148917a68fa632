"""Companies: found by our customer's own group id or by domain, locked, made where they are new."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import OperationalError, transaction

from leads import bulk
from leads.derived import Lists
from leads.history import write_history
from leads.wire import Attributes, Company

ATTEMPTS: Final = 5
COLUMNS: Final = ("id", "group_id", "domain", "name", "industry", "employees", "country", "intent", "traits")
# A public key could add one after the other without end.
MAX_TRAITS: Final = 500
TEXTS: Final = {"name": 200, "industry": 120, "country": 120, "intent": 40}
LOCK: Final = f"""
SELECT {", ".join(COLUMNS)} FROM leads_account
 WHERE id = ANY(%s) OR group_id = ANY(%s) OR domain = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608  (names of columns)
NEW: Final = "SELECT nextval(pg_get_serial_sequence('leads_account', 'id')) FROM generate_series(1, %s)"


@dataclass(slots=True)
class CompanyCall:
    """What one event says of a company, and of whom. `said` holds the attributes, `explicit` that it names one.

    `lead_id` is `None` for a group call of a browser nobody has put a name to.
    """

    lead_id: int | None
    group_id: str | None
    domain: str | None
    email: str | None
    said: dict[str, Any]
    traits: Mapping[str, Any]

    @classmethod
    def of(cls, lead_id: int | None, group_id: str | None, attributes: Attributes) -> CompanyCall | None:
        """Read an identify's or a group call's attributes; `None` if they say nothing of a company."""
        company = attributes.company
        said = {
            "name": company.name,
            "industry": company.industry,
            "employees": company.employee_count,
        }
        traits: dict[str, Any] = {}
        if group_id is not None:
            traits = dict(attributes.traits)
            intent = traits.pop("intent", None)
            if isinstance(intent, str):
                said["intent"] = intent.strip()
            elif intent is not None:
                traits["intent"] = intent
            said["country"] = attributes.country
            traits |= {k: v for k, v in (("city", attributes.city), ("website", attributes.website)) if v}
            traits |= {"phone": attributes.phone} if attributes.phone else {}
        elif company == Company() and attributes.email is None:
            return None
        said = {key: value for key, value in said.items() if value is not None and value != ""}
        return cls(lead_id, group_id or company.id, company.domain, attributes.email, said, traits)


@dataclass(slots=True)
class Account:
    """One company while a batch is being read."""

    id: int
    values: dict[str, Any]
    is_new: bool = False
    changes: list[tuple[str, Any]] = field(default_factory=list)

    def learn(self, name: str, value: Any, *, trusted: bool) -> None:
        """Take in one attribute: an empty one is filled, another one overwritten by a server's word only."""
        if name in TEXTS:
            value = value[: TEXTS[name]]
        old = self.values[name]
        if old == value or (old not in (None, "") and not trusted):
            return
        self.values[name] = value
        self.changes.append((name, value))

    def learn_trait(self, name: str, value: Any, *, trusted: bool) -> None:
        """The same for one of the traits that have no column."""
        traits = self.values["traits"]
        if name not in traits and len(traits) >= MAX_TRAITS:
            return
        if name in traits and (not trusted or (traits[name] == value and type(traits[name]) is type(value))):
            return
        traits[name] = value
        self.changes.append((f"trait.{name}", value))


class _Raced(Exception):
    """Another process made one of the same accounts in the meantime."""


@dataclass
class Companies:
    """The accounts of one batch, brought up to date call by call, in memory."""

    trusted: bool
    lists: Lists
    by_id: dict[int, Account] = field(default_factory=dict)
    by_group: dict[str, Account] = field(default_factory=dict)
    by_domain: dict[str, Account] = field(default_factory=dict)
    # Of each lead: its account and its e-mail, as they are by now.
    of_lead: dict[int, tuple[int | None, str]] = field(default_factory=dict)
    new: list[Account] = field(default_factory=list)

    def read(self, call: CompanyCall) -> tuple[Account | None, bool]:
        """The company a call speaks of, and whether the lead belongs to it from now on."""
        present, email = self.of_lead.get(call.lead_id or 0, (None, ""))
        current = self.by_id.get(present) if present is not None else None
        account, moves = self._named(call, current, email)
        if account is None:
            account = current
        else:
            moves = moves and (current is None or (self.trusted and current is not account))
        if account is not None:
            for name, value in call.said.items():
                account.learn(name, value, trusted=self.trusted)
            for name, value in call.traits.items():
                account.learn_trait(name, value, trusted=self.trusted)
        if call.lead_id is not None:
            shown = call.email if call.email and (self.trusted or not email) else email
            self.of_lead[call.lead_id] = (account.id if account and moves else present, shown)
        return account, moves

    def _named(self, call: CompanyCall, current: Account | None, email: str) -> tuple[Account | None, bool]:
        domain = call.domain if call.domain and self.lists.makes_account(call.domain) else None
        if call.group_id:
            return self._grouped(call.group_id, domain, current), True
        if domain:
            return self.by_domain.get(domain) or self._make(None, domain), True
        own = (call.email or "").rpartition("@")[2]
        if not own or not self.lists.makes_account(own):
            return None, False
        # The address alone says less than a group: it places a lead that stands nowhere, or stands by its old address.
        by_address = current is not None and current.values["domain"] == email.rpartition("@")[2]
        if current is not None and not (self.trusted and by_address and current.values["group_id"] is None):
            return None, False
        return self.by_domain.get(own) or self._make(None, own), True

    def _grouped(self, group_id: str, domain: str | None, current: Account | None) -> Account:
        account = self.by_group.get(group_id)
        if account is None:
            # Known by its domain so far: by the one that is named, else, on a server's word, by this lead's address.
            known = self.by_domain.get(domain) if domain else current if self.trusted else None
            if known is None or known.values["group_id"] is not None:
                known = self._make(group_id, domain if known is None else None)
            account = known
            account.values["group_id"] = group_id
            self.by_group[group_id] = account
            account.changes.append(("group_id", group_id))
        if domain and account.values["domain"] is None and domain not in self.by_domain:
            account.learn("domain", domain, trusted=self.trusted)
            self.by_domain[domain] = account
        return account

    def _make(self, group_id: str | None, domain: str | None) -> Account:
        blank: dict[str, Any] = dict.fromkeys(TEXTS, "") | {"employees": None, "traits": {}}
        # Numbered at the end; until then a negative id of its own.
        account = Account(-1 - len(self.new), {**blank, "group_id": group_id, "domain": domain}, is_new=True)
        if domain:
            account.changes.append(("domain", domain))
            self.by_domain[domain] = account
        self.new.append(account)
        self.by_id[account.id] = account
        return account


def settle(
    calls: Sequence[CompanyCall], *, trusted: bool, lists: Lists, now: datetime, origin: str
) -> tuple[list[tuple[int | None, bool]], set[int]]:
    """Lock, make and update the accounts a batch speaks of.

    Returns for each call its account's id and whether the lead belongs to it now, and the ids of accounts whose
    attributes changed. Runs inside the caller's transaction, after the keys and before the leads are locked.
    """
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                return _settle(calls, trusted=trusted, lists=lists, now=now, origin=origin)
        except _Raced:
            continue
    raise OperationalError("The accounts of this batch were made by others again and again.")


def _settle(
    calls: Sequence[CompanyCall], *, trusted: bool, lists: Lists, now: datetime, origin: str
) -> tuple[list[tuple[int | None, bool]], set[int]]:
    companies = Companies(trusted, lists)
    _know(companies, calls)
    read = [companies.read(call) for call in calls]
    _insert(companies.new, now=now)
    changed = [account for account in companies.by_id.values() if account.changes]
    _update([account for account in changed if not account.is_new])
    rows = [(account.id, name, value) for account in changed for name, value in account.changes]
    write_history("account", [row for row in rows if row[1] != "group_id"], now=now, origin=origin)
    return [(account.id if account else None, moves) for account, moves in read], {account.id for account in changed}


def _know(companies: Companies, calls: Sequence[CompanyCall]) -> None:
    leads = sorted({call.lead_id for call in calls if call.lead_id})
    for lead_id, account_id, email in bulk.run(
        "SELECT id, account_id, email FROM leads_lead WHERE id = ANY(%s)", [leads]
    ):
        companies.of_lead[lead_id] = (account_id, email)
    accounts = sorted({account_id for account_id, _ in companies.of_lead.values() if account_id})
    groups = sorted({call.group_id for call in calls if call.group_id})
    domains = sorted(_domains(calls))
    for row in bulk.run(LOCK, [accounts, groups, domains]):
        account = Account(row[0], dict(zip(COLUMNS[1:], row[1:], strict=True)))
        account.values["traits"] = bulk.from_json(account.values["traits"])
        companies.by_id[account.id] = account
        if account.values["group_id"]:
            companies.by_group[account.values["group_id"]] = account
        if account.values["domain"]:
            companies.by_domain[account.values["domain"]] = account


def _domains(calls: Iterable[CompanyCall]) -> set[str]:
    named = {call.domain for call in calls if call.domain}
    return named | {call.email.rpartition("@")[2] for call in calls if call.email}


def _insert(new: Sequence[Account], *, now: datetime) -> None:
    if not new:
        return
    new = sorted(new, key=lambda account: (account.values["domain"] or "", account.values["group_id"] or ""))
    for account, (number,) in zip(new, bulk.run(NEW, [len(new)]), strict=True):
        account.id = number
    rows = bulk.insert(
        "leads_account",
        {
            **_columns(new),
            "public_id": ("uuid", [uuid.uuid4() for _ in new]),
            "created_at": ("timestamptz", [now] * len(new)),
        },
        conflict="DO NOTHING",
        returning="id",
    )
    if len(rows) < len(new):
        raise _Raced


def _update(accounts: Sequence[Account]) -> None:
    bulk.update("leads_account", _columns(accounts))


def _columns(accounts: Sequence[Account]) -> dict[str, tuple[str, list[Any]]]:
    kinds = dict.fromkeys(("group_id", "domain", *TEXTS), "text") | {"employees": "integer"}
    return {
        "id": ("bigint", [account.id for account in accounts]),
        **{name: (kind, [account.values[name] for account in accounts]) for name, kind in kinds.items()},
        "traits": ("jsonb", [account.values["traits"] for account in accounts]),
    }
