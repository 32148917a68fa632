"""Which column says what: by the names people give their columns, unless they say otherwise."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from leads.importing.decoding import BadFile
from leads.wire import as_email

# Field → the names its column goes by, letters and digits only; the likeliest first.
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "email": ("email", "emailaddress", "mail", "workemail", "businessemail", "primaryemail", "contactemail"),
    "user_id": ("userid", "uid", "customeruserid", "appuserid", "productuserid"),
    "first_name": ("firstname", "givenname", "forename", "contactfirstname"),
    "last_name": ("lastname", "familyname", "surname", "contactlastname"),
    "name": ("fullname", "name", "contactname", "contact", "leadname"),
    "title": ("jobtitle", "title", "position", "jobrole", "role", "contacttitle"),
    "phone": ("phone", "phonenumber", "workphone", "businessphone", "telephone", "mobile", "mobilephone"),
    "country": ("country", "countryregion", "mailingcountry", "billingcountry"),
    "city": ("city", "mailingcity", "town"),
    "website": ("website", "websiteurl", "homepage"),
    "company": ("company", "companyname", "account", "accountname", "organization", "organisation", "employer"),
    "company_domain": ("companydomain", "companydomainname", "domain", "companywebsite", "accountdomain"),
    "company_id": ("companyid", "accountid", "groupid", "organizationid"),
    "industry": ("industry", "companyindustry", "sector"),
    "employees": (
        "employees", "numberofemployees", "employeecount", "noofemployees", "companysize", "headcount", "numemployees",
    ),
    "stage": ("lifecyclestage", "leadstage", "stage", "lifecycle", "funnelstage"),
    "owner": (
        "owner", "leadowner", "contactowner", "owneremail", "leadowneremail", "contactowneremail", "assignedto",
        "salesrep", "rep",
    ),
    "account_owner": ("accountowner", "companyowner", "accountowneremail", "companyowneremail"),
    "email_opt_out": (
        "unsubscribed", "optout", "emailoptout", "optedout", "optedoutofemail", "hasoptedoutofemail",
        "unsubscribedfromallemail", "donotemail", "emailunsubscribed",
    ),
    "phone_opt_out": ("donotcall", "phoneoptout", "optedoutofphone"),
    "email_permission": ("emailpermission", "optin", "emailoptin", "optedin", "emailconsent", "subscribed"),
    "phone_permission": ("phonepermission", "phoneoptin", "phoneconsent"),
    "created": (
        "createddate", "createdate", "created", "createdat", "datecreated", "createdon", "creationdate", "signupdate",
    ),
    "source": ("leadsource", "source", "originalsource", "utmsource", "acquisitionsource"),
    "campaign": ("campaign", "campaignname", "utmcampaign", "originalcampaign"),
    "outcome": (
        "closewonlost", "wonlost", "closedwonlost", "outcome", "dealstage", "opportunitystage", "dealstatus",
        "opportunitystatus", "result",
    ),
    "won": ("closewon", "closedwon", "won", "iswon", "isclosedwon"),
    "lost": ("closelost", "closedlost", "lost", "islost", "isclosedlost"),
    "outcome_date": (
        "closedate", "closeddate", "dateclosed", "closedat", "closedon", "outcomedate", "wondate", "lostdate",
        "closewondate", "closedwondate", "closelostdate", "closedlostdate",
    ),
    "amount": ("amount", "dealamount", "opportunityamount", "dealvalue", "closeamount", "closewonamount", "wonamount"),
    "currency": ("currency", "dealcurrency", "currencycode", "currencyisocode", "amountcurrency"),
}  # fmt: skip
FIELDS: Final = frozenset(NAMES)
TRAIT: Final = "trait"
IGNORE: Final = "ignore"
REPORTED: Final = ("Refused line", "Reason")  # the first columns of a file of refused rows
KEYS: Final = frozenset({"email", "user_id"})
# What the reader of traits takes for a field of its own, whatever the file says.
RESERVED: Final = frozenset(
    {"email", "firstname", "lastname", "name", "phone", "title", "website", "address", "company", "industry"}
    | {"country", "unsubscribed", "emailpermission", "phonepermission", "city", "employees"}
)


@dataclass(frozen=True, slots=True)
class Mapping:
    """For each field the position of its column; for each further column the trait it becomes."""

    fields: dict[str, int]
    traits: dict[int, str]

    def said(self, header: Sequence[str]) -> list[str]:
        """One line per column that is read, for people."""
        named = sorted((place, field) for field, place in self.fields.items())
        return [f"{header[place]} → {field}" for place, field in named]


def plain(name: str) -> str:
    """A column's name without case, blanks and signs."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def map_columns(header: Sequence[str], overrides: Iterable[str] = (), *, needs_key: bool = True) -> Mapping:
    """Find the fields of a header. `overrides` are "Column=field", where `field` may be trait or ignore.

    Of several columns that could be one field, the one with the likeliest name is it and the others become traits.
    Raises BadFile for overrides that name no column or no field, and where neither e-mail nor user id is found, unless
    it is only to be looked at.
    """
    told = _reported(header) | _told(header, overrides)
    fields: dict[str, int] = {}
    for place, field in told.items():
        if field in (TRAIT, IGNORE):
            continue
        if field in fields:
            raise BadFile(f"Two columns are mapped to {field}. Map one of them to trait or ignore.")
        fields[field] = place
    free = {place: plain(name) for place, name in enumerate(header) if place not in told}
    for field, names in NAMES.items():
        found = [(names.index(name), place) for place, name in free.items() if name in names]
        if found and field not in fields:
            fields[field] = min(found)[1]
    if needs_key and not KEYS & set(fields):
        raise BadFile(_no_key(header))
    used = set(fields.values())
    rest = [place for place in range(len(header)) if place not in used and told.get(place) != IGNORE]
    return Mapping(fields, _traits(header, rest))


