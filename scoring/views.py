"""The door to the judgements of a lead page: why this lead is here."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leads import clock, doings
from leads.models import Lead
from leads.viewer import is_part, signed_in, viewer_of
from scoring.why import why

MOST = 5  # kinds of things they did


@signed_in
@require_GET
def lead_why(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Why this lead is (not) qualified: per criterion, and the sums against their thresholds."""
    visible = Lead.objects.visible_to(viewer_of(request)).select_related("account")
    lead = get_object_or_404(visible, public_id=public_id)
    now = clock.now()
    page = {"lead": lead, "judgements": why(lead, now=now), "most": doings.most_of(lead)[:MOST], "now": now}
    return render(request, "scoring/why.html#why" if is_part(request) else "scoring/why.html", page)
