"""The life of an episode, as verbs. The lead's row is locked by whoever calls them.

sla writes the phase through `set_phase` and ends through `close`; scoring itself decides by phase alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Max

from leads import holding, lifecycle
from leads.errors import Refused
from leads.models import Lead, Stage, User
from leads.transactions import business
from leads.wake import wake
from scoring import signals
from scoring.models import (
    ClosedAs,
    Definition,
    DefinitionVersion,
    Episode,
    EpisodeChange,
    EpisodeMember,
    Lane,
    OpenedBy,
    Phase,
    Qualification,
    Score,
    Tier,
)
from scoring.reassessing import watch_closely

HOTTER = {Tier.COOL: 0, Tier.WARM: 1, Tier.HOT: 2}
OPENS_FROM = frozenset({Stage.SUBSCRIBER, Stage.LEAD, Stage.NURTURE})
# Ends after which the stage goes back to what it was when the episode opened.
PUTS_STAGE_BACK = frozenset({ClosedAs.COOLED, ClosedAs.WITHDRAWN})


class EpisodeRefused(Refused):
    """The episode can't do that now."""

    code = "episode_refused"


def open_for(lead_id: int) -> Episode | None:
    """The lead's open episode, locked, or None."""
    return (
        Episode.objects.select_for_update(of=("self",))
        .filter(members__lead_id=lead_id, members__left_at=None, closed_at=None)
        .first()
    )


def lock(episode_id: int) -> Episode:
    """One episode, locked. The lead's lock comes first."""
    return Episode.objects.select_for_update(of=("self",)).get(pk=episode_id)


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
) -> Episode:
    """Open one matter for this lead: stage to MQL, the principal joins, sla starts the assign clock (inside bell).

    Raises EpisodeRefused where one is open, or the stage opens none (SQL, opportunity, customer, disqualified).
    """
    if lead.stage not in OPENS_FROM:
        raise EpisodeRefused(f"No episode opens while the lead stands at {lead.get_stage_display()}.")
    if open_for(lead.pk) is not None:
        raise EpisodeRefused("This lead already has an open episode.")
    episode = Episode.objects.create(
        lead=lead,
        account_id=lead.account_id,
        qualification=qualification,
        definition=definition,
        version=version,
        tier=tier,
        lane=lane,
        opened_by=opened_by,
        opened_at=opened_at,
        stage_before=lead.stage,
        waiting_since=now,
    )
    EpisodeMember.objects.create(episode=episode, lead=lead, joined_at=now)
    if qualification is not None and opened_by != OpenedBy.DATE:
        _settle(qualification, episode, now=now, by=by)
    detail = {"opened_by": opened_by, "tier": tier, "lane": lane}
    _write(episode, "opened", now=now, by=by, to_phase=Phase.WAITING, detail=detail)
    lifecycle.move(lead, Stage.MQL, cause="date" if opened_by == OpenedBy.DATE else "qualification", now=now, by=by)
    watch_closely(lead.pk, now=now)
    signals.episode_opened.send(Episode, episode=episode, now=now)
    wake("route")
    return episode


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
    if episode.closed_at is not None:
        raise EpisodeRefused("This episode has ended.")
    before = episode.phase
    if before == phase:
        return
    episode.phase = phase
    waits = phase == Phase.WAITING
    episode.waiting_since = now if waits else None
    episode.route_not_before = route_not_before if waits else None
    episode.save(update_fields=["phase", "waiting_since", "route_not_before"])
    _write(episode, "phase", now=now, by=by, from_phase=before, to_phase=phase, detail=detail)
    if waits:
        watch_closely(episode.lead_id, now=now)
        wake("route")


@business
def raise_tier(episode: Episode, tier: str, *, now: datetime, detail: dict[str, Any] | None = None) -> bool:
    """Lift the episode to a hotter tier and tell sla by the bell; a cooler one changes nothing. True if it rose."""
    if HOTTER[Tier(tier)] <= HOTTER[Tier(episode.tier)]:
        return False
    before, episode.tier = episode.tier, tier
    episode.save(update_fields=["tier"])
    told = {"from": before, "to": tier} | (detail or {})
    _write(episode, "tier_rose", now=now, from_phase=episode.phase, to_phase=episode.phase, detail=told)
    signals.episode_changed.send(Episode, episode=episode, what="tier_rose", detail=told, now=now)
    return True


