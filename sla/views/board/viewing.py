"""A member's inbox as they see it, for their manager: to read, and every look is recorded."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leads import clock
from leads.errors import Refused
from leads.models import User
from leads.viewer import signed_in, viewer_of
from sla.inbox import pages
from sla.inbox.tabs import Inbox
from sla.models import ManagerAct
from sla.people import viewing
from sla.rows import rows
from sla.views.board.narrowing import teams_of

SHOWN: Final = 100
LOOKS_SHOWN: Final = 5


@signed_in
@require_GET
def view_as(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The inbox of one member, tab by tab. What is to be done is done on the lead, by the manager for the rep."""
    viewer, now = viewer_of(request), clock.now()
    teams_of(viewer)
    rep = get_object_or_404(User, public_id=public_id)
    try:
        viewing.look(rep, by=viewer, now=now)
    except Refused as refusal:
        raise Http404(str(refusal)) from refusal
    box = Inbox(rep, request.GET, now=now)
    looks = ManagerAct.objects.filter(what=ManagerAct.What.VIEWED, rep=rep).select_related("by").order_by("-at")
    page = {
        "rep": rep,
        "tab": box.tab,
        "tabs": box.tabs,
        "rows": rows(pages.page_of(box.rows, size=SHOWN).handoffs, now=now),
        "looks": looks[:LOOKS_SHOWN],
    }
    return render(request, "sla/view_as.html", page)
