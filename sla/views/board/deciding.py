"""What a manager decides: leads in the middle of which a rep is away or gone, and nobody covers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from leads import clock
from leads.errors import Refused
from leads.models import User
from leads.viewer import signed_in, viewer_of
from sla.models import LeftBehind
from sla.people import left_behind
from sla.querysets import managed_teams
from sla.views.naming import key_or_404


@signed_in
@require_POST
def give(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give it to another rep."""
    left, viewer = _one(request, public_id), viewer_of(request)
    rep = get_object_or_404(User, public_id=key_or_404(request.POST.get("rep", "")), is_active=True)
    return _do(
        request,
        lambda: left_behind.give(left.pk, rep=rep, by=viewer, now=clock.now()),
        f"Offered to {rep}: {left.handoff.episode.lead.name}",
    )


@signed_in
@require_POST
def keep(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Keep it with the rep until they are back."""
    left, viewer = _one(request, public_id), viewer_of(request)
    return _do(
        request,
        lambda: left_behind.keep(left.pk, by=viewer, now=clock.now()),
        f"Stays with {left.handoff.user}: {left.handoff.episode.lead.name}",
    )


@signed_in
@require_POST
def route(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let the rules find the next rep."""
    left, viewer = _one(request, public_id), viewer_of(request)
    return _do(
        request,
        lambda: left_behind.route(left.pk, by=viewer, now=clock.now()),
        f"Goes to the next rep by the rules: {left.handoff.episode.lead.name}",
    )


def _one(request: HttpRequest, public_id: UUID) -> LeftBehind:
    """The row, if it is of a team that the viewer manages."""
    rows = LeftBehind.objects.filter(handoff__team__in=managed_teams(viewer_of(request)))
    return get_object_or_404(rows.select_related("handoff__user", "handoff__episode__lead"), public_id=public_id)


def _do(request: HttpRequest, verb: Callable[[], object], done: str) -> HttpResponse:
    try:
        verb()
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("board")
