"""Which checklist a matter is asked by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.db.models import F, Prefetch, Q

from scoring.models import Episode
from sla.models import Checklist, ChecklistAnswer, ChecklistItem


class Question(NamedTuple):
    """One item with what is known of it so far."""

    item: ChecklistItem
    text: str


def items_for(definition_id: int) -> list[ChecklistItem]:
    """The questions of the definition's own checklist, else of the first in use for any; [] where there is none."""
    in_use = Checklist.objects.filter(Q(definition=definition_id) | Q(definition=None), is_active=True)
    items = Prefetch("items", queryset=ChecklistItem.objects.filter(is_active=True))
    chosen = in_use.order_by(F("definition").asc(nulls_last=True), "position", "pk").prefetch_related(items).first()
    return list(chosen.items.all()) if chosen is not None else []


def questions_of(episode: Episode, typed: Mapping[str, str] | None = None) -> list[Question]:
    """The questions of this matter, each with what was answered last; what somebody has typed and lost comes first."""
    said = dict(ChecklistAnswer.objects.filter(episode=episode).values_list("key", "text")) | dict(typed or {})
    return [Question(item, said.get(item.key, "")) for item in items_for(episode.definition_id)]
