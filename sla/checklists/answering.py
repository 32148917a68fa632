"""Answering a question of the checklist while the matter is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leads.models import User
from leads.transactions import business
from sla.checklists.given import given, known
from sla.handoffs import moves
from sla.models import OPEN_STATES, ChecklistAnswer, Handoff


@business
def answer(
    handoff_id: int, answers: Mapping[str, Any], *, by: User | None, now: datetime, performed_by: User | None = None
) -> Handoff:
    """Keep what is known: a text replaces what was said before, an empty one takes it back, what isn't named stays.

    Raises Invalid for a question that is not asked or a text that is too long, NotYours, AlreadyDecided.
    """
    matter = moves.take(handoff_id, by=by, now=now, performed_by=performed_by)
    matter.expect(*OPEN_STATES, seen_version=None)
    told = given(answers, matter.episode)
    who = performed_by or by
    known_before = ChecklistAnswer.objects.filter(episode=matter.episode)
    known_before.filter(key__in=[key for key, text in told.items() if not text]).delete()
    said = known(matter.episode)
    ChecklistAnswer.objects.bulk_create(
        [
            ChecklistAnswer(episode=matter.episode, key=key, text=text, by=who, at=matter.now)
            for key, text in told.items()
            if text and said.get(key) != text
        ],
        update_conflicts=True,
        unique_fields=["episode", "key"],
        update_fields=["text", "by", "at"],
    )
    return matter.handoff
