"""What events say of a person, laid over what we knew: empty attributes filled, others overwritten by a server only."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from leads import bulk
from leads.derived import Lists
from leads.history import write_history
from leads.models import Lead, Stage
from leads.wire import Attributes, Event

LENGTHS: Final = {
    "email": 254,
    "first_name": 120,
    "last_name": 120,
    "title": 200,
    "phone": 40,
    "country": 120,
    "source": 120,
    "campaign": 200,
    "seniority": 8,
    "domain_kind": 10,
    "email_permission": 8,
    "phone_permission": 8,
}
# A public key could add one after the other without end.
MAX_TRAITS: Final = 500
NAMED: Final = ("email", "first_name", "last_name", "title", "phone", "country")
UNKNOWN: Final = Lead.Permission.UNKNOWN.value
REFUSED: Final = Lead.Permission.REFUSED.value
# Events that close a channel by their name alone, as the mail tools send them.
OPT_OUTS: Final = frozenset({"unsubscribed", "email unsubscribed", "unsubscribe"})
_COLUMNS: Final = ("id", *LENGTHS, "account_id", "traits")
_LOCK: Final = f"""
SELECT {", ".join(_COLUMNS)}, merged_into_id FROM leads_lead WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608  (names of columns)


@dataclass(frozen=True, slots=True)
class FirstTouch:
    """What first brought a person here; compared by time."""

    at: datetime
    source: str
    campaign: str

    @classmethod
    def of(cls, at: datetime, context: Mapping[str, Any]) -> FirstTouch | None:
        """Read a stored context: the campaign's source, else the site that linked to ours; `None` if neither."""
        campaign, page = context.get("campaign") or {}, context.get("page") or {}
        source = campaign.get("source") or _foreign_host(page.get("referrer"), page.get("url"))
        name = campaign.get("name") or ""
        return cls(at, source, name) if source or name else None


def _foreign_host(referrer: str | None, url: str | None) -> str:
    host = _host(referrer)
    return host if host != _host(url) else ""


