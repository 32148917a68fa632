"""Saved filters from the inbox: kept, renamed, deleted; each a form, each one call to its verb."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from leads import clock
from leads.errors import Invalid
from leads.viewer import signed_in, viewer_of
from sla.inbox import saving
from sla.inbox.saving import NoSuchFilter
from sla.inbox.tabs import Inbox


@signed_in
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep what the inbox is filtered by under a name."""
    viewer, now = viewer_of(request), clock.now()
    box = Inbox(viewer, QueryDict(request.POST.get("query", "")), now=now)
    try:
        saved = saving.save(viewer, name=request.POST.get("name", ""), query=box.filter.query, now=now)
        messages.success(request, f"Saved: {saved.name}")
    except Invalid as refusal:
        messages.warning(request, str(refusal))
    return redirect(f"{reverse('inbox')}?{box.query}")


@signed_in
@require_POST
def change(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Rename a saved filter, or delete it, as the button says."""
    viewer = viewer_of(request)
    box = Inbox(viewer, QueryDict(request.POST.get("query", "")), now=clock.now())
    try:
        if request.POST.get("do") == "delete":
            messages.success(request, f"Deleted: {saving.delete(viewer, public_id)}")
        else:
            saved = saving.rename(viewer, public_id, name=request.POST.get("name", ""))
            messages.success(request, f"Renamed: {saved.name}")
    except NoSuchFilter as refusal:
        raise Http404(str(refusal)) from refusal
    except Invalid as refusal:
        messages.warning(request, str(refusal))
    return redirect(f"{reverse('inbox')}?{box.query}")
