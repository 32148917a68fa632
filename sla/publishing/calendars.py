"""Calendars: other hours are the next version, and whoever counts by the former one goes on doing so."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from leads.models import User
from leads.transactions import business
from sla.holidays import plans
from sla.holidays.plans import Plan, PlanError
from sla.models import Calendar as StoredCalendar
from sla.models import CalendarVersion
from sla.publishing.refusals import ChangedMeanwhile, NotPublishable
from sla.worktime import Calendar, WorktimeError

NOTHING = Plan()


@business
def publish_calendar(
    calendar: StoredCalendar,
    spec: dict[str, Any],
    *,
    plan: Plan = NOTHING,
    now: datetime,
    by: User | None,
    why: str = "",
    seen: int | None = None,
) -> CalendarVersion:
    """Put new hours in force, as the calendar's next version. Clocks that run keep the version they were counted by.

    `spec` is what a person typed; the plan adds its public holidays and half days, from last year to at least eighteen
    months ahead. The same hours again change nothing. `seen` is the number of the version the author started from.
    Raises NotPublishable with the field, the day and the way out; ChangedMeanwhile where another version stands by now.
    """
    _lock(calendar)
    last = calendar.versions.order_by("-number").first()
    since, until = _since(last, now.date()), plans.horizon(now.date())
    typed, normal = written(spec, plan, since, until)
    stored = plan.to_store(typed, since)
    if last is not None and (last.spec, last.plan) == (normal, stored):
        return last
    if last is not None and seen is not None and seen != last.number:
        raise ChangedMeanwhile(
            f"{last.created_by or 'Somebody'} has made version {last.number} of {calendar} since you opened it. "
            "Open it again, and make your change on top of theirs."
        )
    return _next(calendar, last, normal, stored, until if plan else None, why=why, now=now, by=by)


def written(spec: dict[str, Any], plan: Plan, since: date, until: date) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a person typed in its normal form, and the same with what the plan writes. Raises NotPublishable."""
    try:
        typed = Calendar.from_spec(spec).to_spec()
        plans.check(plan, since, until)
        if not plan:
            return typed, typed
        typed = Calendar.from_spec(plans.without_doubles(typed, plan, since, until)).to_spec()
        return typed, Calendar.from_spec(plans.written(typed, plan, since, until)).to_spec()
    except (WorktimeError, PlanError) as error:
        raise NotPublishable(str(error), field=error.field) from error


@business
def calendar_again(
    calendar: StoredCalendar, number: int, *, now: datetime, by: User | None, why: str
) -> CalendarVersion:
    """Put an old version in force again, as a new one. What it lacks of later years is rolled on as ever."""
    _lock(calendar)
    old, last = calendar.versions.get(number=number), calendar.versions.latest("number")
    written(old.spec, NOTHING, now.date(), now.date())
    return _next(calendar, last, old.spec, old.plan, old.holidays_until, why=why, now=now, by=by)


@business
def roll_on(calendar: StoredCalendar, *, now: datetime) -> CalendarVersion | None:
    """Let a calendar take the public holidays of the years to come, as its next version; None where it has them.

    Only dates after those it has are written: nothing near changes, so clocks that run need no other deadline.
    """
    _lock(calendar)
    last = calendar.versions.latest("number")
    if last.holidays_until is None or last.holidays_until >= now.date() + plans.AHEAD:
        return None
    until = plans.horizon(now.date())
    spec = plans.written(last.spec, Plan.of(last.plan), last.holidays_until + timedelta(days=1), until)
    normal = Calendar.from_spec(spec).to_spec()
    why = f"Holidays rolled on to the end of {until.year}"
    return _next(calendar, last, normal, last.plan, until, why=why, now=now, by=None)


def _lock(calendar: StoredCalendar) -> None:
    StoredCalendar.objects.select_for_update().get(pk=calendar.pk)


def _since(last: CalendarVersion | None, today: date) -> date:
    """From when on the plan writes: as before, or from the beginning of last year."""
    before = last.plan.get("since") if last is not None else None
    return date.fromisoformat(before) if before else date(today.year - 1, 1, 1)


def _next(
    calendar: StoredCalendar,
    last: CalendarVersion | None,
    spec: dict[str, Any],
    plan: dict[str, Any],
    until: date | None,
    *,
    why: str,
    now: datetime,
    by: User | None,
) -> CalendarVersion:
    return CalendarVersion.objects.create(
        calendar=calendar,
        number=last.number + 1 if last is not None else 1,
        spec=spec,
        plan=plan,
        holidays_until=until,
        created_at=max(now, last.created_at) if last is not None else now,
        created_by=by,
        why=why[:200],
    )
