"""The strip of reps on the board: how much each has, what of theirs is due next, and until when they are away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Count, Min, QuerySet
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from sla import at_hand, timers
from sla.handoffs import room
from sla.models import Absence, Rep
from sla.querysets import first_of
from sla.timers import Timer
from sla.views.board.narrowing import Look, within

SHOWN: Final = 12
SOON_AWAY: Final = timedelta(days=7)


class OfRep(NamedTuple):
    """What one rep has open."""

    size: int
    late: int
    due_at: datetime | None


NOTHING: Final = OfRep(0, 0, None)


@dataclass(frozen=True)
class Seat:
    """One rep in the strip: their load against capacity, all that is open with them, and what of it is late."""

    rep: Rep
    load: int
    open: OfRep
    nearest: Timer | None
    away_until: datetime | None
    is_chosen: bool = False

    @property
    def name(self) -> SafeString:
        """What they are called; it is shown six times."""
        return conditional_escape(str(self.rep))

    @property
    def is_full(self) -> bool:
        return self.load >= self.rep.capacity


def reps_of(look: Look) -> QuerySet[Rep]:
    """The active reps of the viewer's teams, or of the one chosen, by name."""
    reps = Rep.objects.filter(user__memberships__team__in=look.teams, is_active=True)
    if team := look.chosen.get("team"):
        reps = reps.filter(user__memberships__team=team)
    return reps.select_related("user").distinct().order_by("user__full_name", "pk")


def seats(look: Look) -> list[Seat]:
    """The first reps by name with load, nearest due time and absence, in a fixed number of questions."""
    reps = list(reps_of(look)[:SHOWN])
    chosen = look.chosen.get("rep")
    counted = _open(look, reps)
    loads = room.loads([rep.user_id for rep in reps])
    nearest = _nearest(counted, look.now)
    absences = Absence.objects.filter(rep__in=reps, starts_at__lte=look.now, ends_at__gt=look.now)
    away = {absence.rep_id: absence.ends_at for absence in absences}
    return [
        Seat(
            rep,
            loads.get(rep.user_id, 0),
            counted.get(rep.user_id, NOTHING),
            nearest.get(rep.user_id),
            away.get(rep.pk),
            is_chosen=chosen is not None and chosen.pk == rep.user_id,
        )
        for rep in reps
    ]


def absent(look: Look) -> Sequence[Absence]:
    """Who is away now or will be within seven days, with who covers; the first to go first."""
    rows = Absence.objects.filter(rep__in=reps_of(look).order_by().values("pk"), ends_at__gt=look.now)
    rows = rows.filter(starts_at__lt=look.now + SOON_AWAY).order_by("starts_at", "pk")
    return first_of(rows, SHOWN, shown=Absence.objects.select_related("rep__user", "cover__user", "rep__cover__user"))


def _open(look: Look, reps: Sequence[Rep]) -> dict[int, OfRep]:
    """What each has open, of what everything but the choice of a rep leaves."""
    theirs = look.narrowed(but="rep").filter(user__in=[rep.user_id for rep in reps]).order_by()
    rows = theirs.values_list("user").annotate(
        size=Count("pk"), late=Count("pk", filter=within("late", now=look.now)), due_at=Min("next_due_at")
    )
    return {user: OfRep(size, late, due_at) for user, size, late, due_at in rows}


def _nearest(counted: Mapping[int, OfRep], now: datetime) -> dict[int, Timer]:
    """The chip of each one's nearest clock, by its known due instant."""
    dues = {user: of_rep.due_at for user, of_rep in counted.items() if of_rep.due_at is not None}
    return {user: timers.of_clock(clock, now=now) for user, clock in at_hand.nearest_of_people(dues).items()}
