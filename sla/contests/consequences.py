"""What overturning a rejection does to the lead: worked out once, said before the click and done after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leads.models import Lead, Outcome, Stage
from scoring.models import EpisodeMember, Lane
from scoring.qualification import closed_channels
from sla.models import Contest, Handoff, HandoffChange, State

Became = Contest.Became

RECORD: Final = "The rejection no longer counts against the definition"


@dataclass(frozen=True)
class Consequence:
    """What becomes of the lead (a `Contest.Became`), and why nothing more where it can't be offered again."""

    became: str
    because: str = ""

    @property
    def offers(self) -> bool:
        """Whether the lead is offered again, so that it matters to whom."""
        return self.became == Became.OFFERED

    def __str__(self) -> str:
        """The consequence in a sentence."""
        if self.offers:
            return f"{RECORD}, its rest ends, what they did counts again, and the lead is offered at once."
        if self.became == Became.FREED:
            return f"{RECORD}, its rest ends and what they did counts again. It is offered to nobody: {self.because}."
        return f"{RECORD}. Nothing else changes: {self.because}."


@dataclass(frozen=True)
class _Facts:
    """What has happened since, of many leads at once."""

    verdicts: dict[int, dict[str, Any]]  # by hand-off: how the lead stood after the rejection
    counting: set[Any]  # matters whose rejection still counts
    later: dict[int, EpisodeMember]  # by lead: their newest place in another matter


def foresee(handoff: Handoff, *, now: datetime) -> Consequence:
    """What overturning this rejection would do now."""
    return foresee_all([handoff], now=now)[handoff.pk]


def foresee_all(handoffs: Sequence[Handoff], *, now: datetime) -> dict[int, Consequence]:
    """The same for many, by hand-off, in four questions."""
    if not handoffs:
        return {}
    leads = Lead.objects.in_bulk({each.episode.lead_id for each in handoffs})
    facts = _facts(handoffs, list(leads))
    return {each.pk: _of(each, leads[each.episode.lead_id], facts, now=now) for each in handoffs}


def _facts(handoffs: Sequence[Handoff], lead_ids: list[int]) -> _Facts:
    changes = HandoffChange.objects.filter(handoff__in=handoffs, to_state=State.REJECTED, is_undo=False)
    verdicts = dict(changes.order_by("pk").values_list("handoff", "before__lead_after"))
    standing = Outcome.objects.filter(kind=Outcome.Kind.REJECTED, via=Outcome.Via.VERDICT, withdrawn_at=None)
    counting = standing.filter(matter__in=[each.episode.public_id for each in handoffs])
    places = EpisodeMember.objects.filter(lead__in=lead_ids).exclude(
        episode__lane=Lane.SIGNAL, episode__closed_at__isnull=False
    )
    later = {place.lead_id: place for place in places.select_related("episode").order_by("episode")}
    return _Facts(verdicts, set(counting.values_list("matter", flat=True)), later)


def _of(handoff: Handoff, lead: Lead, facts: _Facts, *, now: datetime) -> Consequence:
    because = _moved_on(handoff, lead, facts)
    if because:
        return Consequence(Became.RECORDED, because)
    if closed_channels(lead):
        return Consequence(Became.FREED, "they may be reached on no channel")
    return Consequence(Became.OFFERED)


def _moved_on(handoff: Handoff, lead: Lead, facts: _Facts) -> str:
    """Why the lead can't stand again where it stood before the rejection; empty where it can."""
    if lead.erased_at is not None:
        return "the person was erased"
    if lead.merged_into_id is not None:
        return "the person goes on as another lead"
    if handoff.episode.public_id not in facts.counting or handoff.episode.closed_at is None:
        return "the rejection was taken back already"
    place = facts.later.get(lead.pk)
    if place is not None and place.episode_id != handoff.episode_id:
        return "the lead is open in a newer matter" if place.left_at is None else "a newer matter has ended since"
    after = facts.verdicts.get(handoff.pk) or {}
    if lead.stage != after.get("stage"):
        return f"the lead stands at {Stage(lead.stage).label} now"
    return ""
