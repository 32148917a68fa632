"""What a rep who is away has accepted stays with them for the grace of its policy: here that grace begins."""

from __future__ import annotations

from datetime import datetime, timedelta

from sla.handoffs.moves import standing_absences
from sla.models import Absence, Handoff, LeftBehind, Rep
from sla.people import calendars
from sla.worktime import WorktimeError, due_at


def begin(handoff: Handoff, absence: Absence, *, from_at: datetime, now: datetime) -> None:
    """It is left behind until the grace ends, counted in the team's working time from this moment on."""
    ends_at = _end(handoff, from_at, handoff.policy_version.absence_grace)
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


def _end(handoff: Handoff, start: datetime, seconds: int) -> datetime:
    try:
        return due_at(calendars.team_hours(handoff.team), start, seconds=seconds)
    except WorktimeError:
        return start + timedelta(seconds=seconds)  # the team is never open: nights count
