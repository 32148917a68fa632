"""Canaries: clocks that are nobody's, armed each minute and sent the whole way: armed, due, fired, told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef

from leads import outbox
from leads.transactions import business
from sla.models import Canary, Clock

DUE_AFTER = timedelta(seconds=15)
KEPT_FOR = timedelta(hours=24)
KIND = "canary"


@business
def arm(*, now: datetime) -> None:
    """Arm the canary of this minute, unless another process has."""
    minute = now.replace(second=0, microsecond=0)
    if not Canary.objects.filter(minute=minute).exists():
        Canary.objects.bulk_create([Canary(minute=minute, armed_at=now, due_at=now + DUE_AFTER)], ignore_conflicts=True)


def fire_due(clock: Callable[[], datetime]) -> int:
    """Fire the canaries whose turn it is; returns how many. It is a canary's turn when whatever was due before it,
    anybody's, has been done: so its lateness is the clocks' own."""
    before = Clock.objects.filter(verdict="", held_back_at=None, next_step_at__lt=OuterRef("due_at"))
    turn = Canary.objects.filter(fired_at=None, due_at__lte=clock()).exclude(Exists(before)).order_by("due_at")
    return sum(fire(canary_id, now=clock) for canary_id in turn.values_list("pk", flat=True))


@business
def fire(canary_id: int, *, now: Callable[[], datetime]) -> bool:
    """Fire one and tell nobody of it. False where another process is at it, or was."""
    canary = Canary.objects.select_for_update(skip_locked=True).filter(pk=canary_id, fired_at=None).first()
    if canary is None:
        return False
    canary.fired_at = max(now(), canary.due_at)
    canary.save(update_fields=["fired_at"])
    outbox.probe(canary.effect_key, kind=KIND, now=canary.fired_at)
    return True


@business
def forget(*, now: datetime) -> int:
    """Forget the canaries of more than a day ago, with their messages; returns how many."""
    old = list(Canary.objects.filter(minute__lt=now - KEPT_FOR, fired_at__isnull=False).order_by("minute")[:200])
    outbox.forget_probes(canary.effect_key for canary in old)
    Canary.objects.filter(pk__in=[canary.pk for canary in old]).delete()
    return len(old)


def late_in(*, hours: int, now: datetime) -> tuple[int, float]:
    """Of the canaries of the last hours: how many fired, and the longest any came after its due time, in seconds."""
    recent = Canary.objects.filter(minute__gte=now - timedelta(hours=hours), fired_at__isnull=False)
    late = [
        taken.total_seconds()
        for taken in recent.annotate(taken=F("fired_at") - F("due_at")).values_list("taken", flat=True)
    ]
    return len(late), max(late, default=0.0)
