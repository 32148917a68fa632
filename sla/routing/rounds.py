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
from sla.models import Handoff
from sla.routing import deciding, signaling, waiting
from sla.routing.deciding import Decision, Ends
from sla.routing.waiting import waiting_page

log = structlog.get_logger(__name__)

PAGE = 200


@business
def route(episode_id: int, *, now: datetime) -> Handoff | None:
    """Offer one waiting episode to a rep; None where it does not wait (any more), or nobody can take it yet.

    On a named date the same rep gets it, and on a hand-raise out of nurture the previous one; else the first rule that
    holds and whose team has somebody eligible, by round robin. Hand-raises and named dates pass capacity. A signal goes
    to whoever has the lead, or a manager.
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
    decision = deciding.look(episode, lead, now=now)
    final = deciding.look_again(decision, episode) if decision.ends == Ends.OFFER else None
    return _offer(final, episode) if final is not None else None


def route_waiting(clock: Callable[[], datetime], *, waited_for: timedelta = waiting.NO_WAIT) -> int:
    """Route everyone in line, one transaction each; returns how many offers were made. One failing stops nobody."""
    offered, stayed = 0, 0
    while page := waiting_page(now=clock(), limit=PAGE, skip=stayed, waited_for=waited_for):
        for episode_id in page:
            made = _try(episode_id, clock)
            offered += made
            stayed += not made
    return offered


def _try(episode_id: int, clock: Callable[[], datetime]) -> bool:
    try:
        return route(episode_id, now=clock()) is not None
    except Exception:
        log.exception("routing_failed", episode=episode_id)
        return False


def _offer(decision: Decision, episode: Episode) -> Handoff:
    """Offer it as decided, under the lock of the team's rotation, and let the rotation go on."""
    chosen, team, roster, version = decision.offer
    handoff = handoffs.offer(
        episode,
        rep=chosen.rep,
        team=team,
        rule=decision.rule,
        policy_version=version,
        now=decision.at,
        why=decision.why,
        trace=decision.trace(),
        override=decision.override,
    )
    if decision.why == deciding.ROUND_ROBIN:
        roster.desk.last_rep = chosen.rep
        roster.desk.save(update_fields=["last_rep"])
    return handoff
