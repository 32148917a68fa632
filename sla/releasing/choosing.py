"""Which standing leads an order is about: those its manager may read, by definition, tier, source, score and age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from leads.models import Lead, User
from scoring.models import Definition, Qualification
from sla.models import ReleaseOrder


@dataclass(frozen=True)
class Part:
    """A part of the standing leads. Totals in thousandths of a point, both ends included."""

    definition: Definition | None = None
    tier: str = ""
    source: str = ""
    total_min: int | None = None
    total_max: int | None = None
    within_days: int | None = None


def part_of(order: ReleaseOrder) -> Part:
    """The part that an order is about."""
    return Part(order.definition, order.tier, order.source, order.total_min, order.total_max, order.within_days)


def standing_in(part: Part, *, by: User, now: datetime) -> QuerySet[Qualification]:
    """The standing leads of this part that `by` may read: the best first, of equals the one that waits longest."""
    asked = Q(waiting=True, lead__in=Lead.objects.visible_to(by).live())
    if part.definition is not None:
        asked &= Q(definition=part.definition)
    if part.tier:
        asked &= Q(tier=part.tier)
    if part.source:
        asked &= Q(lead__source=part.source)
    if part.total_min is not None:
        asked &= Q(total__gte=part.total_min)
    if part.total_max is not None:
        asked &= Q(total__lte=part.total_max)
    if part.within_days is not None:
        asked &= Q(at__gt=now - timedelta(days=part.within_days))
    return Qualification.objects.filter(asked).order_by("-total", "at", "pk")