@business
def raise_hand(episode: Episode, *, activity_id: int, now: datetime, detail: dict[str, Any] | None = None) -> bool:
    """The person asked for us while the episode is open: fast lane, hottest tier, first in line. Once per activity."""
    if episode.changes.filter(what="hand_raised", detail__activity_id=activity_id).exists():
        return False
    episode.lane = Lane.FAST
    episode.tier = Tier.HOT
    episode.save(update_fields=["lane", "tier"])
    told = {"activity_id": activity_id} | (detail or {})
    _write(episode, "hand_raised", now=now, from_phase=episode.phase, to_phase=episode.phase, detail=told)
    signals.episode_changed.send(Episode, episode=episode, what="hand_raised", detail=told, now=now)
    if episode.phase == Phase.WAITING:
        wake("route")
    return True


@business
def add_qualification(episode: Episode, qualification: Qualification, *, now: datetime) -> None:
    """Another definition was met, or a hotter tier of the same: the qualification stands with the episode."""
    first = not episode.qualifications.filter(definition=qualification.definition).exclude(pk=qualification.pk).exists()
    _settle(qualification, episode, now=now, by=None)
    detail = {"qualification_id": qualification.pk, "definition_id": qualification.definition_id}
    _write(episode, "qualified", now=now, from_phase=episode.phase, to_phase=episode.phase, detail=detail)
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
    _write(episode, "cooled", now=now, from_phase=episode.phase, to_phase=episode.phase)
    signals.episode_changed.send(Episode, episode=episode, what="cooled", detail={}, now=now)


@business
def warm_again(episode: Episode, *, now: datetime) -> None:
    """The score is back above *leave*: the mark goes."""
    if episode.cooled_at is None:
        return
    episode.cooled_at = None
    episode.save(update_fields=["cooled_at"])
    _write(episode, "warm_again", now=now, from_phase=episode.phase, to_phase=episode.phase)


@business
def disqualify(episode: Episode, *, why: str, now: datetime) -> None:
    """A disqualifier, or no channel left: nobody works it on; a rep who has accepted is told and decides."""
    if episode.phase != Phase.ACCEPTED:
        close(episode, ClosedAs.WITHDRAWN, now=now, detail={"why": why})
        return
    if episode.withdrawn_at is not None:
        return
    episode.withdrawn_at = now
    episode.save(update_fields=["withdrawn_at"])
    detail = {"why": why}
    _write(episode, "disqualified", now=now, from_phase=episode.phase, to_phase=episode.phase, detail=detail)
    signals.episode_changed.send(Episode, episode=episode, what="disqualified", detail=detail, now=now)


