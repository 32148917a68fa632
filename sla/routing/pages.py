"""A page of waiting episodes, decided one after the other and offered in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leads.transactions import business
from scoring import episodes
from scoring.models import Lane
from sla import handoffs
from sla.handoffs import Offer
from sla.models import Handoff, Rep
from sla.routing import deciding, looks, matters, on_paper, reach, signaling, turns, waiting
from sla.routing.books import Books
from sla.routing.deciding import Decision
from sla.routing.desks import Beyond, Busy, Desks
from sla.routing.ends import Ends
from sla.routing.matters import Matter
from sla.shadow import standing


@dataclass
class Page:
    """What came of it: the offers by episode, and what is left for later."""

    made: dict[int, Handoff] = field(default_factory=dict)
    busy: list[int] = field(default_factory=list)


@business
def route(
    episode_ids: Sequence[int], *, now: datetime, books: Books, wait: bool = True, teams: Collection[int] | None = None
) -> Page:
    """Offer these waiting episodes to reps, in the order given, each as if it were alone; why nobody was found is kept.

    Where it is not to wait, episodes and teams that somebody else is at are left for later; and what goes further than
    to these teams, where some are named. Everything is read once for all of them, and counted on after each. Signals,
    and what may be on paper, come alone. Raises OverCapacity, InactiveRep and AwayRep where a rep's room was taken in
    another team, or they left, in between.
    """
    locked = episodes.lock_waiting(episode_ids, wait=wait)
    ready = waiting.which_are_ready(locked, now=now) if locked else set()
    page = Page(busy=[pk for pk in episode_ids if pk not in locked] if not wait else [])
    line = [locked[pk] for pk in episode_ids if pk in ready]
    for episode in line:
        if episode.lane == Lane.SIGNAL:
            handoff = signaling.hand_over(episode, episode.lead, now=now)
            page.made |= {episode.pk: handoff} if handoff is not None else {}
    line = [episode for episode in line if episode.lane != Lane.SIGNAL]
    if not line:
        return page
    desks = Desks(now, midnight=books.midnight(now))
    read = list(matters.read([(each, each.lead) for each in line], now=now, books=books, desks=desks))
    try:
        desks.lock(reach.of_all(read) if teams is None else teams, wait=wait)
    except Busy:
        page.busy += [episode.pk for episode in line]
        return page
    # Something may have gone into shadow or live since the books were opened: the next round asks anew.
    if standing.read() == books.shadows:
        decided = []
        for matter in read:
            try:
                decided.append((matter, _decide(matter)))
            except Beyond:
                page.busy.append(matter.episode.pk)
        page.made |= _offer(decided, desks, now=now)
    return page


def _decide(matter: Matter) -> Decision:
    """The decision, counted on for those that come after it."""
    decision = deciding.look(matter, now=matter.now)
    chosen, turn = decision.chosen, decision.turn
    if decision.ends != Ends.OFFER or decision.shadow is not None or chosen is None:
        return decision
    matter.desks.count(chosen.rep)
    if turn is not None and turn.rotation is not None and turn.span is not None:
        turn.rotation.take(turn.span, chosen.rep, episode_id=matter.episode.pk, now=decision.at)
    return decision


def _offer(decided: Collection[tuple[Matter, Decision]], desks: Desks, *, now: datetime) -> dict[int, Handoff]:
    """Make the offers of these decisions, under the locks of the rotations, and keep why the others got none."""
    left = [(matter.episode, decision) for matter, decision in decided if decision.ends != Ends.OFFER]
    looks.keep(left, now=now)
    for matter, decision in decided:
        if decision.ends != Ends.OFFER and matter.books.shadows:
            on_paper.found_nobody(matter.episode, decision, now=now)
    found = [(matter, decision) for matter, decision in decided if decision.ends == Ends.OFFER]
    found = [(matter, decision) for matter, decision in found if on_paper.is_live(decision, matter)]
    users = {decision.offer.chosen.rep.user_id for _, decision in found}
    rows = Rep.objects.select_for_update(of=("self",)).select_related("user").filter(user__in=users).order_by("pk")
    reps = {rep.pk: rep for rep in rows}
    made = handoffs.offer_all([_as_offer(matter, decision, reps) for matter, decision in found], now=now)
    by_episode = {handoff.episode_id: handoff for handoff in made}
    turns.write(desks.rotations(), by_episode)
    return by_episode


def _as_offer(matter: Matter, decision: Decision, reps: dict[int, Rep]) -> Offer:
    chosen, team, _, version = decision.offer
    rep, trace = reps[chosen.rep.pk], decision.trace()
    return Offer(matter.episode, rep, team, decision.rule, version, decision.why, trace, decision.override)
