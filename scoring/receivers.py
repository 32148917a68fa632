"""What scoring does when a bell of the ground floor rings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from leads.models import Lead, Stage, User
from leads.signals import lead_erased, leads_merged, stage_moved
from scoring import episodes
from scoring.models import ClosedAs, Lane, Phase

# What ends a matter that sales has converted, before the next owner has answered.
OVER = ("lost", "import")


@receiver(stage_moved, dispatch_uid="scoring.stage_moved")
def end_by_stage(
    lead: Lead, from_stage: str, to_stage: str, cause: str, now: datetime, by: User | None = None, **kwargs: Any
) -> None:
    """A purchase ends the open matter as bought; a deal opened elsewhere, as converted where a rep had accepted it.

    Where a next owner was asked, a lost deal or a file that says otherwise ends it as withdrawn. Of who joined a
    colleague's matter only they themselves leave it. A merge settles its episodes itself.
    """
    goes_on = to_stage in (Stage.CUSTOMER, Stage.OPPORTUNITY)
    is_over = from_stage == Stage.SQL and cause in OVER
    if cause == "merge" or not (goes_on or is_over):
        return
    episode = episodes.open_for(lead.pk)
    if episode is None:
        return
    if episode.lane == Lane.SIGNAL:
        return  # who asked for us while a customer, or with a deal open, is still to be answered
    if episode.lead_id != lead.pk:
        why = {Stage.CUSTOMER: "bought", Stage.OPPORTUNITY: "deal"}.get(Stage(to_stage), "over")
        episodes.leave(episode, lead, why=why, now=now, by=by)
        return
    if to_stage == Stage.CUSTOMER:
        closed_as = ClosedAs.BOUGHT
    else:
        taken = goes_on and (episode.phase == Phase.ACCEPTED or from_stage == Stage.SQL)
        closed_as = ClosedAs.CONVERTED if taken else ClosedAs.WITHDRAWN
    episodes.close(episode, closed_as, now=now, by=by)


@receiver(leads_merged, dispatch_uid="scoring.leads_merged")
def join_episodes(winner: Lead, loser: Lead, now: datetime, by: User | None = None, **kwargs: Any) -> None:
    """Of two open matters the older goes on, under the lead that stays."""
    episodes.merge_episodes(winner, loser, now=now, by=by)


@receiver(lead_erased, dispatch_uid="scoring.lead_erased")
def end_by_erasure(lead: Lead, now: datetime, by: User | None = None, **kwargs: Any) -> None:
    """Nothing is left to do for a person who was erased."""
    episodes.erase_episode(lead, now=now, by=by)
