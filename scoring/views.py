"""The door to the judgements of a lead page: why this lead is here."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leads import clock
from leads.models import Lead
from leads.viewer import is_part, signed_in, viewer_of
from scoring.why import why


@signed_in
@require_GET
def lead_why(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Why this lead is (not) qualified: per criterion, and the sums against their thresholds."""
    lead = get_object_or_404(Lead.objects.visible_to(viewer_of(request)), public_id=public_id)
    now = clock.now()
    page = {"lead": lead, "judgements": why(lead, now=now), "now": now}
    return render(request, "scoring/why.html#why" if is_part(request) else "scoring/why.html", page)
