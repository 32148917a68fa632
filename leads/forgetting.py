"""What nobody put a name to is forgotten: activities of browsers that never identified."""

from __future__ import annotations

from datetime import datetime, timedelta

from leads.models import AnonymousActivity
from leads.transactions import business

KEPT_FOR = timedelta(days=90)


@business
def forget_unjoined(*, now: datetime, limit: int = 1000) -> int:
    """Delete unjoined activities received more than 90 days ago, the oldest first; returns how many."""
    old = AnonymousActivity.objects.select_for_update(skip_locked=True).filter(received_at__lt=now - KEPT_FOR)
    ids = list(old.order_by("received_at", "id").values_list("id", flat=True)[:limit])
    AnonymousActivity.objects.filter(pk__in=ids).delete()
    return len(ids)
