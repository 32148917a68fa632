"""How much room a rep has: what is open with them, and how many offers they got today."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from leads.models import Organization
from scoring.models import Lane
from sla.models import CapacityOverride, Handoff, Leg, Rep, State

# Signals and closing legs take no room.
TAKES_ROOM = ~Q(lane=Lane.SIGNAL) & Q(leg=Leg.SALES)
# Offered, or accepted and not yet touched.
STILL_TO_DO = (Q(state=State.OFFERED) | Q(state=State.ACCEPTED, first_touched_at=None)) & TAKES_ROOM


@dataclass(frozen=True)
class Room:
    """What stands against a rep's capacity and daily cap. `today` is None where they have no daily cap."""

    load: int
    capacity: int
    today: int | None
    daily_cap: int | None

    @property
    def is_full(self) -> bool:
        return self.load >= self.capacity or (
            self.today is not None and self.daily_cap is not None and self.today >= self.daily_cap
        )

    def with_one_more(self) -> Room:
        """As it is after one more offer."""
        return replace(self, load=self.load + 1, today=self.today + 1 if self.today is not None else None)

    def __str__(self) -> str:
        if self.load >= self.capacity or self.daily_cap is None:
            return f"{self.load} open, capacity {self.capacity}"
        return f"{self.today} offers today, at most {self.daily_cap} a day"


def room_of(rep: Rep, *, now: datetime) -> Room:
    """The rep's room at this moment. It stays as it is while the rep's row is locked."""
    return rooms_of([rep], now=now)[rep.pk]


def rooms_of(reps: Collection[Rep], *, now: datetime) -> dict[int, Room]:
    """The room of each of these reps."""
    # Only who has a daily cap is counted: the others have no limit.
    capped = [rep.user_id for rep in reps if rep.daily_cap is not None]
    open_now, today = loads([rep.user_id for rep in reps]), offered_since(midnight(now), capped) if capped else {}
    return {
        rep.pk: Room(
            open_now.get(rep.user_id, 0),
            rep.capacity,
            today.get(rep.user_id, 0) if rep.daily_cap is not None else None,
            rep.daily_cap,
        )
        for rep in reps
    }


def loads(user_ids: Collection[int]) -> dict[int, int]:
    """The open load of these users: hand-offs offered, or accepted and not yet touched. Who has none is left out."""
    open_now = Handoff.objects.filter(STILL_TO_DO, user__in=user_ids)
    counted = open_now.order_by().values_list("user").annotate(Count("pk"))
    return dict(counted)


def offered_since(midnight: datetime, user_ids: Collection[int]) -> dict[int, int]:
    """How many offers these users got since then, whatever became of them. Who got none is left out."""
    if not user_ids:
        return {}
    offers = Handoff.objects.filter(TAKES_ROOM, user__in=user_ids, offered_at__gte=midnight)
    return dict(offers.order_by().values_list("user").annotate(Count("pk")))


def load_of(rep: Rep) -> Room:
    """The rep's room where no new offer is made, as on undo: the day's offers do not count."""
    return Room(open_load(rep), rep.capacity, None, None)


def open_load(rep: Rep) -> int:
    """Hand-offs offered, or accepted and not yet touched; signals and closing legs take no room."""
    return Handoff.objects.filter(STILL_TO_DO, user=rep.user_id).count()


def midnight(now: datetime) -> datetime:
    """When the organization's day of this instant began."""
    name = Organization.objects.values_list("time_zone", flat=True).first()
    return now.astimezone(ZoneInfo(name or "UTC")).replace(hour=0, minute=0, second=0, microsecond=0)


def pass_capacity(handoff: Handoff, rep: Rep, *, room: Room, why: str, now: datetime) -> None:
    """Where the rep was full before this hand-off, write why it was given all the same."""
    if room.is_full:
        CapacityOverride.objects.get_or_create(
            handoff=handoff,
            defaults={
                "rep": rep,
                "open_load": room.load,
                "capacity": room.capacity,
                "today": room.today,
                "daily_cap": room.daily_cap,
                "why": why,
                "at": now,
            },
        )
