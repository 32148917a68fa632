"""An episode ends: closed by a verdict or otherwise, merged into another, or with the person it was about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leads import holding, lifecycle
from leads.marking import mark
from leads.models import Lead, User
from leads.transactions import business
from scoring import signals
from scoring.episodes.company import leave, put_back
from scoring.episodes.rows import EpisodeRefused, open_for, write
from scoring.models import ClosedAs, Episode, Lane, Qualification, Score

# Ends after which the principal's stage goes back to what it was when the episode opened.
PUTS_STAGE_BACK = frozenset({ClosedAs.COOLED, ClosedAs.WITHDRAWN})


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

    A verdict has moved those who joined by now; where it ends otherwise, their stage goes back and they are judged
    anew. sla withdraws an open hand-off and voids the clocks by the bell, in the same transaction.
    """
    if episode.closed_at is not None:
        raise EpisodeRefused("This episode has already ended.", closed_as=episode.closed_as)
    before = episode.phase
    episode.phase, episode.waiting_since, episode.route_not_before = "", None, None
    episode.closed_at, episode.closed_as = now, closed_as
    episode.save(update_fields=["phase", "waiting_since", "route_not_before", "closed_at", "closed_as"])
    members = list(episode.members.filter(left_at=None).select_related("lead").order_by("lead_id"))
    episode.members.filter(left_at=None).update(left_at=now)
    write(episode, "closed", now=now, by=by, from_phase=before, detail={"closed_as": closed_as} | (detail or {}))
    for member in members:
        if member.lead_id != episode.lead_id:
            put_back(member.lead, member.stage_before, now=now, by=by)
        elif closed_as in PUTS_STAGE_BACK and episode.lane != Lane.SIGNAL:
            _put_principal_back(episode, member.lead, now=now, by=by)
    # Behind an open signal nothing else of the lead was looked at.
    free = [member.lead_id for member in members if member.lead_id != episode.lead_id or episode.lane == Lane.SIGNAL]
    mark(free, now=now)
    signals.episode_closed.send(Episode, episode=episode, closed_as=closed_as, by=by, now=now)


def _put_principal_back(episode: Episode, lead: Lead, *, now: datetime, by: User | None) -> None:
    if lead.stage in lifecycle.WORKED:
        lifecycle.move(lead, episode.stage_before, cause=episode.closed_as, now=now, by=by)
        episode.lead = lead


@business
def overtake(standing: Qualification, *, now: datetime) -> None:
    """A live qualification came before anyone released this standing one: it waits no longer."""
    standing.waiting, standing.settled_as, standing.settled_at = False, Qualification.Settled.OVERTAKEN, now
    standing.save(update_fields=["waiting", "settled_as", "settled_at"])


@business
def merge_episodes(winner: Lead, loser: Lead, *, now: datetime, by: User | None = None) -> None:
    """Two leads became one: of their open places one stays, and is the winner's.

    A matter of one's own comes before a colleague's that one joined, and both before a signal; of equals the older. The
    other matter closes as *merged*; from a colleague's matter only this one leaves. The stage is that of the episode
    that stays, and so is whoever holds the lead. What waited for release under the other name is judged anew.
    """
    places = [(open_for(lead.pk), lead) for lead in (winner, loser)]
    opened = [(episode, lead) for episode, lead in places if episode is not None]
    _forget_judgements([loser.pk], now=now)
    if not opened:
        return
    opened.sort(key=lambda place: _rank(*place))
    stays, place = opened[0]
    # Read before the other closes: its end takes the lead from whoever held it.
    holder = Lead.objects.select_related("holder", "holder_team").get(pk=place.pk)
    user, team, stage = holder.holder, holder.holder_team, loser.stage
    for other, lead in opened[1:]:
        if lead.pk != other.lead_id:
            leave(other, lead, why="merged", now=now, by=by)
        elif other.pk != stays.pk:
            close(other, ClosedAs.MERGED, now=now, by=by, detail={"goes_on_in": stays.pk})
    if place.pk == loser.pk:
        _hand_over(stays, winner, loser, now=now, by=by)
        if stays.lane != Lane.SIGNAL:
            lifecycle.move(winner, stage, cause="merge", now=now, by=by)
    holding.hold(winner, user=user, team=team, now=now)


def _rank(episode: Episode, lead: Lead) -> tuple[Any, ...]:
    return (episode.lane == Lane.SIGNAL, lead.pk != episode.lead_id, episode.opened_at, episode.pk)


def _hand_over(episode: Episode, winner: Lead, loser: Lead, *, now: datetime, by: User | None) -> None:
    """The loser's place in an open episode is the winner's from now on."""
    if episode.lead_id == loser.pk:
        episode.lead = winner
        episode.save(update_fields=["lead"])
    episode.members.filter(lead=loser, left_at=None).update(lead=winner)
    write(episode, "merged", now=now, by=by, detail={"from_lead": loser.pk, "to_lead": winner.pk})
    holding.hold(loser, user=None, team=None, now=now)


@business
def erase_episode(lead: Lead, *, now: datetime, by: User | None = None) -> None:
    """A person was erased: their own open episode closes as *erased*, a colleague's goes on without them."""
    episode = open_for(lead.pk)
    if episode is not None and episode.lead_id == lead.pk:
        close(episode, ClosedAs.ERASED, now=now, by=by)
    elif episode is not None:
        leave(episode, lead, why="erased", now=now, by=by)
    _forget_judgements([lead.pk], now=now)


def _forget_judgements(lead_ids: list[int], *, now: datetime) -> None:
    """Nobody is judged under these leads any more: their scores go, and no qualification waits for release."""
    Score.objects.filter(lead__in=lead_ids).delete()
    Qualification.objects.filter(lead__in=lead_ids, waiting=True).update(
        waiting=False, settled_as=Qualification.Settled.DISMISSED, settled_at=now
    )
