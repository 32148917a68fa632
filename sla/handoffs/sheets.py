"""The undo sheet of a move: how everything stood before it, and which histories must not have gone on since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Max

from leads import nurture
from leads.models import Lead, Outcome
from scoring.models import Episode, EpisodeMember
from sla.models import Clock, Touch
from sla.nextsteps import keeping


def snapshot(lead: Lead, episode: Episode, colleagues: Sequence[Lead]) -> dict[str, Any]:
    """How things stand before a move, as far as undo must put them back."""
    return _of_lead(lead) | {
        "colleagues": [_of_lead(each) for each in colleagues],
        "running": running_clocks(episode),
        "outcomes": outcomes_of(episode),
        "next_step": keeping.newest(episode),
    }


def _of_lead(lead: Lead) -> dict[str, Any]:
    return {"lead": nurture.snapshot(lead), "holder": lead.holder_id, "holder_team": lead.holder_team_id}


def running_clocks(episode: Episode) -> list[int]:
    """Ids of the clocks that run for this episode and its hand-offs."""
    return list(Clock.objects.filter(episode=episode, verdict="").order_by("pk").values_list("pk", flat=True))


def outcomes_of(episode: Episode) -> list[int]:
    """Ids of the standing verdict outcomes of this matter."""
    return list(
        Outcome.objects.filter(matter=episode.public_id, withdrawn_at=None).order_by("pk").values_list("pk", flat=True)
    )


def marks(episode: Episode) -> dict[str, int]:
    """The newest row of each history that undo compares: whatever is newer stands in its way."""
    return {
        "episode_change": episode.changes.aggregate(newest=Max("pk"))["newest"] or 0,
        "touch": Touch.objects.filter(lead=episode.lead_id).aggregate(newest=Max("pk"))["newest"] or 0,
    }


def followers(episode: Episode, sheet: dict[str, Any]) -> list[tuple[Lead, dict[str, Any]]]:
    """Those who followed the verdict, each with how they stood before it; who has moved on since stays out."""
    sheets = {each["id"]: each for each in sheet.get("colleagues", ())}
    if not sheets:
        return []
    leads = Lead.objects.live().filter(pk__in=sheets).order_by("pk")
    elsewhere = EpisodeMember.objects.filter(lead__in=sheets, left_at=None).exclude(episode=episode)
    moved_on = set(elsewhere.values_list("lead_id", flat=True))
    return [
        (lead, sheets[lead.pk])
        for lead in leads
        if lead.pk not in moved_on and nurture.snapshot(lead) == sheets[lead.pk]["lead_after"]
    ]
