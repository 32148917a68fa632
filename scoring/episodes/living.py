"""What happens to an open episode: its phase, hotter tiers, raised hands, further definitions, and the marks on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from leads import bulk
from leads.models import Lead, Stage, User
from leads.transactions import business
from leads.wake import wake
from scoring import signals
from scoring.episodes.ending import close
from scoring.episodes.rows import EpisodeRefused, is_hotter, row, settle, write
from scoring.models import ClosedAs, Episode, EpisodeChange, Lane, Phase, Qualification, Tier
from scoring.reassessing import watch_closely


@business
def set_phase(
    episode: Episode,
    phase: str,
    *,
    now: datetime,
    by: User | None = None,
    detail: dict[str, Any] | None = None,
    route_not_before: datetime | None = None,
) -> None:
    """Write where the episode is, in the transaction that changed its hand-off; waiting wakes routing."""
    set_phases([PhaseMove(episode, phase, now, detail or {}, route_not_before)], by=by)


class PhaseMove(NamedTuple):
    """One episode, where it is from that moment on, and why."""

    episode: Episode
    phase: str
    at: datetime
    detail: dict[str, Any]
    route_not_before: datetime | None = None


@business
def set_phases(moves: Sequence[PhaseMove], *, by: User | None = None) -> None:
    """`set_phase` for many episodes at once, each of them once."""
    changes = []
    for episode, phase, at, detail, not_before in moves:
        if episode.closed_at is not None:
            raise EpisodeRefused("This episode has ended.")
        before, waits = episode.phase, phase == Phase.WAITING
        if before == phase:
            continue
        episode.phase = phase
        episode.waiting_since = at if waits else None
        episode.route_not_before = not_before if waits else None
        changes.append(row(episode, "phase", now=at, by=by, from_phase=before, to_phase=phase, detail=detail))
        if waits:
            watch_closely(episode.lead_id, now=at)
            wake("route")
    bulk.update(
        "scoring_episode",
        {
            "id": ("bigint", [change.episode_id for change in changes]),
            "phase": ("text", [change.episode.phase for change in changes]),
            "waiting_since": ("timestamptz", [change.episode.waiting_since for change in changes]),
            "route_not_before": ("timestamptz", [change.episode.route_not_before for change in changes]),
        },
    )
    EpisodeChange.objects.bulk_create(changes)


@business
def begin_anew(episode: Episode, *, why: str, now: datetime, by: User | None = None) -> None:
    """Let a waiting matter that nobody was told of go to sales from this moment: as if it had opened now."""
    if episode.phase != Phase.WAITING:
        raise EpisodeRefused("This episode does not wait.")
    episode.opened_at, episode.waiting_since, episode.route_not_before = now, now, None
    episode.save(update_fields=["opened_at", "waiting_since", "route_not_before"])
    write(episode, "begun_anew", now=now, by=by, detail={"why": why})
    watch_closely(episode.lead_id, now=now)
    wake("route")


@business
def raise_tier(episode: Episode, tier: str, *, now: datetime, detail: dict[str, Any] | None = None) -> bool:
    """Lift the episode to a hotter tier and tell sla by the bell; a cooler one changes nothing. True if it rose."""
    if not is_hotter(tier, episode.tier):
        return False
    before, episode.tier = episode.tier, tier
    episode.save(update_fields=["tier"])
    told = {"from": before, "to": tier} | (detail or {})
    write(episode, "tier_rose", now=now, detail=told)
    signals.episode_changed.send(Episode, episode=episode, what="tier_rose", detail=told, now=now)
    return True


@business
def raise_hand(episode: Episode, *, activity_id: int, now: datetime, detail: dict[str, Any] | None = None) -> bool:
    """The person asked for us while the episode is open: fast lane, hottest tier, first in line.

    Once per activity; a signal stays one. True if this one is new.
    """
    if episode.changes.filter(what="hand_raised", detail__activity_id=activity_id).exists():
        return False
    if episode.lane != Lane.SIGNAL:
        episode.lane = Lane.FAST
    episode.tier = Tier.HOT
    episode.save(update_fields=["lane", "tier"])
    told = {"activity_id": activity_id} | (detail or {})
    write(episode, "hand_raised", now=now, detail=told)
    signals.episode_changed.send(Episode, episode=episode, what="hand_raised", detail=told, now=now)
    if episode.phase == Phase.WAITING:
        wake("route")
    return True


@business
def add_qualification(episode: Episode, qualification: Qualification, *, now: datetime) -> None:
    """Another definition was met, or a hotter tier of the same: the qualification stands with the episode."""
    first = not episode.qualifications.filter(definition=qualification.definition).exclude(pk=qualification.pk).exists()
    settle(qualification, episode, now=now, by=None)
    detail = {"qualification_id": qualification.pk, "definition_id": qualification.definition_id}
    write(episode, "qualified", now=now, detail=detail)
    if first and qualification.definition_id != episode.definition_id:
        signals.episode_changed.send(Episode, episode=episode, what="definition_added", detail=detail, now=now)


@business
def cool(episode: Episode, *, now: datetime) -> None:
    """The score fell below *leave*: waiting, the episode closes as cooled; with a rep, it stays and is marked."""
    if episode.phase == Phase.WAITING:
        close(episode, ClosedAs.COOLED, now=now)
        return
    if episode.cooled_at is not None:
        return
    episode.cooled_at = now
    episode.save(update_fields=["cooled_at"])
    write(episode, "cooled", now=now)
    signals.episode_changed.send(Episode, episode=episode, what="cooled", detail={}, now=now)


@business
def warm_again(episode: Episode, *, now: datetime) -> None:
    """The score is back above *leave*: the mark goes."""
    if episode.cooled_at is None:
        return
    episode.cooled_at = None
    episode.save(update_fields=["cooled_at"])
    write(episode, "warm_again", now=now)


@business
def disqualify(episode: Episode, *, why: str, now: datetime) -> None:
    """A disqualifier, or no channel left: nobody works it on; a rep who has accepted is told and decides.

    So is the next owner who was asked: what sales has converted is not taken away.
    """
    stage = Lead.objects.values_list("stage", flat=True).get(pk=episode.lead_id)
    if episode.phase != Phase.ACCEPTED and stage != Stage.SQL:
        close(episode, ClosedAs.WITHDRAWN, now=now, detail={"why": why})
        return
    if episode.withdrawn_at is not None:
        return
    episode.withdrawn_at = now
    episode.save(update_fields=["withdrawn_at"])
    detail = {"why": why}
    write(episode, "disqualified", now=now, detail=detail)
    signals.episode_changed.send(Episode, episode=episode, what="disqualified", detail=detail, now=now)
