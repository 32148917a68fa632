"""The report of last-minute touches: one that met a promise in its last minute, and no second one after it.

One call before the bell and none after it keeps a number and helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, QuerySet

from leads.models import Lead, Team
from sla.models import Clock, Target, Touch

LAST_MINUTE: Final = timedelta(seconds=60)
LOOKS_BACK: Final = timedelta(days=30)
AT_MOST: Final = 1000


@dataclass(frozen=True)
class LastMinute:
    """One promise met in its last minute, and the touch that met it."""

    clock: Clock
    touch: Touch

    @property
    def lead(self) -> Lead:
        return self.touch.lead

    @property
    def seconds_before(self) -> float:
        """Seconds between the touch and the due instant."""
        return (self.clock.due_at - self.touch.counts_at).total_seconds()


def of_teams(teams: Iterable[Team] | QuerySet[Team], *, since: datetime) -> list[LastMinute]:
    """The last-minute touches within these teams since an instant, the newest first; at most 1,000."""
    by_people = Touch.objects.filter(handoff=OuterRef("handoff"), lead=OuterRef("episode__lead"), automated=False)
    left = ExpressionWrapper(F("due_at") - F("met_at"), output_field=DurationField())
    found = (
        Clock.objects.filter(target=Target.FIRST_TOUCH, verdict=Clock.Verdict.MET, met_at__gte=since)
        .filter(handoff__team__in=teams)
        .annotate(left=left)
        .filter(left__lte=LAST_MINUTE)
        .filter(Exists(by_people.filter(counts_at=OuterRef("met_at"))))
        .exclude(Exists(by_people.filter(counts_at__gt=OuterRef("met_at"))))
        .select_related("handoff__user", "handoff__team", "episode")
        .order_by("-met_at", "-pk")[:AT_MOST]
    )
    clocks = list(found)
    made = Touch.objects.filter(handoff__in=[clock.handoff_id for clock in clocks], automated=False)
    first = {
        (touch.handoff_id, touch.lead_id, touch.counts_at): touch
        for touch in made.select_related("lead").order_by("-pk")
    }
    return [
        LastMinute(clock, first[clock.handoff_id, clock.episode.lead_id, clock.met_at])
        for clock in clocks
        if clock.met_at is not None
    ]
