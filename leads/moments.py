"""Moments as they are said to people: in their zone and by what they have chosen in `leads.styles`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from leads.styles import Style, written


def said(at: datetime, pattern: str, *, zone: ZoneInfo | None = None, style: Style | None = None) -> str:
    """A moment by a pattern, in the zone and the style of whoever looks, unless another is given."""
    return written(timezone.localtime(at, zone), pattern, style=style)
