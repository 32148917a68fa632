"""A team's working days, and how many of its reps work: what an order's pace is counted in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from leads.models import Organization, Team
from sla.models import Absence, Rep
from sla.people import calendars
from sla.worktime import Hours, WorktimeError, next_open

A_YEAR: Final = 366


def reps_at_work(team: Team, *, now: datetime) -> QuerySet[Rep]:
    """The active reps of a team who are not away."""
    away = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).values("rep")
    members = Rep.objects.filter(user__memberships__team=team, is_active=True, user__is_active=True)
    return members.exclude(pk__in=away).distinct()


def today(team: Team, *, now: datetime) -> date:
    """The date by the team's calendar."""
    return now.astimezone(_zone(calendars.team_hours(team))).date()


def day_at_work(team: Team, *, now: datetime) -> date | None:
    """The working day of the team that has begun; None before it opens, and on days on which it does not."""
    hours = calendars.team_hours(team)
    zone = _zone(hours)
    day = now.astimezone(zone).date()
    opens = _opens(hours, day, zone)
    return day if opens is not None and opens <= now else None


def days_from(team: Team, first: date) -> Iterator[date]:
    """The team's working days from this one on, of a year."""
    hours = calendars.team_hours(team)
    zone = _zone(hours)
    days = (first + timedelta(days=number) for number in range(A_YEAR))
    return (day for day in days if _opens(hours, day, zone) is not None)


def _zone(hours: Hours) -> ZoneInfo:
    """The zone of the team's calendar, or the organization's where it has none."""
    if hours.calendars:
        return ZoneInfo(hours.calendars[0].time_zone)
    return ZoneInfo(Organization.objects.values_list("time_zone", flat=True).first() or "UTC")


def _opens(hours: Hours, day: date, zone: ZoneInfo) -> datetime | None:
    """When a day's first hours begin; None where it has none."""
    midnight = datetime.combine(day, time(), zone)
    try:
        opens = next_open(hours, midnight)
    except WorktimeError:
        return None
    return opens if opens.astimezone(zone).date() == day else None
