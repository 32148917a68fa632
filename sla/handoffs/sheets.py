"""The undo sheet of a move or a touch: how everything stood before it, and what must not have gone on since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from leads import bulk, nurture
from leads.models import Lead
from scoring.models import Episode, EpisodeMember
from sla.models import Handoff

# One question for all of it: it is asked before and after every move.
STANDS: Final = """
SELECT ARRAY(SELECT id FROM sla_clock WHERE episode_id = episode.id AND verdict = '' ORDER BY id),
       ARRAY(SELECT id FROM leads_outcome WHERE matter = episode.public_id AND withdrawn_at IS NULL ORDER BY id),
       (SELECT coalesce(max(step.id), 0) FROM sla_nextstepchange AS step
        JOIN sla_handoff AS handoff ON handoff.id = step.handoff_id WHERE handoff.episode_id = episode.id),
       (SELECT coalesce(max(id), 0) FROM scoring_episodechange WHERE episode_id = episode.id),
       (SELECT coalesce(max(id), 0) FROM sla_touch WHERE lead_id = %s)
FROM scoring_episode AS episode WHERE episode.id = %s
"""


@dataclass(frozen=True)
class Sheet:
    """How a matter stands at one moment of a move, as far as undo must put it back."""

    leads: Sequence[dict[str, Any]]  # the principal's, then those of who joined
    clocks: Sequence[int]  # that run for the episode and its hand-offs
    outcomes: Sequence[int]  # the standing verdicts of this matter
    next_step: int  # the newest row of each history: whatever is newer stands in the way of undo
    episode_change: int
    touch: int


def read(lead: Lead, episode: Episode, colleagues: Sequence[Lead]) -> Sheet:
    """How things stand now."""
    (row,) = bulk.run(STANDS, [episode.lead_id, episode.pk])
    return Sheet([_of_lead(each) for each in (lead, *colleagues)], *row)


def _of_lead(lead: Lead) -> dict[str, Any]:
    return {"lead": nurture.snapshot(lead), "holder": lead.holder_id, "holder_team": lead.holder_team_id}


def to_undo(then: Sheet, now: Sheet, colleagues: Sequence[Lead]) -> dict[str, Any]:
    """What undo would have to put back, as plain data."""
    first, *others = then.leads
    first_now, *others_now = now.leads
    return first | {
        "lead_after": first_now["lead"],
        "clocks_ended": sorted(set(then.clocks) - set(now.clocks)),
        "clocks_started": sorted(set(now.clocks) - set(then.clocks)),
        "outcomes": sorted(set(now.outcomes) - set(then.outcomes)),
        "outcomes_withdrawn": sorted(set(then.outcomes) - set(now.outcomes)),
        "next_step": then.next_step,
        "colleagues": [
            {"id": lead.pk, "lead_after": after["lead"]} | before
            for lead, before, after in zip(colleagues, others, others_now, strict=True)
        ],
        "episode_change": now.episode_change,
        "touch": now.touch,
    }


def of_touch(then: Sheet, now: Sheet, handoff: Handoff) -> dict[str, Any]:
    """What taking a touch back has to look at: the clocks that it met, and how things stood right after it."""
    return {
        "clocks_ended": sorted(set(then.clocks) - set(now.clocks)),
        "next_step": then.next_step,
        "after": marks(now, handoff),
        "episode_change": now.episode_change,
    }


def marks(sheet: Sheet, handoff: Handoff) -> dict[str, Any]:
    """What must stand unchanged for a touch to be taken back; changes of the episode aside."""
    return {
        "version": handoff.version,
        "clocks": list(sheet.clocks),
        "outcomes": list(sheet.outcomes),
        "next_step": sheet.next_step,
        "touch": sheet.touch,
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
