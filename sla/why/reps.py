"""Why this rep: the stored answer of routing, with names for its ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scoring.models import Episode
from sla.models import Handoff, Rep
from sla.routing.candidates import IN_WORDS

LATER = "would have been next"


@dataclass(frozen=True)
class Standing:
    """One rep in the line."""

    name: str
    numbers: str
    is_chosen: bool = False


@dataclass(frozen=True)
class WhyRep:
    """The answer for one offer."""

    handoff: Handoff
    why: str
    rules: list[dict[str, Any]]
    line: list[Standing]
    others: list[tuple[str, str]]


def why_rep(episode: Episode) -> WhyRep | None:
    """Why the last offer of this episode went to whom it went; None where none was made by routing."""
    # Whom somebody chose to close, and who has it back, was compared with nobody.
    traced = [
        handoff
        for handoff in episode.handoffs.all()
        if hasattr(handoff, "trace") and "rep" in (handoff.trace.trace.get("chosen") or {})
    ]
    if not traced:
        return None
    handoff = traced[-1]
    trace = handoff.trace.trace
    named = _names(trace)
    chosen = trace.get("chosen")
    line = [_standing(chosen, named, is_chosen=True)] if chosen else []
    line += [_standing(each, named) for each in trace.get("next", [])]
    others = [
        (named.get(each.get("rep"), "A former rep"), IN_WORDS.get(each.get("code"), LATER))
        for each in trace.get("others", [])
    ]
    return WhyRep(handoff, str(trace.get("why", "")), list(trace.get("rules", [])), line, others)


def _standing(each: dict[str, Any], named: dict[int, str], *, is_chosen: bool = False) -> Standing:
    numbers = f"{each.get('load', '?')} of {each.get('capacity', '?')} open"
    return Standing(named.get(each.get("rep", 0), "A former rep"), numbers, is_chosen)


def _names(trace: dict[str, Any]) -> dict[int, str]:
    chosen = trace.get("chosen") or {}
    rows = [chosen, *trace.get("next", []), *trace.get("others", [])]
    ids = {row["rep"] for row in rows if "rep" in row}
    return {rep.pk: str(rep.user) for rep in Rep.objects.filter(pk__in=ids).select_related("user")}
