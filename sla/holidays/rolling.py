"""Rolling on: long before a calendar runs out of public holidays, it takes those of the years to come."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import DatabaseError
from django.db.models import Exists, OuterRef

from sla.holidays import plans
from sla.models import Calendar, CalendarVersion
from sla.publishing.calendars import roll_on

log = structlog.get_logger(__name__)


def roll_due(*, now: datetime) -> int:
    """Roll on every calendar that says less than eighteen months ahead; returns how many. One that fails stops none."""
    newer = CalendarVersion.objects.filter(calendar=OuterRef("calendar"), number__gt=OuterRef("number"))
    short = CalendarVersion.objects.filter(~Exists(newer), holidays_until__lt=now.date() + plans.AHEAD)
    rolled = 0
    for calendar in Calendar.objects.filter(pk__in=short.values("calendar")):
        try:
            rolled += roll_on(calendar, now=now) is not None
        except DatabaseError:
            raise
        except Exception:
            log.exception("holidays_not_rolled_on", calendar=calendar.pk)
    return rolled
