"""The year ahead of a calendar that is stored, and of one that is being typed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from leads.models import Organization
from sla.holidays import plans
from sla.holidays.months import Year, year_ahead
from sla.holidays.plans import Plan
from sla.models import CalendarVersion
from sla.worktime import Calendar

REACH = timedelta(days=366)


def of_version(version: CalendarVersion, *, now: datetime) -> Year:
    """The twelve months from now on, as this version counts them."""
    return _year(version.spec, Plan.of(version.plan), now.date())


def of_typed(spec: dict[str, Any], plan: Plan, *, now: datetime) -> Year:
    """The same as a version would count them that was published now."""
    today = now.date()
    return _year(plans.written(spec, plan, today.replace(day=1), today + REACH), plan, today)


def _year(spec: dict[str, Any], plan: Plan, today: date) -> Year:
    worked = plans.worked_on(plan, today.replace(day=1), today + REACH)
    first = Organization.objects.values_list("first_weekday", flat=True).first()
    return year_ahead(Calendar.from_spec(spec), today, worked=worked, first_weekday=first or 0)