def _reported(header: Sequence[str]) -> dict[int, str]:
    """A file of refused rows that comes back corrected: why they were refused is left out."""
    is_report = tuple(header[: len(REPORTED)]) == REPORTED
    return dict.fromkeys(range(len(REPORTED)), IGNORE) if is_report else {}


def _told(header: Sequence[str], overrides: Iterable[str]) -> dict[int, str]:
    told: dict[int, str] = {}
    exact = {name: place for place, name in reversed(list(enumerate(header)))}
    loose = {plain(name): place for place, name in reversed(list(enumerate(header)))}
    for override in overrides:
        column, sign, field = override.rpartition("=")
        column, field = " ".join(column.split()), field.strip().lower().replace("-", "_").replace(" ", "_")
        if not sign or not column:
            raise BadFile(f'"{override}" is no mapping. Write it as "Column=field", such as "Work mail=email".')
        place = exact.get(column, loose.get(plain(column)))
        if place is None:
            raise BadFile(f'There is no column "{column}". The file has: {_listed(header)}.')
        if field not in FIELDS | {TRAIT, IGNORE}:
            raise BadFile(f'"{field}" is no field. Choose one of {", ".join([*NAMES, TRAIT, IGNORE])}.')
        told[place] = field
    return told


def _no_key(header: Sequence[str]) -> str:
    if any(as_email(cell) for cell in header):
        return "The first line holds an address, not the names of columns. Add a header line, such as: email,first name"
    return (
        "No column holds an e-mail or a user id, so no row can be told apart. "
        f"Map the column that holds it to email or user id. The file has: {_listed(header)}."
    )


def _listed(header: Sequence[str], most: int = 20) -> str:
    names = [name[:40] or "(no name)" for name in header]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def inert(cell: str) -> str:
    """A cell's text. What looks like a formula is text like any other; a defused one gets its own first sign back."""
    text = cell.strip()
    own = text[1:].strip()
    return own if text[:1] == "'" and own[:1] in ("=", "+", "-", "@") else text


def _traits(header: Sequence[str], places: Iterable[int]) -> dict[int, str]:
    """A name of its own for every further column; one without a name is left out."""
    traits: dict[int, str] = {}
    taken: set[str] = set()
    for place in places:
        name = inert(header[place])[:90]
        if not name:
            continue
        name = f"{name} (file)" if plain(name) in RESERVED else name
        number, base = 2, name
        while name in taken:
            name, number = f"{base} ({number})", number + 1
        taken.add(name)
        traits[place] = name
    return traits
