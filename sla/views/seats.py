"""The strip of reps on the board: how much each has, what of theirs is due next, and until when they are away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from leads.models import Team
from sla import timers
from sla.handoffs import room
from sla.models import Absence, Clock, Rep
from sla.timers import Timer


@dataclass(frozen=True)
class Seat:
    """One rep in the strip."""

    rep: Rep
    load: int
    nearest: Timer | None
    away_until: datetime | None

    @property
    def is_full(self) -> bool:
        return self.load >= self.rep.capacity


def seats(teams: QuerySet[Team], *, now: datetime) -> list[Seat]:
    """Each active rep of these teams with load, nearest due time and absence, in a fixed number of questions."""
    reps = list(
        Rep.objects.filter(user__memberships__team__in=teams, is_active=True)
        .select_related("user")
        .distinct()
        .order_by("user__full_name", "pk")
    )
    users = [rep.user_id for rep in reps]
    loads = room.loads(users)
    nearest = _nearest(users, now=now)
    absences = Absence.objects.filter(rep__in=reps, starts_at__lte=now, ends_at__gt=now)
    away = {absence.rep_id: absence.ends_at for absence in absences}
    return [Seat(rep, loads.get(rep.user_id, 0), nearest.get(rep.user_id), away.get(rep.pk)) for rep in reps]


def _nearest(users: list[int], *, now: datetime) -> dict[int, Timer]:
    running = (
        Clock.objects.filter(verdict="", handoff__user__in=users)
        .order_by("handoff__user", "due_at", "pk")
        .distinct("handoff__user")
        .select_related("handoff")
        .prefetch_related("timings__policy_version__policy", "pauses__by")
    )
    return {each.handoff.user_id: timers.of_clock(each, now=now) for each in running if each.handoff is not None}
