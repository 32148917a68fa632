"""Running orders: each lead in a transaction of its own, the day's count under the order's lock.

Any number of sweeps may run at once: who comes second to a lead finds it released, and who comes second to the last
place of a day finds it taken, and takes its own release back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

import structlog
from django.db import transaction

from leads.errors import Refused
from leads.models import User
from leads.transactions import business
from scoring import standing
from sla.models import OrderedRelease, ReleaseDay, ReleaseOrder
from sla.querysets import managed_teams
from sla.releasing import orders, working
from sla.releasing.choosing import part_of, standing_in

log = structlog.get_logger(__name__)

PAGE: Final = 50
State = ReleaseOrder.State


class _Enough(Exception):
    """The day's last place was taken, or the order stopped, a moment ago: this release is taken back."""


def run_all(clock: Callable[[], datetime]) -> int:
    """Run each order a page further; returns how many were released. One that fails stops none of the others."""
    released = 0
    for order_id in ReleaseOrder.objects.filter(state=State.RUNNING).order_by("pk").values_list("pk", flat=True):
        try:
            released += run(order_id, clock)
        except Exception:
            log.exception("release_order_failed", order=order_id)
    return released


def run(order_id: int, clock: Callable[[], datetime]) -> int:
    """Release what this order may release now, at most a page; returns how many."""
    order = ReleaseOrder.objects.select_related("team", "by", "definition").get(pk=order_id)
    now = clock()
    if _over(order, now=now):
        return 0
    day, quota = _place(order, now=now)
    if quota == 0:
        return 0
    left = quota - (ReleaseDay.objects.filter(order=order, date=day).values_list("released", flat=True).first() or 0)
    come_to = OrderedRelease.objects.filter(order=order).values("qualification")
    waiting = standing_in(part_of(order), by=order.by, now=now).exclude(pk__in=come_to)
    found = list(waiting.values_list("pk", flat=True)[:PAGE])
    if not found and order.until_date is None:
        _end(order.pk, State.DONE, why="Nothing of this part stands any more", now=now)
    released = 0
    for qualification_id in found:
        if released >= left:
            break
        try:
            released += _release(order.pk, qualification_id, day=day, quota=quota, now=clock())
        except _Enough:
            break
    return released


def _over(order: ReleaseOrder, *, now: datetime) -> bool:
    """Whether it has come to an end otherwise: its last day is over, or who gave it may no longer."""
    if not may_still(order.by, order):
        _end(order.pk, State.STOPPED, why=f"{order.by} no longer manages {order.team}", now=now)
        return True
    if order.until_date is not None and working.today(order.team, now=now) > order.until_date:
        _end(order.pk, State.DONE, why="Its last day is over", now=now)
        return True
    return False


def may_still(by: User, order: ReleaseOrder) -> bool:
    """Whether who gave an order may still give it."""
    return by.is_active and managed_teams(by).filter(pk=order.team_id).exists()


def _place(order: ReleaseOrder, *, now: datetime) -> tuple[date, int]:
    """The day that counts, and how many may be released on it; 0 while the team does not work."""
    if order.per_rep_and_day is None:
        return working.today(order.team, now=now), 2**31 - 1
    day = working.day_at_work(order.team, now=now)
    if day is None:
        return working.today(order.team, now=now), 0
    return day, order.per_rep_and_day * working.reps_at_work(order.team, now=now).count()


@business
def _release(order_id: int, qualification_id: int, *, day: date, quota: int, now: datetime) -> int:
    """Release one lead and count it; 1, or 0 where it was passed over with why. Raises _Enough."""
    order, why = ReleaseOrder.objects.select_related("by").get(pk=order_id), ""
    try:
        with transaction.atomic():
            standing.release(qualification_id, now=now, by=order.by)
    except Refused as refusal:
        why = str(refusal)[:200]
    order = orders.lock(order_id)
    if order.state != State.RUNNING:
        raise _Enough
    if not why:
        counted, _ = ReleaseDay.objects.get_or_create(order=order, date=day, defaults={"quota": quota})
        if counted.released >= max(counted.quota, quota):
            raise _Enough
        counted.quota, counted.released = max(counted.quota, quota), counted.released + 1
        counted.save(update_fields=["quota", "released"])
    OrderedRelease.objects.get_or_create(
        order=order,
        qualification_id=qualification_id,
        defaults={"date": None if why else day, "at": now, "passed_over": why},
    )
    return 0 if why else 1


@business
def _end(order_id: int, state: State, *, why: str, now: datetime) -> None:
    order = orders.lock(order_id)
    if order.state == State.RUNNING:
        orders.end(order, state, why=why, by=None, now=now)
