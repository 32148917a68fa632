"""Signals in hand: what somebody known asks for, offered to one of ours who need not be a rep.

A signal has a clock and an answer. Its verdicts move no stage, spend nothing and write no Outcome; it takes nobody's
room and no turn.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leads.models import Lead, Team, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode, Phase
from sla import clocks
from sla.clocks import hops, targets
from sla.handoffs import making, moves
from sla.handoffs.moves import AlreadyDecided, last_rows
from sla.models import Handoff, PolicyVersion, RoutingTrace, State
from sla.telling import mails


@business
def offer_signal(
    episode: Episode,
    *,
    to: User,
    team: Team,
    policy_version: PolicyVersion,
    now: datetime,
    why: str,
    trace: dict[str, Any],
) -> Handoff:
    """Offer a waiting signal to one active person: the assign clock is met, first touch starts, they are told.

    Lead and episode are locked by the caller. Raises InactiveRep, AlreadyDecided where it does not wait.
    """
    episode.lead = Lead.objects.select_for_update().get(pk=episode.lead_id)
    if episode.phase != Phase.WAITING:
        raise AlreadyDecided("This signal does not wait for anyone.", phase=episode.phase)
    moves.lock_person(to.pk)
    now = max(now, *last_rows(episode, None))
    handoff = making.create(
        episode, to=to, state=State.OFFERED, now=now, by=None, why=why[:60], team=team, policy_version=policy_version
    )
    RoutingTrace.objects.create(handoff=handoff, trace=trace)
    assign = targets.running_assign(episode)
    if assign is not None:
        clocks.meet(assign, at=now, now=now)
    promised = hops.start_offered([handoff], why="signal")
    episodes.set_phase(episode, Phase.OFFERED, now=now, detail={"handoff": handoff.pk})
    mails.new_leads([handoff], promised)
    return handoff
