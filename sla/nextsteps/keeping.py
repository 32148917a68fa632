"""Next steps as other verbs change things: planned on accepting and after touches, put back on undo, snoozes cut.

The hand-off is locked by the caller. Each change of the row leaves one row of history.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Min

from leads.models import User
from sla.models import Clock, Handoff, NextStepChange, State
from sla.nextsteps import cadence

FIELDS = ("next_step_at", "next_step", "next_step_is_own", "snoozed_until")
Why = NextStepChange.Why


def write(handoff: Handoff, *, why: str, now: datetime, by: User | None, **fields: object) -> None:
    """Set these and leave the others; what is as it was leaves no row."""
    before = tuple(getattr(handoff, name) for name in FIELDS)
    for name, value in fields.items():
        setattr(handoff, name, value)
    if before == tuple(getattr(handoff, name) for name in FIELDS):
        return
    handoff.save(update_fields=FIELDS)
    NextStepChange.objects.create(
        handoff=handoff,
        why=why,
        step_at=handoff.next_step_at,
        step=handoff.next_step,
        is_own=handoff.next_step_is_own,
        snoozed_until=handoff.snoozed_until,
        at=now,
        by=by,
    )


def plan(handoff: Handoff, *, why: str, now: datetime, by: User | None) -> None:
    """What comes next is what the cadence says, and the row is in sight."""
    step = cadence.next_of(handoff, now=now)
    write(
        handoff,
        why=why,
        now=now,
        by=by,
        next_step_at=step.at,
        next_step=step.what,
        next_step_is_own=False,
        snoozed_until=None,
    )


def touched(handoff: Handoff, *, at: datetime, now: datetime, by: User | None) -> None:
    """Somebody reached out: that was the step, unless one was set by hand for a later day, in the rep's zone."""
    zone = ZoneInfo(handoff.user.time_zone)
    is_later = handoff.next_step_at is not None and handoff.next_step_at.astimezone(zone).date() > (
        at.astimezone(zone).date()
    )
    if not (handoff.next_step_is_own and is_later):
        plan(handoff, why=Why.TOUCH, now=now, by=by)


def met_by(handoff: Handoff, meeting_at: datetime) -> bool:
    """Whether a meeting at that moment comes next: it does, unless the rep has set a later step of their own."""
    own = handoff.next_step_at if handoff.next_step_is_own else None
    return own is None or own <= meeting_at


def booked(handoff: Handoff, *, meeting_at: datetime, now: datetime, by: User | None) -> bool:
    """A meeting was booked: that is the next step, and the row is in sight until then. False where theirs stays.

    No clock stops; the cadence leaves the meeting alone until its day.
    """
    if meeting_at <= now or not met_by(handoff, meeting_at):
        return False
    write(
        handoff,
        why=Why.MEETING,
        now=now,
        by=by,
        next_step_at=meeting_at,
        next_step=cadence.MEETING,
        next_step_is_own=True,
        snoozed_until=None,
    )
    return True


def raised(handoff: Handoff, *, now: datetime) -> None:
    """The person asked for us: whatever was planned, and however long it was to be out of sight, this comes first."""
    if handoff.state == State.ACCEPTED:
        plan(handoff, why=Why.HAND_RAISE, now=now, by=None)
    else:
        write(handoff, why=Why.HAND_RAISE, now=now, by=None, snoozed_until=None)


def retimed(handoff: Handoff | None, *, now: datetime, by: User | None) -> None:
    """A promise of it was timed anew: a step of the cadence goes with it, and no snooze outlasts a warning."""
    if handoff is None or not handoff.is_open:
        return
    if handoff.state == State.ACCEPTED and not handoff.next_step_is_own:
        step = cadence.next_of(handoff, now=now)
        write(handoff, why=Why.RETIMED, now=now, by=by, next_step_at=step.at, next_step=step.what)
    cut(handoff, now=now)


def cut(handoff: Handoff, *, now: datetime) -> None:
    """No snooze lasts longer than until the next warning."""
    limit = next_warning(handoff)
    if limit is not None and handoff.snoozed_until is not None and limit < handoff.snoozed_until:
        write(handoff, why=Why.CUT, now=now, by=None, snoozed_until=limit)


def next_warning(handoff: Handoff) -> datetime | None:
    """When one of its clocks acts next: a warning, the breach, or a later step of the ladder."""
    running = Clock.objects.filter(handoff=handoff, verdict="")
    at: datetime | None = running.aggregate(at=Min("next_step_at"))["at"]
    return at


def put_back(handoff: Handoff, newest_then: int, *, now: datetime, by: User | None) -> None:
    """As it stood when this was the newest row of the history."""
    then = NextStepChange.objects.filter(handoff=handoff, pk__lte=newest_then).order_by("-pk").first()
    write(
        handoff,
        why=Why.UNDO,
        now=now,
        by=by,
        next_step_at=then.step_at if then is not None else None,
        next_step=then.step if then is not None else "",
        next_step_is_own=then.is_own if then is not None else False,
        snoozed_until=then.snoozed_until if then is not None else None,
    )
