"""Offers of many episodes at once: each as if it were made alone, and all of it written together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Max

from leads import holding, lifecycle
from leads.errors import Refused
from leads.holding import Holding
from leads.models import Lead, Stage, Team
from leads.transactions import business
from scoring import episodes
from scoring.episodes import PhaseMove
from scoring.models import Episode, EpisodeChange, Lane, Phase
from sla import clocks
from sla.clocks import hops, targets
from sla.handoffs import making, moves, room
from sla.handoffs.moves import FAST_LANE, AlreadyDecided, AwayRep, InactiveRep
from sla.handoffs.room import Room
from sla.models import Handoff, NextStepChange, PolicyVersion, Rep, RoutingRule, RoutingTrace, State
from sla.nextsteps import keeping
from sla.telling import mails


class OverCapacity(Refused):
    """The rep is full, and nothing was said that lets one more through."""

    code = "over_capacity"


class Offer(NamedTuple):
    """One episode to be offered to one rep, and all that led to it."""

    episode: Episode
    rep: Rep
    team: Team
    rule: RoutingRule | None
    policy_version: PolicyVersion
    why: str
    trace: dict[str, Any]
    # Why a full rep is given one more.
    override: str | None = None


@business
def offer_all(offers: Sequence[Offer], *, now: datetime) -> list[Handoff]:
    """Offer each of these waiting episodes to its rep: assign is met, accept and first touch start, the rep is told.

    In the fast lane Baton accepts at once: no accept clock, stage SAL, and no acceptance is recorded. They count in the
    order given: each has the room, and is promised the time, that those before it leave. Episodes with their leads and
    the reps are locked by the caller, and as they were just read. Raises OverCapacity, InactiveRep, AwayRep and
    AlreadyDecided before anything is written.
    """
    if not offers:
        return []
    rooms = _rooms(offers, now=now)
    joined = episodes.colleagues_of([each.episode for each in offers])
    made = list(_made(offers, now=now))
    making.write_hops([(handoff, _why(each)) for handoff, each in zip(made, offers, strict=True)], by=None)
    RoutingTrace.objects.bulk_create(
        RoutingTrace(handoff=handoff, trace=each.trace) for handoff, each in zip(made, offers, strict=True)
    )
    for handoff, each, here in zip(made, offers, rooms, strict=True):
        room.pass_capacity(handoff, each.rep, room=here, why=(each.override or "")[:60], now=handoff.offered_at)
    _meet_assign(made)
    promised = hops.start_offered(made, why="offer")
    for handoff in made:
        if handoff.state == State.ACCEPTED:
            keeping.plan(handoff, why=NextStepChange.Why.ACCEPTED, now=handoff.offered_at, by=None)
    _go_on(made, joined)
    mails.new_leads(made, promised)
    return made


def _rooms(offers: Sequence[Offer], *, now: datetime) -> list[Room]:
    """What room each rep has before each offer. Raises where one can't be made."""
    left = room.rooms_of([each.rep for each in offers], now=now)
    away = moves.who_is_away(left, now=now)
    found = []
    for each in offers:
        if each.episode.phase != Phase.WAITING:
            raise AlreadyDecided("This episode does not wait for a rep.", phase=each.episode.phase)
        if not each.rep.is_active:
            raise InactiveRep(f"{each.rep.user} receives no leads any more.")
        if each.rep.pk in away:
            raise AwayRep(f"{each.rep.user} is away. Choose somebody else.")
        here = left[each.rep.pk]
        if here.is_full and not each.override:
            raise OverCapacity(f"{each.rep.user} has no room: {here}.")
        left[each.rep.pk] = here.with_one_more()
        found.append(here)
    return found


def _made(offers: Sequence[Offer], *, now: datetime) -> Iterator[Handoff]:
    """The hops, not yet written; none comes before the last history row of its episode."""
    wanted = [each.episode.pk for each in offers]
    rows = EpisodeChange.objects.filter(episode__in=wanted).order_by()
    newest: dict[int, datetime] = dict(rows.values_list("episode").annotate(Max("at")))
    before = Handoff.objects.filter(episode__in=wanted).order_by()
    hop: dict[int, int] = dict(before.values_list("episode").annotate(Max("hop")))
    for each in offers:
        yield making.next_hop(
            each.episode,
            after=hop.get(each.episode.pk),
            to=each.rep.user,
            state=State.ACCEPTED if each.episode.lane == Lane.FAST else State.OFFERED,
            now=max(now, newest.get(each.episode.pk, now)),
            team=each.team,
            rule=each.rule,
            policy_version=each.policy_version,
        )


def _why(offer: Offer) -> str:
    return FAST_LANE if offer.episode.lane == Lane.FAST else offer.why


def _meet_assign(made: Sequence[Handoff]) -> None:
    at = {handoff.episode_id: handoff.offered_at for handoff in made}
    running = targets.running_assigns(handoff.episode for handoff in made)
    clocks.meet_all([(clock, at[clock.episode_id]) for clock in running], now=max(at.values()))


def _go_on(made: Sequence[Handoff], joined: Mapping[int, Sequence[Lead]]) -> None:
    """The episodes' phases, and whose the leads and their colleagues are."""
    episodes.set_phases(
        [
            PhaseMove(
                handoff.episode,
                Phase.ACCEPTED if handoff.state == State.ACCEPTED else Phase.OFFERED,
                handoff.offered_at,
                {"handoff": handoff.pk},
            )
            for handoff in made
        ]
    )
    held = []
    for handoff in made:
        now = handoff.offered_at
        for lead in (handoff.episode.lead, *joined.get(handoff.episode_id, ())):
            if handoff.state == State.ACCEPTED:
                lifecycle.move(lead, Stage.SAL, cause="verdict", now=now, note="Fast lane")
            if handoff.lane != Lane.SIGNAL:
                held.append(Holding(lead, handoff.user, handoff.team, now))
    holding.hold_all(held)
