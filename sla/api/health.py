"""`/healthz`: is the house alive, and how late is each of its works."""

from __future__ import annotations

from datetime import datetime

from django.db import DatabaseError
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from leads import clock
from leads.models import AwaitingAssessment, Notification
from scoring.models import Episode, Phase
from sla.models import Clock

LATE_AFTER = 60  # seconds


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers, with the seconds each work is behind; 503 while it does not."""
    try:
        now = clock.now()
        behind = {
            "clock": _behind(Clock.objects.filter(next_step_at__lt=now).aggregate(at=Min("next_step_at"))["at"], now),
            "assessment": _behind(AwaitingAssessment.objects.aggregate(at=Min("since"))["at"], now),
            "outbox": _behind(
                Notification.objects.filter(state="queued", not_before__lt=now).aggregate(at=Min("not_before"))["at"],
                now,
            ),
        }
        waiting = Episode.objects.filter(phase=Phase.WAITING).count()
    except DatabaseError:
        return JsonResponse({"status": "down", "database": "away"}, status=503)
    late = sorted(work for work, seconds in behind.items() if seconds > LATE_AFTER)
    body = {"status": "late" if late else "ok", "database": "ok", "behind_seconds": behind, "late": late}
    return JsonResponse(body | {"episodes_waiting": waiting})


def _behind(oldest: datetime | None, now: datetime) -> int:
    return 0 if oldest is None else max(0, int((now - oldest).total_seconds()))
