"""What a posted form says: fields known by the names people give them, everything else a trait. Pure.

Nothing here is trusted: it is typed by anybody, or by a machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from leads.importing.mapping import NAMES, plain
from leads.wire import as_email
from leads.wire.contacts import as_phone
from leads.wire.texts import as_id

MAX_FIELDS: Final = 40
MAX_NAME: Final = 100
MAX_TEXT: Final = 2_000
MAX_MESSAGE: Final = 5_000
# Hidden from people; machines that fill in everything fill it in.
HONEYPOT: Final = "fax_number"
TOKEN, NEXT, BROWSER, PAGE, REFERRER = "_token", "_next", "_browser", "_page", "_referrer"  # noqa: S105
_SKIPPED: Final = frozenset({"csrfmiddlewaretoken", "submit"})
_PERSON: Final = ("email", "first_name", "last_name", "name", "title", "phone", "country", "city", "website")
_COMPANY: Final = {"company": "name", "industry": "industry", "employees": "employee_count"}
_MORE: Final = {
    "email": ("youremail",),
    "name": ("yourname",),
    "first_name": ("fname", "yourfirstname"),
    "last_name": ("lname", "yourlastname"),
    "phone": ("tel", "yourphone"),
    "message": ("message", "comments", "comment", "question", "notes", "yourmessage", "howcanwehelp"),
    "email_permission": ("consent", "marketingconsent", "newsletter"),
    "phone_permission": ("phonepermission", "phoneoptin", "phoneconsent", "callconsent"),
}
_PERMISSIONS: Final = ("email_permission", "phone_permission")
_FIELDS: Final = (*_PERSON, *_COMPANY, "message", *_PERMISSIONS)
_FIELD_OF: Final = {name: each for each in _FIELDS for name in (*NAMES.get(each, ()), *_MORE.get(each, ()))}
_CAMPAIGN: Final = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
}
_YES: Final = frozenset({"on", "yes", "true", "1", "y", "granted"})
_NO: Final = frozenset({"off", "no", "false", "0", "n", "refused"})


@dataclass(frozen=True, slots=True)
class Sent:
    """One posted form, read. `errors` names fields as the form does, each with what to do about it.

    `onwards` is where the form asks to go afterwards, wherever that is.
    """

    email: str
    traits: Mapping[str, Any]
    message: str
    campaign: Mapping[str, str]
    page: Mapping[str, str]
    browser: str
    onwards: str
    fields: Sequence[tuple[str, str]]
    errors: Mapping[str, str]
    is_bot: bool


@dataclass
class _Said:
    person: dict[str, Any] = field(default_factory=dict)
    company: dict[str, Any] = field(default_factory=dict)
    traits: dict[str, str] = field(default_factory=dict)
    campaign: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def read(posted: Mapping[str, Sequence[str]], *, came_from: str = "") -> Sent:
    """Read a form. `came_from` is the page it was sent from, as the browser says: it may name a campaign, too.

    Several values of one name are put together; of a permission the one that counts is taken. Names with a leading
    underscore are Baton's own. An e-mail address is needed; an odd phone number is kept as text rather than lost.
    """
    own = {name: _clean(values[0] if values else "") for name, values in posted.items() if name.startswith("_")}
    fields = [
        (_clean(name), _clean(_joined(name, values), lines=True))
        for name, values in posted.items()
        if not name.startswith("_") and name not in _SKIPPED and name != HONEYPOT
    ]
    said = _Said()
    if len(fields) > MAX_FIELDS:
        said.errors[""] = f"A form may have {MAX_FIELDS} fields; this one has {len(fields)}."
    for name, value in fields[:MAX_FIELDS]:
        if value:
            _hear(said, name, value)
    _check_email(said, [name for name, _ in fields])
    page = own.get(PAGE) or came_from
    found = {"url": page[:MAX_TEXT], "referrer": own.get(REFERRER, "")[:MAX_TEXT]}
    message = said.person.pop("message", "")
    return Sent(
        email=said.person.get("email", ""),
        traits={**said.traits, **said.person, **({"company": said.company} if said.company else {})},
        message=message,
        campaign=said.campaign or _campaign_of(page),
        page={key: value for key, value in found.items() if value},
        browser=as_id(own.get(BROWSER, "")[:MAX_NAME], name="anonymous_id") or "",
        onwards=own.get(NEXT, ""),
        fields=fields,
        errors=said.errors,
        is_bot=any(value.strip() for value in posted.get(HONEYPOT, ())),
    )


def _joined(name: str, values: Sequence[str]) -> str:
    """What was given under one name. Of a permission any yes counts, else any no: many forms send a hidden "0" beside
    the "1" of their box."""
    if _FIELD_OF.get(plain(name)) in _PERMISSIONS:
        for words in (_YES, _NO):
            for each in values:
                if each.strip().lower() in words:
                    return each
    return ", ".join(each for each in values if each.strip())


def _hear(said: _Said, name: str, value: str) -> None:
    known = _FIELD_OF.get(plain(name))
    most = MAX_MESSAGE if known == "message" else MAX_TEXT
    if len(value) > most:
        said.errors[name] = f"{_shown(name)} is longer than {most:,} characters. Shorten it."
    elif len(name) > MAX_NAME or not name:
        said.errors[""] = "The form has a field with an impossible name."
    elif name.lower() in _CAMPAIGN:
        said.campaign[_CAMPAIGN[name.lower()]] = value
    elif known in _PERMISSIONS:
        _permit(said, known, value)
    elif known in _COMPANY:
        said.company.setdefault(_COMPANY[known], value)
    elif known == "phone" and as_phone(value) is None:
        said.traits["phone as typed"] = value
    elif known is not None:
        said.person.setdefault(known, value if known == "message" else " ".join(value.split()))
    else:
        said.traits[name] = value


def _permit(said: _Said, channel: str, value: str) -> None:
    """A box that was ticked grants; a plain no refuses. Other words are neither."""
    word = value.lower()
    if word in _YES or word in _NO:
        said.person[channel] = "granted" if word in _YES else "refused"


def _check_email(said: _Said, names: Sequence[str]) -> None:
    """Put the address into its plain form, or say what is wrong with it at the field the form has for it."""
    at = next((name for name in names if _FIELD_OF.get(plain(name)) == "email"), "email")
    given = said.person.get("email")
    if at in said.errors:
        return
    if not given:
        said.errors[at] = "Give your e-mail address, so that we can answer."
        return
    said.person["email"] = as_email(given) or ""
    if not said.person["email"]:
        said.errors[at] = "This is no e-mail address. Write it such as name@example.com."


def _campaign_of(page: str) -> dict[str, str]:
    """The campaign in the address of a page."""
    try:
        asked = parse_qs(urlsplit(page).query, max_num_fields=100)
    except ValueError:
        return {}
    return {_CAMPAIGN[name]: _clean(values[0])[:255] for name, values in asked.items() if name in _CAMPAIGN}


def _shown(name: str) -> str:
    return f"“{name[:40]}”"


def _clean(text: str, *, lines: bool = False) -> str:
    """Without what no text holds: NUL and other controls, save line ends and tabs where they may stand."""
    kept = "".join(sign for sign in text if sign >= " " and sign != "\x7f" or (lines and sign in "\n\t"))
    return kept.strip()
