"""Other leads of the company: they join the open matter of a colleague, and leave it alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leads import lifecycle
from leads.marking import mark
from leads.models import Lead, Stage, User
from leads.transactions import business
from scoring import signals
from scoring.episodes.rows import OPENS_FROM, EpisodeRefused, not_before, settle, write
from scoring.models import Episode, EpisodeMember, Qualification

# Why a colleague left, where its stage has a place of its own already: by what moved it, or in another matter.
KEEPS_STAGE = frozenset({"bought", "deal", "merged", "erased", "split"})


@business
def join(episode: Episode, lead: Lead, *, qualification: Qualification, now: datetime, by: User | None = None) -> None:
    """The lead qualified while a colleague's matter is open: it belongs to that one, at a stage of its own.

    It has no hand-off and no clocks of its own and follows the verdict. The caller has locked the lead, the principal
    and the episode (`host_for`). sla is told by the bell.
    """
    if episode.closed_at is not None or lead.pk == episode.lead_id:
        raise EpisodeRefused("This matter can't be joined.")
    if lead.stage not in OPENS_FROM:
        raise EpisodeRefused(f"Nobody joins a matter while standing at {lead.get_stage_display()}.")
    now = not_before(episode, now)
    EpisodeMember.objects.create(episode=episode, lead=lead, joined_at=now, stage_before=lead.stage)
    settle(qualification, episode, now=now, by=by)
    detail = {"lead": lead.pk, "qualification_id": qualification.pk}
    write(episode, "joined", now=now, by=by, detail=detail)
    lifecycle.move(lead, Stage.MQL, cause="qualification", now=now, by=by)
    _ring(episode, "joined", lead, detail, now=now)


@business
def leave(episode: Episode, lead: Lead, *, why: str, now: datetime, by: User | None = None) -> None:
    """Take one colleague out of the matter, which goes on without it; its stage goes back to what it was on joining.

    `why` is a word: bought, deal, disqualified, cooled, merged, erased. Raises EpisodeRefused for the principal, and
    for who isn't in it.
    """
    member = take_out(episode, lead, why=why, now=now, by=by)
    if why not in KEEPS_STAGE:
        put_back(lead, member.stage_before, now=now, by=by)
    mark([lead.pk], now=now)
    _ring(episode, "left", lead, {"lead": lead.pk, "why": why}, now=now)


def take_out(episode: Episode, lead: Lead, *, why: str, now: datetime, by: User | None) -> EpisodeMember:
    """End one membership, with its history row; returns it."""
    member = episode.members.filter(lead=lead, left_at=None).first()
    if member is None or lead.pk == episode.lead_id:
        raise EpisodeRefused("This lead is not one of those who joined.")
    now = not_before(episode, now)
    member.left_at = now
    member.save(update_fields=["left_at"])
    write(episode, "left", now=now, by=by, detail={"lead": lead.pk, "why": why})
    return member


def put_back(lead: Lead, stage_before: str, *, now: datetime, by: User | None) -> None:
    """The stage from before joining, unless something else has moved the lead out of sales' hands already."""
    lead.refresh_from_db(fields=["stage"])
    if lead.stage in lifecycle.WORKED:
        lifecycle.move(lead, stage_before, cause="left", now=now, by=by)


def _ring(episode: Episode, what: str, lead: Lead, detail: dict[str, Any], *, now: datetime) -> None:
    signals.episode_changed.send(Episode, episode=episode, what=what, detail=detail | {"member": lead}, now=now)
