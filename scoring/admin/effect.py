"""What publishing a definition would do, judged on click."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from django.urls import reverse

from leads import clock
from leads.admin.roles import Named
from leads.models import Lead
from leads.words import points
from scoring import judging
from scoring.models import DefinitionVersion

SHOWN: Final = 12


class Effect(NamedTuple):
    """In sentences with their numbers, and by name: of whoever would come and go, those with the most points."""

    sentences: list[str]
    people: dict[str, list[Named]]


def effect(version: DefinitionVersion) -> Effect:
    """What publishing would do, judged at this moment."""
    now = clock.now()
    after, many = judging.meeting(version, as_of=now)
    told = [f"Of {many} leads, {len(after)} would meet this version now."]
    people = {}
    former = version.definition.versions.filter(state=DefinitionVersion.State.PUBLISHED).first()
    if former is not None:
        before, _ = judging.meeting(former, as_of=now)
        gained, lost = after.keys() - before.keys(), before.keys() - after.keys()
        told[0] += f" {len(before)} meet version {former.number}, which it retires:"
        told[0] += f" {len(gained)} are gained, {len(lost)} lost."
        people = {"Gained": _named(gained, after), "Lost": _named(lost, before)}
    told.append("Who newly meets it by what they did before stands in a list until somebody releases them.")
    told.append("Open episodes keep the version they opened under. A published version never changes.")
    return Effect(told, people)


def _named(ids: Collection[int], totals: Mapping[int, int]) -> list[Named]:
    first = sorted(ids, key=lambda lead_id: (-totals[lead_id], lead_id))[:SHOWN]
    leads = Lead.objects.select_related("account").in_bulk(first)
    found = [
        Named(leads[each].name, reverse("lead", args=[leads[each].public_id]), _beside(leads[each], totals[each]))
        for each in first
    ]
    more = len(ids) - len(first)
    return [*found, *([Named(f"and {more} more", "", "")] if more else [])]


def _beside(lead: Lead, total: int) -> str:
    return ", ".join(filter(None, [str(lead.account or ""), f"{points(total)} points", lead.get_stage_display()]))
