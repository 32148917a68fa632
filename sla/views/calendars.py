"""A calendar's page: the twelve months ahead, whole or as a part of the team page."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leads import clock
from leads.viewer import is_part, signed_in
from sla.holidays import plans, regions, year
from sla.models import CalendarVersion
from sla.worktime import sentence


@signed_in
@require_GET
def calendar(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """When it is open and when not. For everybody who works here: hours are no secret, as over the API."""
    found = CalendarVersion.objects.filter(calendar__public_id=public_id).select_related("calendar")
    last = found.order_by("-number").first()
    if last is None:
        raise Http404
    page = {
        "calendar": last.calendar,
        "version": last,
        "hours": sentence(plans.typed(last.spec, last.plan)),
        "regions": [regions.say(each) for each in last.plan.get("regions", [])],
        "year": year.of_version(last, now=clock.now()),
    }
    return render(request, "sla/year.html" if is_part(request) else "sla/calendar.html", page)
