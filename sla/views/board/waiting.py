"""Giving a waiting lead to a rep by hand."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from leads import clock
from leads.errors import Refused
from leads.models import User
from leads.viewer import signed_in, viewer_of
from sla.routing import assigning
from sla.views.board.narrowing import Look
from sla.views.board.page import waiting_of
from sla.views.naming import key_or_404


@signed_in
@require_POST
def give(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give one waiting lead to a rep by hand."""
    look = Look.of(request, viewer_of(request), now=clock.now())
    episode = get_object_or_404(waiting_of(look).select_related("lead"), public_id=public_id)
    rep = get_object_or_404(User, public_id=key_or_404(request.POST.get("rep", "")), is_active=True)
    try:
        assigning.give(episode.pk, rep=rep, by=look.viewer, now=clock.now())
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"Offered to {rep}: {episode.lead.name}")
    return redirect("board")
