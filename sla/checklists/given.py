"""Answers to a checklist as they are given, and as a conversion takes them along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from leads.errors import Invalid
from scoring.models import Episode
from sla.checklists.choosing import items_for
from sla.models import ChecklistAnswer

LONGEST: Final = 500


def known(episode: Episode) -> dict[str, str]:
    """What was answered so far, by the key of the question."""
    return dict(ChecklistAnswer.objects.filter(episode=episode).order_by("key").values_list("key", "text"))


def taken_along(episode: Episode, answers: Mapping[str, Any]) -> dict[str, str]:
    """What a conversion keeps: all that is known, and on top what is said with it. Raises Invalid."""
    together = known(episode) | given(answers, episode)
    return {key: text for key, text in together.items() if text}


def given(answers: Mapping[str, Any], episode: Episode) -> dict[str, str]:
    """Answers as they are kept; an empty one stays in, as the wish to take it back. Raises Invalid."""
    asked = {item.key: item.label for item in items_for(episode.definition_id)}
    if not isinstance(answers, Mapping) or set(answers) - set(asked):
        raise Invalid(f"The checklist asks for {', '.join(asked) or 'nothing'}.", field="bant")
    kept = {}
    for key, value in answers.items():
        if not isinstance(value, str) or len(value) > LONGEST:
            raise Invalid(f"{asked[key]} is a text of at most {LONGEST} characters.", field="bant")
        kept[key] = value.replace("\x00", "").strip()
    return kept
