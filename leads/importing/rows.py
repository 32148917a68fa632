"""One row of a file, understood: who, what of them, where they stand and what became of it; or why it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, TypeVar

from leads.importing import values
from leads.importing.mapping import Mapping, inert
from leads.importing.reading import Record
from leads.models import Lead, Outcome, Stage
from leads.wire import as_email
from leads.wire.refusals import Refusal
from leads.wire.texts import as_count, as_id

T = TypeVar("T")
REFUSED: Final = Lead.Permission.REFUSED
PLAIN: Final = {
    "first_name": "firstName",
    "last_name": "lastName",
    "name": "name",
    "title": "title",
    "phone": "phone",
    "website": "website",
}
OF_COMPANY: Final = {"company": "name", "company_domain": "domain", "company_id": "id", "industry": "industry"}


@dataclass(frozen=True, slots=True)
class Deal:
    """What became of a deal; without `at`, the moment is that of the import."""

    kind: str
    at: datetime | None
    amount: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `traits` are the attributes as an identify call has them; empty cells say nothing."""

    line: int
    raw: str
    user_id: str | None
    email: str | None
    traits: dict[str, Any]
    permissions: dict[str, Lead.Permission]
    source: str
    campaign: str
    stage: Stage | None
    owner: str
    account_owner: str
    created_at: datetime | None
    deal: Deal | None
    fingerprint: str


@dataclass(frozen=True)
class Reader:
    """How the rows of one file are read: their columns, and what their dates and clocks mean."""

    header: tuple[str, ...]
    mapping: Mapping
    zone: tzinfo
    day_first: bool | None

    def read(self, record: Record, *, now: datetime) -> Row:
        """Understand one record. Raises Refusal with the reason, which repeats nothing personal."""
        if record.refusal is not None:
            raise record.refusal
        cells = {field: inert(record.cells[place]) for field, place in self.mapping.fields.items()}
        user_id, email = self._who(cells)
        return Row(
            line=record.line,
            raw=record.raw,
            user_id=user_id,
            email=email,
            traits=self._traits(record, cells, email),
            permissions=self._permissions(cells),
            source=cells.get("source", ""),
            campaign=cells.get("campaign", ""),
            stage=self._one(cells, "stage", values.stage),
            owner=self._address(cells, "owner"),
            account_owner=self._address(cells, "account_owner"),
            created_at=self._created(cells, now=now),
            deal=self._deal(cells, now=now),
            fingerprint=blake2b("\x1f".join(record.cells).encode(), digest_size=16).hexdigest(),
        )

    def _who(self, cells: dict[str, str]) -> tuple[str | None, str | None]:
        user_id = as_id(cells.get("user_id", ""), name="user_id")
        said = cells.get("email", "")
        email = as_email(said) if said else None
        if said and email is None:
            raise Refusal("bad_email", f'"{self._column("email")}" holds no e-mail address.')
        if user_id is None and email is None:
            raise Refusal("no_key", "The row has neither an e-mail nor a user id.")
        return user_id, email

    def _traits(self, record: Record, cells: dict[str, str], email: str | None) -> dict[str, Any]:
        traits: dict[str, Any] = {}
        for place, name in self.mapping.traits.items():
            text = inert(record.cells[place])
            if text:
                traits[name] = text
        traits |= {name: cells[field] for field, name in PLAIN.items() if cells.get(field)}
        company: dict[str, Any] = {name: cells[field] for field, name in OF_COMPANY.items() if cells.get(field)}
        if cells.get("employees"):
            count = as_count(cells["employees"].removesuffix(".0"))
            # A range such as 51-200 is no number: kept as it was written.
            (traits if count is None else company)["employees"] = cells["employees"] if count is None else count
        address = {field: cells[field] for field in ("country", "city") if cells.get(field)}
        said: dict[str, Any] = {"email": email, "company": company, "address": address}
        return traits | {name: value for name, value in said.items() if value}

    def _permissions(self, cells: dict[str, str]) -> dict[str, Lead.Permission]:
        """Per channel; an opt-out outweighs what the same row says of a permission."""
        found: dict[str, Lead.Permission] = {}
        for channel in ("email", "phone"):
            name = f"{channel}_permission"
            said = self._one(cells, name, values.permission)
            if self._one(cells, f"{channel}_opt_out", values.yes_or_no):
                said = REFUSED
            if said in (REFUSED, Lead.Permission.GRANTED):
                found[name] = said
        return found

    def _created(self, cells: dict[str, str], *, now: datetime) -> datetime | None:
        at = self._moment(cells, "created")
        if at is not None and at > now:
            raise Refusal("bad_date", f'"{self._column("created")}" lies in the future.')
        return at

    def _deal(self, cells: dict[str, str], *, now: datetime) -> Deal | None:
        kind = self._one(cells, "outcome", values.deal)
        for field, means in (("won", Outcome.Kind.WON), ("lost", Outcome.Kind.LOST)):
            if self._one(cells, field, values.yes_or_no):
                if kind is not None and kind not in (means, Outcome.Kind.OPENED):
                    raise Refusal("contradiction", "The row says both won and lost.")
                kind = means
        number, currency = self._one(cells, "amount", values.amount) or (None, "")
        at = self._moment(cells, "outcome_date")
        if kind is None and number is None:
            return None
        kind = kind or Outcome.Kind.AMOUNT
        if at is not None and at > now:
            # Of an open deal the close date is a plan.
            if kind in (Outcome.Kind.WON, Outcome.Kind.LOST):
                raise Refusal("bad_date", f'"{self._column("outcome_date")}" lies in the future.')
            at = None
        currency = cells.get("currency", "").upper() or currency
        if number is not None and currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise Refusal("bad_currency", "A currency is its three-letter code, such as USD.")
        if number is not None and number >= Decimal(10) ** 12:
            raise Refusal("bad_amount", "An amount is below 1,000,000,000,000.")
        return Deal(kind, at, number, currency)

    def _moment(self, cells: dict[str, str], field: str) -> datetime | None:
        text = cells.get(field, "")
        if not text:
            return None
        return values.moment(text, column=self._column(field), zone=self.zone, day_first=self.day_first)

    def _address(self, cells: dict[str, str], field: str) -> str:
        said = cells.get(field, "")
        found = as_email(said) if said else ""
        if found is None:
            column = self._column(field)
            sentence = f'"{column}" holds no user\'s e-mail. To keep it as text, map the column to a trait.'
            raise Refusal("bad_owner", sentence)
        return found

    def _one(self, cells: dict[str, str], field: str, read: Callable[..., T]) -> T | None:
        text = cells.get(field, "")
        return read(text, column=self._column(field)) if text else None

    def _column(self, field: str) -> str:
        return self.header[self.mapping.fields[field]][:60]
