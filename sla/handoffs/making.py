"""New hops: the next hand-off of an episode with its first history row, one or many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max

from leads.models import User
from scoring.models import Episode
from sla.models import Handoff, HandoffChange, RoutingRule, State
from sla.telling import events


def create(
    episode: Episode,
    *,
    to: User,
    state: str,
    now: datetime,
    by: User | None,
    why: str,
    not_before: datetime | None = None,
    **fields: Any,
) -> Handoff:
    """Write the next hop of an episode with its first history row; endpoints hear of it at `not_before`."""
    last = Handoff.objects.filter(episode=episode).aggregate(last=Max("hop"))["last"]
    handoff = next_hop(episode, after=last, to=to, state=state, now=now, **fields)
    write_hops([(handoff, why)], by=by, not_before=not_before)
    return handoff


def next_hop(episode: Episode, *, after: int | None, to: User, state: str, now: datetime, **fields: Any) -> Handoff:
    """The hop that comes after that one, or an episode's first; not yet written."""
    rule: RoutingRule | None = fields.get("rule")
    return Handoff(
        episode=episode,
        user=to,
        hop=(after or 0) + 1,
        state=state,
        tier=episode.tier,
        source=episode.lead.source,
        offered_at=now,
        accepted_at=now if state == State.ACCEPTED else None,
        rule_version=rule.version if rule is not None else None,
        **{"lane": episode.lane} | fields,
    )


def write_hops(hops: Sequence[tuple[Handoff, str]], *, by: User | None, not_before: datetime | None = None) -> None:
    """Write new hops, each with why it was made as its first history row, and tell of them."""
    made = Handoff.objects.bulk_create(handoff for handoff, _ in hops)
    HandoffChange.objects.bulk_create(
        HandoffChange(
            handoff=handoff, from_state="", to_state=handoff.state, at=handoff.offered_at, by=by, why=why[:60]
        )
        for handoff, why in hops
    )
    events.all_offered(made, not_before=not_before)
