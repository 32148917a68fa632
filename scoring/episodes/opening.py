"""An episode begins: opened, split off another, or opened again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Max, Q

from leads import lifecycle
from leads.models import Lead, Stage, User
from leads.transactions import business
from leads.wake import wake
from scoring import signals
from scoring.episodes.company import take_out
from scoring.episodes.rows import OPENS_FROM, EpisodeRefused, open_for, settle, write
from scoring.models import (
    Definition,
    DefinitionVersion,
    Episode,
    EpisodeMember,
    Lane,
    OpenedBy,
    Phase,
    Qualification,
)
from scoring.reassessing import watch_closely


@business
def open_episode(
    lead: Lead,
    *,
    qualification: Qualification | None,
    definition: Definition,
    version: DefinitionVersion,
    tier: str,
    lane: str,
    opened_by: str,
    opened_at: datetime,
    now: datetime,
    by: User | None = None,
    split_from: Episode | None = None,
) -> Episode:
    """Open one matter for this lead: stage to MQL, the principal joins, sla starts the assign clock (inside bell).

    `split_from` is the open matter of a colleague that this one stands beside: the same rep is to have both. A signal
    moves no stage. Raises EpisodeRefused where one is open, or the stage opens none (SQL, opportunity, customer,
    disqualified).
    """
    if lane != Lane.SIGNAL and lead.stage not in OPENS_FROM:
        raise EpisodeRefused(f"No episode opens while the lead stands at {lead.get_stage_display()}.")
    if open_for(lead.pk) is not None:
        raise EpisodeRefused("This lead already has an open episode.")
    episode = _create(
        lead,
        stage_before=lead.stage,
        qualification=qualification,
        definition=definition,
        version=version,
        tier=tier,
        lane=lane,
        opened_by=opened_by,
        opened_at=opened_at,
        split_from=split_from,
        now=now,
        by=by,
    )
    if lane != Lane.SIGNAL:
        cause = "date" if opened_by == OpenedBy.DATE else "qualification"
        lifecycle.move(lead, Stage.MQL, cause=cause, now=now, by=by)
    _ring(episode, now=now, by=by)
    return episode


@business
def split_off(
    host: Episode,
    lead: Lead,
    *,
    qualification: Qualification | None,
    tier: str,
    lane: str,
    opened_at: datetime,
    now: datetime,
    by: User | None = None,
    beside: bool = True,
) -> Episode:
    """Give a colleague who joined a matter of its own; the stage stays where it is.

    By a raised hand, a hotter tier, or the rep. `qualification` is what it stands on: the one that raised it, or that
    with which it joined. `beside`: the rep of the matter it leaves is to have this one too. Raises EpisodeRefused where
    the lead isn't one of those who joined.
    """
    member = take_out(host, lead, why="split", now=now, by=by)
    if qualification is None:
        qualification = Qualification.objects.filter(episode=host, lead=lead).order_by("-at", "-pk").first()
    episode = _create(
        lead,
        stage_before=member.stage_before,
        qualification=qualification,
        definition=qualification.definition if qualification is not None else host.definition,
        version=qualification.version if qualification is not None else host.version,
        tier=tier,
        lane=lane,
        opened_by=OpenedBy.SPLIT,
        opened_at=opened_at,
        split_from=host if beside else None,
        now=now,
        by=by,
    )
    _ring(episode, now=now, by=by)
    return episode


@business
def reopen(
    episode: Episode,
    *,
    phase: str,
    now: datetime,
    by: User | None,
    cause: str,
    colleagues: Iterable[Lead] = (),
) -> None:
    """Open an ended episode again: by undo, a manager's reopen, or an overturned rejection.

    `colleagues` had joined it and are put back with it. Raises EpisodeRefused where something newer stands on the lead.
    """
    if episode.closed_at is None:
        raise EpisodeRefused("This episode is still open.")
    of_lead = Episode.objects.filter(members__lead_id=episode.lead_id).exclude(
        ~Q(pk=episode.pk), lane=Lane.SIGNAL, closed_at__isnull=False
    )
    if of_lead.aggregate(newest=Max("pk"))["newest"] != episode.pk:
        raise EpisodeRefused("A newer episode of this lead has begun; this one stays closed.")
    back = [episode.lead_id, *(lead.pk for lead in colleagues)]
    episode.members.filter(left_at=episode.closed_at, lead__in=back).update(left_at=None)
    episode.phase = phase
    episode.waiting_since = now if phase == Phase.WAITING else None
    episode.closed_at, episode.closed_as = None, ""
    episode.save(update_fields=["phase", "waiting_since", "closed_at", "closed_as"])
    detail: dict[str, Any] = {"cause": cause} | ({"colleagues": back[1:]} if back[1:] else {})
    write(episode, "reopened", now=now, by=by, from_phase="", detail=detail)


def _create(
    lead: Lead, *, stage_before: str, qualification: Qualification | None, now: datetime, by: User | None, **fields: Any
) -> Episode:
    """The episode with its principal, the qualification that opened it, and its first history row."""
    episode = Episode.objects.create(
        lead=lead,
        account_id=lead.account_id,
        qualification=qualification,
        stage_before=stage_before,
        waiting_since=now,
        **fields,
    )
    EpisodeMember.objects.create(episode=episode, lead=lead, joined_at=now, stage_before=stage_before)
    if qualification is not None and qualification.episode_id is None:
        settle(qualification, episode, now=now, by=by)
    detail: dict[str, Any] = {"opened_by": episode.opened_by, "tier": episode.tier, "lane": episode.lane}
    if episode.split_from_id is not None:
        detail["split_from"] = episode.split_from_id
    write(episode, "opened", now=now, by=by, from_phase="", detail=detail)
    return episode


def _ring(episode: Episode, *, now: datetime, by: User | None) -> None:
    watch_closely(episode.lead_id, now=now)
    signals.episode_opened.send(Episode, episode=episode, by=by, now=now)
    wake("route")
