"""More time for what is due next: a manager extends the promise of a hand-off that runs out first."""

from __future__ import annotations

from datetime import datetime

from leads.models import User
from leads.transactions import business
from sla.clocks import pausing
from sla.handoffs import moves
from sla.models import Clock, ClockTiming, State


@business
def extend_next(
    handoff_id: int, *, seconds: int, reason: str, by: User, now: datetime, seen_version: int | None = None
) -> ClockTiming:
    """Extend the running promise of an open hand-off that is due first, as `pausing.extend` does.

    Raises NotYours, AlreadyDecided where the page was old, NotExtendable, Invalid.
    """
    matter = moves.take(handoff_id, by=by, now=now)
    matter.expect(State.OFFERED, State.ACCEPTED, seen_version=seen_version)
    nearest = Clock.objects.filter(handoff=handoff_id, verdict="").order_by("due_at", "pk").first()
    if nearest is None:
        raise pausing.NotExtendable("No clock runs on this one, so there is nothing to extend.")
    return pausing.extend(nearest.pk, seconds=seconds, reason=reason, by=by, now=matter.now)
