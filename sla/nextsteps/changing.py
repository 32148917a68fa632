"""Next steps as people change them: another date, out of sight until then, back again, and undo."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from leads.errors import Invalid, Refused
from leads.models import User
from leads.transactions import business
from leads.words import one_line
from sla.handoffs.moves import UNDO_FOR, Matter, present, take
from sla.models import Handoff, NextStepChange, State
from sla.nextsteps import cadence, keeping

LONGEST_STEP: Final = 120
FARTHEST: Final = timedelta(days=366)

Why = NextStepChange.Why


class NotSnoozed(Refused):
    """It must stay in sight; the sentence says why."""

    title = "Not snoozed"
    code = "not_snoozed"


class NothingToUndo(Refused):
    """No next step or snooze was just set, or something newer stands on it."""

    title = "Not undone"
    code = "cannot_undo"


@business
def set_step(
    handoff_id: int,
    *,
    at: datetime,
    what: str = "",
    hide: bool = False,
    by: User,
    now: datetime,
    seen_version: int | None = None,
) -> Handoff:
    """Say what comes next with an accepted lead, and when; with `hide` its row is out of sight until then.

    No clock stops, and no row is hidden past its next warning: `snoozed_until` of the answer tells how long it is.
    Raises Invalid, NotSnoozed, NotYours, AlreadyDecided.
    """
    matter = take(handoff_id, by=by, now=now)
    matter.expect(State.ACCEPTED, seen_version=seen_version)
    _check(at, now=matter.now)
    step = one_line(what, at_most=LONGEST_STEP) or cadence.FOLLOW_UP
    until = _until(matter, at) if hide else None
    handoff = matter.handoff
    keeping.write(
        handoff,
        why=Why.SNOOZED if hide else Why.SET,
        now=matter.now,
        by=by,
        next_step_at=at,
        next_step=step,
        next_step_is_own=True,
        snoozed_until=until,
    )
    return handoff


@business
def snooze(handoff_id: int, *, until: datetime, by: User, now: datetime, seen_version: int | None = None) -> Handoff:
    """Keep the row out of sight until then, and no longer than until its next warning; no clock stops.

    Of an offer as of an accepted lead, whose next step stays. Raises Invalid, NotSnoozed, NotYours, AlreadyDecided.
    """
    matter = take(handoff_id, by=by, now=now)
    matter.expect(State.OFFERED, State.ACCEPTED, seen_version=seen_version)
    _check(until, now=matter.now)
    keeping.write(matter.handoff, why=Why.SNOOZED, now=matter.now, by=by, snoozed_until=_until(matter, until))
    return matter.handoff


@business
def wake(handoff_id: int, *, by: User, now: datetime) -> Handoff:
    """Bring a snoozed row back into sight before its time; one that is in sight stays there."""
    matter = take(handoff_id, by=by, now=now)
    matter.expect(State.OFFERED, State.ACCEPTED, seen_version=None)
    keeping.write(matter.handoff, why=Why.WOKEN, now=matter.now, by=by, snoozed_until=None)
    return matter.handoff


@business
def undo(handoff_id: int, *, by: User, now: datetime) -> Handoff:
    """Take back the step or snooze that was just set: within 15 s of it, while nothing newer stands on it.

    Raises NothingToUndo, NotYours.
    """
    matter = take(handoff_id, by=by, now=now)
    last = undoable(matter.handoff, now=matter.now)
    if last is None:
        raise NothingToUndo("There is no snooze or next step to take back here.", **present(matter.handoff))
    keeping.put_back(matter.handoff, last.pk - 1, now=matter.now, by=by)
    return matter.handoff


def undoable(handoff: Handoff, *, now: datetime) -> NextStepChange | None:
    """What undo would take back: the newest change, where a person has just made it and the lead has not moved on."""
    last = handoff.next_steps.order_by("-pk").first()
    if last is None or last.why not in (Why.SET, Why.SNOOZED) or now > last.at + UNDO_FOR or not handoff.is_open:
        return None
    return None if handoff.changes.filter(at__gt=last.at).exists() else last


def _check(at: datetime, *, now: datetime) -> None:
    if at.tzinfo is None or at <= now:
        raise Invalid("Choose a moment to come.", field="until")
    if at > now + FARTHEST:
        raise Invalid("Choose a moment within a year.", field="until")


def _until(matter: Matter, wanted: datetime) -> datetime:
    """As long as wanted, and no longer than until the next warning."""
    limit = keeping.next_warning(matter.handoff)
    if limit is not None and limit <= matter.now:
        raise NotSnoozed(
            "A warning of it is due now, so it stays in sight. Set its next step without hiding it.",
            field="until",
            **present(matter.handoff),
        )
    return min(wanted, limit) if limit is not None else wanted
