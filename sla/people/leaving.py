"""Reps who leave: everything open moves on, accepted hand-offs too. A rep who leaves keeps nothing."""

from __future__ import annotations

from datetime import datetime

from leads.models import User
from leads.transactions import business
from sla.models import OPEN_STATES, Handoff, Rep
from sla.people.beginning import move_on

GONE = "gone"


@business
def leave(rep_id: int, *, now: datetime, by: User | None) -> int:
    """A rep receives no leads any more: everything open moves on, accepted hand-offs too. Returns how many."""
    rep = Rep.objects.select_related("user").get(pk=rep_id)
    held = Handoff.objects.filter(user=rep.user_id, state__in=OPEN_STATES)
    ids = list(held.order_by("episode__lead_id", "id").values_list("id", flat=True))
    moved = sum(move_on(each, now=now, why=GONE, states=OPEN_STATES, by=by) for each in ids)
    rep = Rep.objects.select_for_update().get(pk=rep_id)
    rep.is_active = False
    rep.save(update_fields=["is_active"])
    return moved
