"""How the house is, for people: the same facts as `/healthz`, who lives, and what went wrong lately."""

from __future__ import annotations

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leads import clock
from leads.models import Role
from leads.viewer import is_part, signed_in, viewer_of
from sla.models import Heartbeat, Incident
from sla.people import holding_back
from sla.watching import canary, health, rounds

INCIDENTS_SHOWN = 20
LIVES = timedelta(seconds=health.WORKER_SILENT)


@signed_in
@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """The state of each part, what is held back, the processes that live, the canary's day and the last incidents."""
    viewer = viewer_of(request)
    if not viewer.has_role(Role.MANAGER, Role.REVOPS, Role.ADMIN):
        raise Http404
    now = clock.now()
    found = health.examine(has_broker=rounds.broker_answers(), now=now)
    fired, latest = canary.late_in(hours=24, now=now)
    page = {
        "health": found,
        "hearts": Heartbeat.objects.filter(at__gte=now - LIVES).order_by("part", "host", "pid"),
        "canaries": fired,
        "latest": latest,
        "incidents": Incident.objects.order_by("-opened_at", "-id")[:INCIDENTS_SHOWN],
        "held": holding_back.held() if viewer.has_role(Role.REVOPS, Role.ADMIN) else [],
        "now": now,
    }
    return render(request, "sla/status.html#status" if is_part(request) else "sla/status.html", page)
