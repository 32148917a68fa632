"""The moments that are offered for a next step: said as people say them, in the hours and the zone of the viewer."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import NamedTuple

from django.utils import timezone

from sla import worktime
from sla.models import Handoff
from sla.people import calendars
from sla.worktime import Hours, WorktimeError


class Choice(NamedTuple):
    """One moment, and what people call it."""

    label: str
    at: datetime


def moments(handoff: Handoff, *, now: datetime) -> list[Choice]:
    """In an hour, tomorrow, in three days, next week: each when the rep's work begins; of equals the first."""
    hours = calendars.hours_of_rep(handoff.user, handoff.team)
    today = timezone.localtime(now)
    monday = today + timedelta(days=7 - today.weekday())
    wanted = [
        ("In an hour", now.replace(second=0, microsecond=0) + timedelta(hours=1)),
        ("Tomorrow", _begins(hours, today + timedelta(days=1))),
        ("In 3 days", _begins(hours, today + timedelta(days=3))),
        ("Next week", _begins(hours, monday)),
    ]
    found: list[Choice] = []
    for label, at in wanted:
        if at is not None and all(each.at != at for each in found):
            found.append(Choice(label, at))
    return found


def _begins(hours: Hours, day: datetime) -> datetime | None:
    """When work begins on this day of the viewer, or on the next one that has any; where it never ends, at nine."""
    midnight = timezone.make_aware(datetime.combine(day.date(), time()))
    try:
        opens = worktime.next_open(hours, midnight)
    except WorktimeError:
        return None
    return opens if opens > midnight else timezone.make_aware(datetime.combine(day.date(), time(9)))
