"""What a request with an Idempotency-Key was answered is kept for a week, so that a repeat is told the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from leads.transactions import business
from sla.models import AnsweredRequest

KEPT_FOR: Final = timedelta(days=7)


@business
def forget(*, now: datetime, limit: int = 1000) -> int:
    """Delete answers given more than a week ago, the oldest first; returns how many. Their keys may be used again."""
    old = AnsweredRequest.objects.select_for_update(skip_locked=True).filter(at__lt=now - KEPT_FOR)
    ids = list(old.order_by("at", "pk").values_list("pk", flat=True)[:limit])
    AnsweredRequest.objects.filter(pk__in=ids).delete()
    return len(ids)
