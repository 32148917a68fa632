"""Which part of a condition does not hold for a lead, beside what the lead says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from leads.conditions import ConditionError, sentence
from leads.models import Lead
from scoring.models import Episode
from sla import matching

Condition = dict[str, Any]


def why_not(episode: Episode, lead: Lead, conditions: Sequence[Condition]) -> list[list[str]]:
    """For each condition the parts that stand in its way, in words; none of one that holds. One question for all."""
    parts = [part for condition in conditions for part in _parts(condition)]
    holds = dict(zip(map(id, parts), matching.which_hold(episode, lead, parts), strict=True))
    return [_failing(condition, holds, episode, lead) for condition in conditions]


def _parts(condition: Condition) -> Iterator[Condition]:
    """The condition and all its parts; one that can't be read has none."""
    yield condition
    if not isinstance(condition, dict):
        return
    for name in ("all", "any"):
        if isinstance(condition.get(name), list):
            for part in condition[name]:
                yield from _parts(part)
    if isinstance(condition.get("not"), dict):
        yield from _parts(condition["not"])


def _failing(condition: Condition, holds: dict[int, bool], episode: Episode, lead: Lead) -> list[str]:
    if holds[id(condition)]:
        return []
    inner = condition.get("all") or condition.get("any")
    if isinstance(inner, list) and inner:
        told = [why for part in inner for why in _failing(part, holds, episode, lead)]
        return told or [_said(condition)]
    field = condition.get("field")
    if not isinstance(field, str):
        return [_said(condition)]
    value = matching.value_of(episode, lead, field)
    return [f"{_said(condition)}: it is {'not set' if value is None else f'“{str(value)[:80]}”'}"]


def _said(condition: Condition) -> str:
    try:
        return sentence(condition)
    except ConditionError as error:
        return str(error)
