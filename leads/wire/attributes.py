"""Traits as plain attribute values: the reserved ones typed, the rest as they came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from leads.wire.contacts import (
    MAX_EMAIL_LENGTH,
    MAX_PHONE_LENGTH,
    MAX_URL_LENGTH,
    as_domain,
    as_email,
    as_phone,
    as_website,
)
from leads.wire.refusals import Refusal
from leads.wire.scan import Ignored
from leads.wire.texts import as_count, as_id, as_name, as_text, cut

MAX_TEXT_LENGTH: Final = 200
MAX_TRAIT_LENGTH: Final = 2_000
MAX_TRAIT_NAME_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Company:
    id: str | None = None
    name: str | None = None
    domain: str | None = None
    industry: str | None = None
    employee_count: int | None = None


@dataclass(frozen=True, slots=True)
class Attributes:
    """What traits say of a person (or, of a group, of a company); `None` is unknown.

    `traits` holds everything without a field here. `ignored` names what was unusable and left out, with a code:
    wrong_type, invalid, too_long. `shortened` names texts that were cut.
    """

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    title: str | None = None
    website: str | None = None
    country: str | None = None
    city: str | None = None
    company: Company = field(default_factory=Company)
    traits: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[Ignored, ...] = ()
    shortened: tuple[str, ...] = ()


class _Reader:
    """Takes known keys out of a mapping, one by one, and keeps a record of what it could not use."""

    def __init__(self, sent: Mapping[str, Any], prefix: str = "", record: "_Reader | None" = None) -> None:
        self.left = {key: value for key, value in sent.items() if value is not None}
        self.prefix = prefix
        self.ignored: list[Ignored] = record.ignored if record else []
        self.shortened: list[str] = record.shortened if record else []

    def take(self, *keys: str) -> tuple[str, Any]:
        """The first of the keys that holds something; the others, being synonyms, are dropped."""
        name, found = keys[0], None
        for key in keys:
            value = self.left.pop(key, None)
            if found is None and value is not None and value != "":
                name, found = key, value
        return self.prefix + name, found

    def ignore(self, name: str, code: str) -> None:
        self.ignored.append(Ignored(name, code))

    def text(self, *keys: str, length: int = MAX_TEXT_LENGTH) -> str | None:
        name, value = self.take(*keys)
        if value is None:
            return None
        text = as_name(as_text(value))
        if text is None:
            if not isinstance(value, str):
                self.ignore(name, "wrong_type")
            return None
        text, lost = cut(text, length)
        if lost:
            self.shortened.append(name)
        return text

    def checked(self, *keys: str, by: Any, length: int) -> Any:
        """A value that is worthless when cut: used whole, or ignored."""
        name, value = self.take(*keys)
        text = as_text(value)
        if text is None:
            if value is not None and not isinstance(value, str):
                self.ignore(name, "wrong_type")
            return None
        found = by(text) if len(text) <= length else None
        if found is None:
            self.ignore(name, "invalid" if len(text) <= length else "too_long")
        return found

    def inner(self, key: str) -> "_Reader | None":
        """A reader of the object under `key`; it keeps its record here."""
        value = self.left.get(key)
        if not isinstance(value, dict):
            return None
        del self.left[key]
        return _Reader(value, f"{self.prefix}{key}.", self)

    def rest(self) -> dict[str, Any]:
        """What nobody took, with over-long names left out and over-long texts cut."""
        kept: dict[str, Any] = {}
        for key, value in self.left.items():
            if len(key) > MAX_TRAIT_NAME_LENGTH:
                self.ignore(self.prefix + key[:MAX_TRAIT_NAME_LENGTH], "too_long")
                continue
            if isinstance(value, str) and len(value) > MAX_TRAIT_LENGTH:
                self.shortened.append(self.prefix + key)
                value = value[:MAX_TRAIT_LENGTH]
            kept[key] = value
        return kept


def attributes_of(traits: Mapping[str, Any]) -> Attributes:
    """Read a person's traits. Never refuses: what cannot be used is named in `ignored`.

    `company` may be an object or the company's name. `name` is split at its first blank (or its comma, family name
    first) and fills whichever of the two names is not given. Null and empty texts are unknown. What an object under
    `company` or `address` says beyond the known fields stays in `traits` under that key.
    """
    reader = _Reader(traits)
    first = reader.text("firstName", "first_name")
    last = reader.text("lastName", "last_name")
    split_first, split_last = _split_name(reader.text("name"))
    found: dict[str, Any] = {
        "email": reader.checked("email", by=as_email, length=MAX_EMAIL_LENGTH),
        "first_name": first or split_first,
        "last_name": last or split_last,
        "phone": reader.checked("phone", by=as_phone, length=MAX_PHONE_LENGTH),
        "title": reader.text("title"),
        "website": reader.checked("website", by=as_website, length=MAX_URL_LENGTH),
    }
    leftovers: dict[str, Any] = {}
    found["country"], found["city"] = _address(reader, leftovers)
    company = reader.inner("company")
    if company is None:
        found["company"] = Company(name=reader.text("company"), industry=reader.text("industry"))
    else:
        found["company"] = _company(company)
        leftovers["company"] = company.rest()
    return _attributes(reader, leftovers, found)


def company_attributes_of(traits: Mapping[str, Any]) -> Attributes:
    """Read the traits of a group call: the company itself, its phone, website and address; no person."""
    reader = _Reader(traits)
    leftovers: dict[str, Any] = {}
    country, city = _address(reader, leftovers)
    found: dict[str, Any] = {
        "company": _company(reader),
        "phone": reader.checked("phone", by=as_phone, length=MAX_PHONE_LENGTH),
        "website": reader.checked("website", by=as_website, length=MAX_URL_LENGTH),
        "country": country,
        "city": city,
    }
    return _attributes(reader, leftovers, found)


def _attributes(reader: _Reader, leftovers: Mapping[str, Any], found: dict[str, Any]) -> Attributes:
    rest = {**reader.rest(), **{key: value for key, value in leftovers.items() if value}}
    return Attributes(**found, traits=rest, ignored=tuple(reader.ignored), shortened=tuple(reader.shortened))


def _address(reader: _Reader, leftovers: dict[str, Any]) -> tuple[str | None, str | None]:
    address = reader.inner("address")
    if address is None:
        return None, None
    found = address.text("country"), address.text("city")
    leftovers["address"] = address.rest()
    return found


def _company(reader: _Reader) -> Company:
    name, value = reader.take("employee_count", "employeeCount", "employees")
    count = as_count(value)
    if count is None and value is not None:
        reader.ignore(name, "invalid" if isinstance(value, str | int | float) else "wrong_type")
    return Company(
        id=_company_id(reader),
        name=reader.text("name"),
        domain=reader.checked("domain", by=as_domain, length=MAX_URL_LENGTH),
        industry=reader.text("industry"),
        employee_count=count,
    )


def _company_id(reader: _Reader) -> str | None:
    name, value = reader.take("id")
    try:
        return as_id(value, name="id")
    except Refusal as refusal:
        reader.ignore(name, "too_long" if refusal.code == "id_too_long" else "wrong_type")
        return None


def _split_name(name: str | None) -> tuple[str | None, str | None]:
    if name is None:
        return None, None
    if "," in name:
        last, _, first = name.partition(",")
    else:
        first, _, last = name.partition(" ")
    return first.strip() or None, last.strip() or None
