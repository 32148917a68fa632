"""Calendars: other hours are the next version, and whoever counts by the former one goes on doing so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leads.models import User
from leads.transactions import business
from sla.models import Calendar as StoredCalendar
from sla.models import CalendarVersion
from sla.publishing.refusals import ChangedMeanwhile, NotPublishable
from sla.worktime import Calendar, WorktimeError


@business
def publish_calendar(
    calendar: StoredCalendar,
    spec: dict[str, Any],
    *,
    now: datetime,
    by: User | None,
    why: str = "",
    seen: int | None = None,
) -> CalendarVersion:
    """Put new hours in force, as the calendar's next version. Clocks that run keep the version they were counted by.

    The same hours again change nothing. `seen` is the number of the version the author started from. Raises
    NotPublishable with the field, the day and the way out; ChangedMeanwhile where another version stands by now.
    """
    try:
        normal = Calendar.from_spec(spec).to_spec()
    except WorktimeError as error:
        raise NotPublishable(str(error), field=error.field) from error
    StoredCalendar.objects.select_for_update().get(pk=calendar.pk)
    last = calendar.versions.order_by("-number").first()
    if last is not None and last.spec == normal:
        return last
    if last is not None and seen is not None and seen != last.number:
        raise ChangedMeanwhile(
            f"{last.created_by or 'Somebody'} has made version {last.number} of {calendar} since you opened it. "
            "Open it again, and make your change on top of theirs."
        )
    return CalendarVersion.objects.create(
        calendar=calendar,
        number=last.number + 1 if last is not None else 1,
        spec=normal,
        created_at=max(now, last.created_at) if last is not None else now,
        created_by=by,
        why=why[:200],
    )
