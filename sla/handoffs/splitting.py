"""Splitting off: who joined a colleague's matter gets one of their own, because the rep wants to work them apart."""

from __future__ import annotations

from datetime import datetime

from leads.errors import Refused
from leads.models import Lead, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode, Lane, Qualification, Tier
from sla.handoffs.moves import present, take
from sla.models import OPEN_STATES


class CannotSplit(Refused):
    """This lead is not one of those who joined the matter (any more)."""

    title = "Not split off"
    code = "cannot_split"


@business
def split(
    handoff_id: int,
    lead_id: int,
    *,
    by: User | None,
    now: datetime,
    anew: bool = False,
    performed_by: User | None = None,
    seen_version: int | None = None,
) -> Episode:
    """Give one colleague who joined a matter of its own: offered to the same rep at once, or routed `anew`.

    The rep may be full then, with an override row that says so. Stage and qualification stay with the lead; its clocks
    start now. Raises NotYours, AlreadyDecided where the hand-off is open no more, CannotSplit for who has not joined.
    """
    matter = take(handoff_id, by=by, now=now, performed_by=performed_by)
    matter.expect(*OPEN_STATES, seen_version=seen_version)
    if matter.is_closing:
        raise CannotSplit("They go to the next owner together. Reject it first, then they can be worked apart.")
    lead = next((each for each in matter.colleagues if each.pk == lead_id), None)
    if lead is None:
        raise CannotSplit("This lead is not part of the matter any more.", **present(matter.handoff))
    return episodes.split_off(
        matter.episode,
        lead,
        qualification=None,
        tier=_tier(lead, matter.episode),
        lane=Lane.NORMAL,
        opened_at=matter.now,
        now=matter.now,
        by=by,
        beside=not anew,
    )


def _tier(lead: Lead, episode: Episode) -> str:
    """The hottest tier at which this lead has qualified in the matter it leaves."""
    tiers = Qualification.objects.filter(episode=episode, lead=lead).values_list("tier", flat=True)
    return max(tiers, key=lambda tier: episodes.HOTTER[Tier(tier)], default=Tier.COOL)
