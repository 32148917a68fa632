"""Leads on paper: attributes that somebody typed or posted, read into a lead and an episode that are never saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from leads.errors import Invalid
from leads.models import Account, Lead, Stage
from scoring.models import Definition, DefinitionVersion, Episode, Lane, OpenedBy, Phase, Tier
from scoring.qualification import SIGNALS_FROM
from sla import matching

TRAITS: Final = {"trait.": "lead", "account_trait.": "account"}
CHOICES: Final = {
    "lead.seniority": Lead.Seniority.values,
    "lead.domain_kind": Lead.DomainKind.values,
    "lead.stage": Stage.values,
    "episode.tier": Tier.values,
    "episode.lane": Lane.values,
    "episode.opened_by": OpenedBy.values,
}
LONGEST: Final = 16_000
YEARS: Final = (2000, 2099)


@dataclass(frozen=True)
class Asked:
    """A lead and its episode, stored or on paper, and the instant asked for."""

    lead: Lead
    episode: Episode
    at: datetime


def asked_of(lead: Lead, *, at: datetime, given: Mapping[str, Any] | None = None) -> Asked:
    """A stored lead, in its open episode; where it has none, in one on paper (warm, unless `given` says otherwise)."""
    standing = Episode.objects.filter(members__lead=lead, members__left_at=None, closed_at=None)
    episode = standing.select_related("definition").first()
    if episode is None or given:
        episode = _episode(lead, _checked(given or {}), at=at)
    episode.lead = lead
    return Asked(lead, episode, at)


def on_paper(attributes: Any, *, at: datetime) -> Asked:
    """A lead of nothing but attributes: {"lead.country": "France", "account.employees": 40, "trait.plan": "pro"}.

    Raises Invalid naming what it does not know, with the way out.
    """
    given = _checked(attributes)
    lead, account = Lead(stage=Stage.LEAD, stage_at=at, created_at=at), None
    for name, value in given.items():
        floor, _, attribute = name.partition(".")
        if floor in ("account", "account_trait"):
            account = account or Account()
        if floor in ("trait", "account_trait"):
            _place(lead.traits if floor == "trait" or account is None else account.traits, attribute, value)
        elif floor in ("lead", "account"):
            setattr(lead if floor == "lead" else account, attribute, value)
    if account is not None:
        lead.account = account
    return Asked(lead, _episode(lead, given, at=at), at)


def read_instant(text: str, *, now: datetime, zone: str) -> datetime:
    """The instant that was typed, by the wall clock of `zone` where it names no offset; now where nothing was typed."""
    if not text.strip():
        return now
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(
            f"at: “{text[:40]}” is no instant. Write 2026-03-10T15:00 or leave it empty.", field="at"
        ) from None
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise Invalid(f"at: give a year from {YEARS[0]} to {YEARS[1]}.", field="at")
    return at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))


def _checked(attributes: Any) -> dict[str, Any]:
    if isinstance(attributes, str):
        attributes = _parsed(attributes)
    if not isinstance(attributes, Mapping):
        raise Invalid('attributes: give an object such as {"lead.country": "France"}.', field="attributes")
    return {str(name): _one(str(name), value) for name, value in attributes.items() if value not in ("", None)}


def read_attributes(text: str) -> dict[str, Any]:
    """The attributes that were typed as JSON; raises Invalid for anything but an object."""
    return _checked(text)


def _parsed(text: str) -> Any:
    if len(text) > LONGEST:
        raise Invalid(f"attributes: at most {LONGEST} characters.", field="attributes")
    try:
        return json.loads(text or "{}")
    except ValueError as error:
        raise Invalid(f"attributes: this is not JSON: {error}.", field="attributes") from None


def _one(name: str, value: Any) -> Any:
    known = name in matching.FIELDS or any(name.startswith(prefix) and name != prefix for prefix in TRAITS)
    if not known or name.endswith(".*"):
        told = f"attributes: there is no “{name[:80]}”. There are {', '.join(matching.FIELDS)}."
        raise Invalid(told, field="attributes")
    if name in CHOICES and value not in CHOICES[name]:
        raise Invalid(f"{name}: give one of {', '.join(CHOICES[name])}.", field=name)
    if name.partition(".")[0] in ("trait", "account_trait"):
        return value
    if name == "account.employees":
        if isinstance(value, bool) or not str(value).isdecimal() or len(str(value)) > 9:
            raise Invalid("account.employees: give a whole number.", field=name)
        return int(value)
    if not isinstance(value, str):
        raise Invalid(f"{name}: give a text.", field=name)
    return value.replace("\x00", "")[:200]


def _place(traits: dict[str, Any], path: str, value: Any) -> None:
    """“order.total” is a path: it stands in an object of that name."""
    *outer, last = path.split(".")
    for part in outer:
        inner = traits.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Invalid(f"trait.{path}: “{part}” has a value of its own already.", field="attributes")
        traits = inner
    traits[last] = value


def _episode(lead: Lead, given: Mapping[str, Any], *, at: datetime) -> Episode:
    version = _version(given.get("episode.definition"))
    # Somebody who is known already comes again by a raised hand alone, and that is a signal.
    known = lead.stage in SIGNALS_FROM
    lane = Lane.SIGNAL if known else given.get("episode.lane", Lane.NORMAL)
    raised = lane != Lane.NORMAL
    opened_by = OpenedBy.SIGNAL if known else OpenedBy.HAND_RAISE if raised else OpenedBy.EVIDENCE
    return Episode(
        lead=lead,
        account=lead.account if lead.account_id is not None else None,
        definition=version.definition,
        version=version,
        tier=given.get("episode.tier", Tier.HOT if raised else Tier.WARM),
        lane=lane,
        opened_by=opened_by if known else given.get("episode.opened_by", opened_by),
        opened_at=at,
        stage_before=lead.stage,
        phase=Phase.WAITING,
        waiting_since=at,
    )


def _version(name: str | None) -> DefinitionVersion:
    published = DefinitionVersion.objects.filter(state=DefinitionVersion.State.PUBLISHED).select_related("definition")
    published = published.order_by("definition__position", "definition_id")
    found = published.filter(definition__name=name).first() if name else published.first()
    if found is not None:
        return found
    if name:
        names = ", ".join(Definition.objects.order_by("position", "pk").values_list("name", flat=True)[:20])
        raise Invalid(f"episode.definition: none of that name is published. There are {names}.", field="attributes")
    raise Invalid("No definition is published yet, so no lead goes anywhere. Publish one first.", field="definition")
