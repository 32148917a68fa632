"""From when to when somebody is away, in words."""

from __future__ import annotations

from django import template

from sla.models import Absence
from sla.people import spans

register = template.Library()


@register.filter
def away_for(absence: Absence) -> str:
    """Whole days as their days, wherever one looks from; hours with the zone of the rep, which they are hours of."""
    zone = spans.zone_of(absence.rep.user.time_zone)
    told = spans.said(absence.starts_at, absence.ends_at, zone)
    return told if spans.is_whole_days(absence.starts_at, absence.ends_at, zone) else f"{told} ({zone.key})"
