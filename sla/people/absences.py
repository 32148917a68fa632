"""Reps who are away or gone: what is on offer to them moves on, and is not counted against them.

What an absent rep has accepted stays with them, clocks and all; a manager may take it away. A rep who leaves keeps
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from leads.locks import LeadGone, lock_lead
from leads.models import User
from leads.transactions import business
from sla import handoffs
from sla.models import OPEN_STATES, Absence, Handoff, Rep, State

ABSENCE = "absence"
GONE = "gone"


def away(*, now: datetime) -> set[int]:
    """Ids of the reps who are away at this moment."""
    return set(Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).values_list("rep_id", flat=True))


def due_page(*, now: datetime, limit: int) -> list[int]:
    """Absences whose beginning has come and was not acted on yet, the longest ago first."""
    begun = Absence.objects.filter(begun_at=None, starts_at__lte=now)
    return list(begun.order_by("starts_at", "id").values_list("id", flat=True)[:limit])


def begin(absence_id: int, *, now: datetime) -> int:
    """Act on the beginning of an absence: each offer moves on, one transaction each; returns how many did.

    Ends by marking the absence as begun, once nothing is on offer to the rep any more; may be called any number of
    times. An absence that is over by now moves nothing.
    """
    absence = Absence.objects.select_related("rep").get(pk=absence_id)
    moved = 0
    if absence.ends_at > now:
        offered = Handoff.objects.filter(user=absence.rep.user_id, state=State.OFFERED)
        for handoff_id in offered.order_by("episode__lead_id", "id").values_list("id", flat=True):
            moved += _move_on(handoff_id, now=now, why=ABSENCE, states=[State.OFFERED])
    _mark_begun(absence_id, now=now)
    return moved


@business
def leave(rep_id: int, *, now: datetime, by: User | None) -> int:
    """A rep receives no leads any more: everything open moves on, accepted hand-offs too. Returns how many."""
    rep = Rep.objects.select_related("user").get(pk=rep_id)
    held = Handoff.objects.filter(user=rep.user_id, state__in=OPEN_STATES)
    ids = list(held.order_by("episode__lead_id", "id").values_list("id", flat=True))
    moved = sum(_move_on(each, now=now, why=GONE, states=OPEN_STATES, by=by) for each in ids)
    rep = Rep.objects.select_for_update().get(pk=rep_id)
    rep.is_active = False
    rep.save(update_fields=["is_active"])
    return moved


@business
def _move_on(handoff_id: int, *, now: datetime, why: str, states: Iterable[str], by: User | None = None) -> bool:
    """Take one open hand-off away under its lead's lock; False where it was answered in the meantime."""
    handoff = Handoff.objects.select_related("episode").get(pk=handoff_id)
    try:
        lock_lead(handoff.episode.lead_id)
    except LeadGone:
        return False
    handoff.refresh_from_db(fields=["state"])
    if handoff.state not in states:
        return False
    handoffs.move_on(handoff, why=why, now=now, by=by)
    return True


@business
def _mark_begun(absence_id: int, *, now: datetime) -> None:
    absence = Absence.objects.select_for_update().get(pk=absence_id)
    if absence.begun_at is None:
        absence.begun_at = max(now, absence.starts_at)
        absence.save(update_fields=["begun_at"])