@business
def close(
    episode: Episode,
    closed_as: str,
    *,
    now: datetime,
    by: User | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """End the matter: members leave, and where it cooled or was withdrawn the stage goes back to what it was.

    sla withdraws an open hand-off and voids the clocks by the bell, in the same transaction.
    """
    if episode.closed_at is not None:
        raise EpisodeRefused("This episode has already ended.", closed_as=episode.closed_as)
    before = episode.phase
    episode.phase, episode.waiting_since, episode.route_not_before = "", None, None
    episode.closed_at, episode.closed_as = now, closed_as
    episode.save(update_fields=["phase", "waiting_since", "route_not_before", "closed_at", "closed_as"])
    member_ids = list(episode.members.filter(left_at=None).values_list("lead_id", flat=True))
    episode.members.filter(left_at=None).update(left_at=now)
    _write(episode, "closed", now=now, by=by, from_phase=before, detail={"closed_as": closed_as} | (detail or {}))
    if closed_as in PUTS_STAGE_BACK:
        for lead in Lead.objects.select_for_update().filter(pk__in=member_ids).order_by("pk"):
            if lead.stage in (Stage.MQL, Stage.SAL):
                lifecycle.move(lead, episode.stage_before, cause=closed_as, now=now, by=by)
                if lead.pk == episode.lead_id:
                    episode.lead = lead
    signals.episode_closed.send(Episode, episode=episode, closed_as=closed_as, by=by, now=now)


@business
def reopen(episode: Episode, *, phase: str, now: datetime, by: User | None, cause: str) -> None:
    """Open an ended episode again: by undo, a manager's reopen, or an overturned rejection.

    Raises EpisodeRefused where something newer stands on the lead.
    """
    if episode.closed_at is None:
        raise EpisodeRefused("This episode is still open.")
    newest = Episode.objects.filter(members__lead_id=episode.lead_id).aggregate(newest=Max("pk"))["newest"]
    if newest != episode.pk:
        raise EpisodeRefused("A newer episode of this lead has begun; this one stays closed.")
    episode.members.filter(left_at=episode.closed_at).update(left_at=None)
    episode.phase = phase
    episode.waiting_since = now if phase == Phase.WAITING else None
    episode.closed_at, episode.closed_as = None, ""
    episode.save(update_fields=["phase", "waiting_since", "closed_at", "closed_as"])
    _write(episode, "reopened", now=now, by=by, to_phase=phase, detail={"cause": cause})


@business
def overtake(standing: Qualification, *, now: datetime) -> None:
    """A live qualification came before anyone released this standing one: it waits no longer."""
    standing.waiting, standing.settled_as, standing.settled_at = False, Qualification.Settled.OVERTAKEN, now
    standing.save(update_fields=["waiting", "settled_as", "settled_at"])


@business
def merge_episodes(winner: Lead, loser: Lead, *, now: datetime, by: User | None = None) -> None:
    """Two leads became one: the older open episode stays and is the winner's, the younger closes as *merged*.

    The stage is that of the episode that stays, and so is whoever holds the lead. What waited for release under the
    other name is judged anew under this one.
    """
    opened = [episode for episode in (open_for(lead.pk) for lead in (winner, loser)) if episode is not None]
    _forget_judgements([loser.pk], now=now)
    if not opened:
        return
    opened.sort(key=lambda episode: (episode.opened_at, episode.pk))
    stays = opened[0]
    # Read before the other closes: its end takes the lead from whoever held it.
    holder = Lead.objects.select_related("holder", "holder_team").get(pk=stays.lead_id)
    user, team, stage = holder.holder, holder.holder_team, loser.stage if stays.lead_id == loser.pk else None
    for other in opened[1:]:
        close(other, ClosedAs.MERGED, now=now, by=by, detail={"goes_on_in": stays.pk})
    if stage is not None:
        stays.lead = winner
        stays.save(update_fields=["lead"])
        stays.members.filter(lead=loser, left_at=None).update(lead=winner)
        detail = {"from_lead": loser.pk, "to_lead": winner.pk}
        _write(stays, "merged", now=now, by=by, from_phase=stays.phase, to_phase=stays.phase, detail=detail)
        holding.hold(loser, user=None, team=None, now=now)
        lifecycle.move(winner, stage, cause="merge", now=now, by=by)
    holding.hold(winner, user=user, team=team, now=now)


@business
def erase_episode(lead: Lead, *, now: datetime, by: User | None = None) -> None:
    """A person was erased: their open episode closes as *erased*, and nothing about them is scored any more."""
    episode = open_for(lead.pk)
    if episode is not None:
        close(episode, ClosedAs.ERASED, now=now, by=by)
    _forget_judgements([lead.pk], now=now)


def _forget_judgements(lead_ids: list[int], *, now: datetime) -> None:
    """Nobody is judged under these leads any more: their scores go, and no qualification waits for release."""
    Score.objects.filter(lead__in=lead_ids).delete()
    Qualification.objects.filter(lead__in=lead_ids, waiting=True).update(
        waiting=False, settled_as=Qualification.Settled.DISMISSED, settled_at=now
    )


def _settle(qualification: Qualification, episode: Episode, *, now: datetime, by: User | None) -> None:
    """Tie a qualification to the episode it led to; a waiting one waits no longer."""
    qualification.episode = episode
    fields = ["episode"]
    if qualification.waiting:
        qualification.waiting = False
        qualification.settled_as = Qualification.Settled.RELEASED if by is not None else Qualification.Settled.OVERTAKEN
        qualification.settled_at, qualification.settled_by = now, by
        fields += ["waiting", "settled_as", "settled_at", "settled_by"]
    qualification.save(update_fields=fields)


def _write(
    episode: Episode,
    what: str,
    *,
    now: datetime,
    by: User | None = None,
    from_phase: str = "",
    to_phase: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """The one history row of a verb."""
    EpisodeChange.objects.create(
        episode=episode, what=what, at=now, by=by, from_phase=from_phase, to_phase=to_phase, detail=detail or {}
    )
