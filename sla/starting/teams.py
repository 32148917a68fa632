"""A first team: its hours with the public holidays of its region, and its place in the relay."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from leads.errors import Invalid
from leads.models import Team, User
from leads.transactions import business
from sla import publishing
from sla.holidays import plans
from sla.holidays.plans import Plan
from sla.models import Calendar as StoredCalendar
from sla.models import Desk
from sla.worktime import Calendar, WorktimeError

WHY: Final = "Set on the first day."
DAYS: Final = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday"}
WEEKEND: Final = {"sat": "Saturday", "sun": "Sunday"}
LONGEST: Final = 100


def spec_of(time_zone: str, days: Sequence[str], spans: list[list[str]]) -> dict[str, Any]:
    """The calendar of a week with the same hours on these days. Raises Invalid naming the field."""
    if time_zone not in zoneinfo.available_timezones():
        raise Invalid("Choose a time zone from the list.", field="time_zone")
    chosen = [day for day in (*DAYS, *WEEKEND) if day in days]
    if not chosen:
        raise Invalid("Tick at least one day on which you work.", field="days")
    if not spans:
        raise Invalid("Say from when to when, such as 09:00-12:30, 13:00-17:30.", field="hours")
    return {"time_zone": time_zone, "weekly": dict.fromkeys(chosen, spans)}


def check(spec: dict[str, Any], plan: Plan, *, today: date) -> None:
    """Raise Invalid for hours that overlap and the like, PlanError for a region nobody knows."""
    plans.check(plan, today, plans.horizon(today))
    try:
        Calendar.from_spec(spec)
    except WorktimeError as error:
        raise Invalid(str(error), field="hours") from error


@business
def set_up(name: str, spec: dict[str, Any], *, region: str, now: datetime, by: User) -> Desk:
    """Give a team its hours, as a calendar of its own, and its desk; made where there is none of that name.

    Raises Invalid naming the field.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST:
        raise Invalid(f"Give the team a name of at most {LONGEST} characters.", field="team")
    team, _ = Team.objects.get_or_create(name=name)
    desk = Desk.objects.select_related("calendar").filter(team=team).first()
    calendar = (
        desk.calendar if desk is not None else StoredCalendar.objects.get_or_create(name=f"{name}, office hours")[0]
    )
    plan = Plan((region,)) if region else Plan()
    publishing.publish_calendar(calendar, spec, plan=plan, now=now, by=by, why=WHY)
    return desk or Desk.objects.create(team=team, calendar=calendar)
