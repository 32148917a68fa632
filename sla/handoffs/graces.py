"""What a rep who is away has accepted stays with them for the grace of its policy: here that grace begins.

What Baton accepted for them in the fast lane, and they have not touched, they never took in hand: it has no grace.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sla.handoffs.moves import FAST_LANE, standing_absences
from sla.models import Absence, Handoff, LeftBehind, Rep, State
from sla.people import calendars
from sla.worktime import WorktimeError, due_at


def begin(handoff: Handoff, absence: Absence, *, from_at: datetime, now: datetime) -> None:
    """It is left behind until the grace ends, counted in the team's working time from this moment on."""
    grace = 0 if _is_untaken(handoff) else handoff.policy_version.absence_grace
    ends_at = _end(handoff, from_at, grace) if grace else from_at
    LeftBehind.objects.create(handoff=handoff, absence=absence, since=now, due_at=ends_at)


def begin_where_away(handoff: Handoff, rep: Rep, *, now: datetime) -> None:
    """The same of what an away rep, who is locked, has accepted again: whoever acts on their absence won't come back.

    What was left behind by this absence before is not left behind twice.
    """
    absence = standing_absences([rep.pk], now=now).order_by("starts_at").first()
    if absence is None:
        return
    if not LeftBehind.objects.filter(handoff=handoff, absence=absence).exists():
        begin(handoff, absence, from_at=now, now=now)


def _is_untaken(handoff: Handoff) -> bool:
    last = handoff.changes.filter(to_state=State.ACCEPTED).order_by("pk").last()
    return handoff.first_touched_at is None and last is not None and last.why == FAST_LANE


def _end(handoff: Handoff, start: datetime, seconds: int) -> datetime:
    try:
        return due_at(calendars.team_hours(handoff.team), start, seconds=seconds)
    except WorktimeError:
        return start + timedelta(seconds=seconds)  # the team is never open: nights count
