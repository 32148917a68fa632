"""An absence begins: what is on offer moves on, not counted against the rep; what they accepted has a grace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.db import Error, connection

from leads.locks import LeadGone, lock_lead
from leads.models import User
from leads.transactions import business
from sla import handoffs
from sla.models import Absence, AbsenceChange, Handoff, Rep, State
from sla.people import absences, holding_back, left_behind

ABSENCE = "absence"


def due_page(*, now: datetime, limit: int) -> list[tuple[datetime, int]]:
    """Absences whose beginning has come and was not acted on yet, with when, the longest ago first.

    One whose action failed is left alone for a minute.
    """
    begun = Absence.objects.filter(holding_back.ready(now=now), begun_at=None, starts_at__lte=now)
    return list(begun.order_by("starts_at", "id").values_list("starts_at", "id")[:limit])


def begin(absence_id: int, *, now: datetime) -> int:
    """Act on the beginning of an absence: each offer moves on, one transaction each; returns how many did.

    What was accepted is left behind with them for the grace of its policy. Ends by marking the absence as begun, once
    nothing is on offer to the rep any more; may be called any number of times. An absence that is over by now, or was
    cancelled meanwhile, moves nothing. Where one lead fails the others move all the same; then the absence is held back
    and tried again, and the failure is raised.
    """
    with holding_back.where_it_fails(Absence.objects.filter(pk=absence_id, begun_at=None), now=now):
        return _begin(absence_id, now=now)


def _begin(absence_id: int, *, now: datetime) -> int:
    absence = Absence.objects.select_related("rep").filter(pk=absence_id).first()
    if absence is None or absence.starts_at > now:
        return 0
    moved, left, tried = 0, 0, set[int]()
    failed: list[Exception] = []
    take_away = partial(move_on, now=now, why=ABSENCE, states=[State.OFFERED], as_of=absence.counts_from)
    leave = partial(left_behind.leave, absence=absence, now=now)
    while True:
        if absence.ends_at > now:
            offered = _held(absence, State.OFFERED)
            tried.update(offered)
            moved += _each(offered, take_away, failed)
            left += _each(_held(absence, State.ACCEPTED), leave, failed)
        if failed:
            raise failed[0]
        if _mark_begun(absence_id, tried=tried, moved=moved, left=left, now=now):
            return moved


def _each(handoff_ids: Iterable[int], verb: Callable[[int], bool], failed: list[Exception]) -> int:
    """Do this with each of these hand-offs; returns with how many something was done."""
    done = 0
    for handoff_id in handoff_ids:
        try:
            done += verb(handoff_id)
        except Error as error:
            if connection.in_atomic_block or not connection.is_usable():
                raise
            failed.append(error)
        except Exception as error:
            failed.append(error)
    return done


@business
def move_on(
    handoff_id: int,
    *,
    now: datetime,
    why: str,
    states: Iterable[str],
    by: User | None = None,
    as_of: datetime | None = None,
) -> bool:
    """Take one open hand-off away under its lead's lock; False where it was answered in the meantime."""
    handoff = Handoff.objects.select_related("episode").get(pk=handoff_id)
    try:
        lock_lead(handoff.episode.lead_id)
    except LeadGone:
        return False
    handoff.refresh_from_db(fields=["state"])
    if handoff.state not in states:
        return False
    handoffs.move_on(handoff, why=why, now=now, by=by, as_of=as_of)
    return True


def _held(absence: Absence, state: State) -> list[int]:
    """What is in this state with the rep, in the order in which leads are locked."""
    held = Handoff.objects.filter(user=absence.rep.user_id, state=state)
    return list(held.order_by("episode__lead_id", "id").values_list("id", flat=True))


@business
def _mark_begun(absence_id: int, *, tried: set[int], moved: int, left: int, now: datetime) -> bool:
    """Mark it; False where something was offered to the rep in between, which was then seen by nobody.

    From here on nothing is: offers are made under the rep's lock as well.
    """
    Rep.objects.select_for_update(of=("self",)).filter(absences=absence_id).first()
    absence = Absence.objects.select_for_update(of=("self",)).select_related("rep").filter(pk=absence_id).first()
    if absence is None or absence.begun_at is not None or absence.starts_at > now:
        return True
    if absence.ends_at > now and not tried.issuperset(_held(absence, State.OFFERED)):
        return False
    absence.begun_at, absence.held_back_at, absence.held_back_why = now, None, ""
    absence.save(update_fields=["begun_at", "held_back_at", "held_back_why"])
    absences.record(absence, AbsenceChange.What.BEGUN, now=now, by=None, moved=moved, left_behind=left)
    return True
