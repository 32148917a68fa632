"""Routing: a waiting episode is offered to the rep whom the decision names. Every offer keeps the whole answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from leads.locks import LeadGone, lock_lead
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode, Lane
from sla import handoffs
from sla.handoffs import moves
from sla.models import Handoff
from sla.routing import deciding, looks, on_paper, signaling, waiting
from sla.routing.books import LASTS, Books
from sla.routing.choosing import Matter
from sla.routing.deciding import Decision
from sla.routing.ends import Ends
from sla.routing.waiting import waiting_page

log = structlog.get_logger(__name__)

PAGE = 200


@business
def route(episode_id: int, *, now: datetime, books: Books | None = None) -> Handoff | None:
    """Offer one waiting episode to a rep; None where it does not wait (any more), or nobody can take it yet.

    On a named date the same rep gets it, and on a hand-raise out of nurture the previous one; else the first rule that
    holds and whose team has somebody eligible, as the rule says. Hand-raises and named dates pass capacity. A signal
    goes to whoever has the lead, or a manager. Why nobody was found is kept; `books` are the rules and calendars read
    for the whole round. What runs in shadow is offered on paper, and nobody is told: None.
    """
    lead_id = Episode.objects.filter(pk=episode_id).values_list("lead_id", flat=True).first()
    if lead_id is None:
        return None
    try:
        lead = lock_lead(lead_id)
    except LeadGone:
        return None
    episode = episodes.lock(episode_id)
    if not waiting.is_ready(episode, now=now):
        return None
    episode.lead = lead
    if episode.lane == Lane.SIGNAL:
        return signaling.hand_over(episode, lead, now=now)
    # Teams are looked at without locks; only the desk of the one that can is locked, and everything is counted again.
    books = books or Books(now)
    decision, matter = deciding.look(episode, lead, now=now, books=books)
    if decision.ends != Ends.OFFER or matter is None:
        looks.keep(episode, decision, now=now)
        if books.shadows:
            on_paper.found_nobody(episode, decision, now=now)
        return None
    final = deciding.look_again(decision, matter)
    return offer(final, matter) if final is not None else None


def route_waiting(clock: Callable[[], datetime], *, waited_for: timedelta = waiting.NO_WAIT) -> int:
    """Route everyone in line, one transaction each; returns how many offers were made. One failing stops nobody."""
    offered, failed = 0, 0
    books = Books(clock())
    while page := waiting_page(now=clock(), limit=PAGE, skip=failed, waited_for=waited_for):
        for episode_id in page:
            now = clock()
            if now - books.at > LASTS:
                books = Books(now)
            made = _try(episode_id, now=now, books=books)
            offered += made is True
            failed += made is None
    return offered


def _try(episode_id: int, *, now: datetime, books: Books) -> bool | None:
    """Whether an offer was made; None where it stays in line, because it failed or somebody else took the last room."""
    try:
        if route(episode_id, now=now, books=books) is not None:
            return True
    except Exception:
        log.exception("routing_failed", episode=episode_id)
        return None
    return None if episode_id in waiting_page(now=now, limit=1, only=episode_id) else False


def offer(decision: Decision, matter: Matter) -> Handoff | None:
    """Offer it as decided, under the lock of the team's rotation, and let the rotation go on.

    None where the rep's last room was taken in another team, or they left in between; and where it is on paper.
    """
    chosen, team, _, version = decision.offer
    if not on_paper.is_live(decision, matter):
        return None
    try:
        handoff = handoffs.offer(
            matter.episode,
            rep=moves.lock_rep(chosen.rep.user_id),
            team=team,
            rule=decision.rule,
            policy_version=version,
            now=decision.at,
            why=decision.why,
            trace=decision.trace(),
            override=decision.override,
        )
    except (handoffs.OverCapacity, handoffs.InactiveRep, handoffs.AwayRep):
        return None  # refused before anything was written
    turn = decision.turn
    if turn is not None and turn.rotation is not None and turn.span is not None:
        turn.rotation.take(turn.span, chosen.rep, handoff, now=decision.at)
    return handoff
