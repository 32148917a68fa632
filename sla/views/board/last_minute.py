"""Last-minute touches, for managers: a page, and the same as CSV."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leads import clock
from leads.downloads import csv_file
from leads.models import Role
from leads.viewer import signed_in, viewer_of
from sla import last_minute
from sla.last_minute import LastMinute
from sla.models import Handoff
from sla.querysets import managed_teams

COLUMNS = ("lead", "name", "rep", "team", "means", "outcome", "touched_at", "due_at", "seconds_before", "state")


@signed_in
@require_GET
def report(request: HttpRequest) -> HttpResponse:
    """Who reached out in the last minute and not again, in the viewer's teams, of the last 30 days."""
    viewer = viewer_of(request)
    teams = managed_teams(viewer)
    if not viewer.has_role(Role.MANAGER, Role.REVOPS, Role.ADMIN):
        raise Http404("Managers alone see this.")
    found = last_minute.of_teams(teams, since=clock.now() - last_minute.LOOKS_BACK)
    if request.GET.get("as") == "csv":
        rows = (_row(each, each.clock.handoff) for each in found if each.clock.handoff is not None)
        return csv_file("last-minute-touches", COLUMNS, rows)
    return render(request, "sla/last_minute.html", {"found": found})


def _row(each: LastMinute, handoff: Handoff) -> tuple[object, ...]:
    return (
        *(each.lead.public_id, each.lead.name, handoff.user.email, handoff.team.name, each.touch.means),
        *(each.touch.outcome, each.touch.counts_at.isoformat(), each.clock.due_at.isoformat()),
        *(each.seconds_before, handoff.state),
    )