def _host(url: str | None) -> str:
    try:
        return (urlsplit(url or "").hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def context_of(event: Event) -> dict[str, Any]:
    """The part of an event's context that is kept: campaign, page, ip, agent and library."""
    origin = event.origin
    kept: dict[str, Any] = {}
    if origin.campaign:
        said = origin.campaign
        parts = {
            "name": said.name,
            "source": said.source,
            "medium": said.medium,
            "term": said.term,
            "content": said.content,
        }
        kept["campaign"] = {key: value for key, value in parts.items() if value}
    page = {k: v for k, v in (("url", origin.page_url), ("referrer", origin.page_referrer)) if v}
    library = {k: v for k, v in (("name", origin.library_name), ("version", origin.library_version)) if v}
    flat = {"page": page, "ip": origin.ip, "user_agent": origin.user_agent, "library": library}
    return kept | {key: value for key, value in flat.items() if value}


@dataclass(slots=True)
class Profile:
    """One lead while a batch is being read."""

    id: int
    values: dict[str, Any]
    is_new: bool = False
    changes: list[tuple[str, Any]] = field(default_factory=list)
    touch: FirstTouch | None = None

    @classmethod
    def blank(cls, lead_id: int) -> Profile:
        """A lead nobody knows anything of yet."""
        values: dict[str, Any] = dict.fromkeys(LENGTHS, "") | {"account_id": None, "traits": {}}
        return cls(lead_id, values | {"email_permission": UNKNOWN, "phone_permission": UNKNOWN}, is_new=True)

    def learn(self, name: str, value: Any, *, trusted: bool) -> None:
        """Take in one attribute with a column; nothing known is no news."""
        if value is None or value == "":
            return
        value = value[: LENGTHS[name]] if name in LENGTHS else value
        old = self.values[name]
        if old == value or (not trusted and old not in (None, "", UNKNOWN)):
            return
        self.values[name] = value
        self.changes.append(("account" if name == "account_id" else name, value))

    def read(self, said: Attributes, *, shown_email: str | None, trusted: bool) -> None:
        """Take in what an identify says; the e-mail only where it names this lead and no other.

        Permission per channel: `email_permission` and `phone_permission`, granted, refused or unknown, or true and
        false; `unsubscribed: true` refuses mail, `false` says nothing. Every other trait is kept as it came.
        """
        for name in NAMED:
            self.learn(name, shown_email if name == "email" else getattr(said, name), trusted=trusted)
        traits = dict(said.traits)
        for name in ("email_permission", "phone_permission"):
            permission = _permission(traits.get(name))
            if permission:
                del traits[name]
                self.learn(name, permission, trusted=trusted)
        if traits.get("unsubscribed") is True:
            self.opt_out(trusted=trusted)
        if "country" in traits and not said.country and isinstance(traits["country"], str):
            self.learn("country", traits.pop("country").strip(), trusted=trusted)
        traits |= {name: value for name, value in (("city", said.city), ("website", said.website)) if value}
        if said.company.name and self.values["account_id"] is None:
            traits["company"] = traits.get("company") or {"name": said.company.name}
        known = self.values["traits"]
        for name, value in traits.items():
            if name not in known and len(known) >= MAX_TRAITS:
                continue
            if name in known and (not trusted or (known[name] == value and type(known[name]) is type(value))):
                continue
            known[name] = value
            self.changes.append((f"trait.{name}", value))

    def opt_out(self, *, trusted: bool) -> None:
        """The person unsubscribed: mail is refused. A browser's word closes a channel nobody has spoken of only."""
        self.learn("email_permission", REFUSED, trusted=trusted)

    def came_by(self, touch: FirstTouch | None) -> None:
        """Remember the earliest of what this batch says about where the person came from."""
        if touch and (self.touch is None or touch.at < self.touch.at):
            self.touch = touch

    def conclude(self, lists: Lists | None) -> None:
        """Settle the first touch, which is never overwritten, and what follows from title and address."""
        if self.touch and not self.values["source"] and not self.values["campaign"]:
            self.learn("source", self.touch.source, trusted=False)
            self.learn("campaign", self.touch.campaign, trusted=False)
        touched = {name for name, _ in self.changes}
        if lists and "title" in touched:
            self._derive("seniority", lists.seniority(self.values["title"]))
        if lists and "email" in touched:
            self._derive("domain_kind", lists.domain_kind(self.values["email"]))

    def _derive(self, name: str, value: str) -> None:
        if self.values[name] != value:
            self.values[name] = value
            self.changes.append((name, value or None))


def _permission(value: Any) -> str | None:
    """A permission as senders write it: its name, or true and false."""
    if isinstance(value, bool):
        return Lead.Permission.GRANTED.value if value else REFUSED
    return value.lower() if isinstance(value, str) and value.lower() in Lead.Permission.values else None


def lock(lead_ids: Iterable[int]) -> tuple[dict[int, Profile], set[int]]:
    """Lock leads in the order of their ids and read them; also which of them are merged away."""
    profiles: dict[int, Profile] = {}
    gone: set[int] = set()
    for lead_id, *values, merged_into in bulk.run(_LOCK, [sorted(lead_ids)]):
        profile = Profile(lead_id, dict(zip(_COLUMNS[1:], values, strict=True)))
        profile.values["traits"] = bulk.from_json(profile.values["traits"])
        profiles[lead_id] = profile
        if merged_into is not None:
            gone.add(lead_id)
    return profiles, gone


def save(profiles: Iterable[Profile], *, now: datetime, origin: str) -> set[int]:
    """Write new and changed leads with their history; the ids of those that changed."""
    changed = sorted((p for p in profiles if p.changes or p.is_new), key=lambda profile: profile.id)
    new = [profile for profile in changed if profile.is_new]
    bulk.insert(
        "leads_lead",
        _columns(new)
        | {
            "public_id": ("uuid", [uuid.uuid4() for _ in new]),
            "stage": ("text", [Stage.SUBSCRIBER.value] * len(new)),
            "stage_at": ("timestamptz", [now] * len(new)),
            "is_test": ("boolean", [False] * len(new)),
            "created_at": ("timestamptz", [now] * len(new)),
        },
    )
    bulk.update("leads_lead", _columns([profile for profile in changed if not profile.is_new]))
    rows = [(profile.id, name, value) for profile in changed for name, value in profile.changes]
    write_history("lead", rows, now=now, origin=origin)
    return {profile.id for profile in changed}


def _columns(profiles: Sequence[Profile]) -> dict[str, tuple[str, list[Any]]]:
    return {
        "id": ("bigint", [profile.id for profile in profiles]),
        **{name: ("text", [profile.values[name] for profile in profiles]) for name in LENGTHS},
        "account_id": ("bigint", [profile.values["account_id"] for profile in profiles]),
        "traits": ("jsonb", [profile.values["traits"] for profile in profiles]),
    }
