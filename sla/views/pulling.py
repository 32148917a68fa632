"""Give me the next one: the button on the inbox."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from leads import clock
from leads.errors import Refused
from leads.viewer import is_part, signed_in, viewer_of
from sla import routing
from sla.routing.pulling import NOTHING
from sla.views.toasts import Toast


@signed_in
@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """Offer the viewer the top of the pool, and say which it is, or why there is none."""
    viewer = viewer_of(request)
    try:
        handoff = routing.take_next(viewer, now=clock.now(), by=viewer)
    except Refused as refusal:
        return _told(request, Toast(str(refusal), is_bad=True), status=refusal.status)
    if handoff is None:
        return _told(request, Toast(NOTHING))
    tab = "to follow up" if handoff.accepted_at is not None else "to decide"
    return _told(request, Toast(f"Yours {tab}: {handoff.episode.lead.name}"))


@signed_in
@require_GET
def in_pool(request: HttpRequest) -> HttpResponse:
    """How many wait in the pool that the viewer may take: it is asked beside the inbox, which does not wait for it."""
    waiting = routing.waits_for(viewer_of(request), now=clock.now())
    return render(request, "sla/inbox.html#pool", {"in_pool": waiting})


def _told(request: HttpRequest, toast: Toast, *, status: int = 200) -> HttpResponse:
    """Say it in a toast, on a list drawn anew."""
    if not is_part(request):
        messages.add_message(request, messages.WARNING if toast.is_bad else messages.SUCCESS, toast.text)
        return redirect("inbox")
    response = render(request, "sla/inbox.html#pulled", {"toast": toast}, status=status)
    return trigger_client_event(response, "inbox-changed")
