"""Standing leads on the board: the best few, released or dismissed one by one."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from leads import clock
from leads.errors import Refused
from leads.models import Lead, User
from leads.viewer import signed_in, viewer_of
from scoring import standing
from scoring.models import Qualification
from sla.views.board.counting import told
from sla.views.board.narrowing import Look, teams_of

FEW: Final = 5
COUNTED: Final = 1000
SHOWN: Final = (
    *("public_id", "tier", "total", "sentence"),
    *(f"lead__{field}" for field in ("public_id", "first_name", "last_name", "email")),
    *(f"lead__account__{field}" for field in ("name", "domain", "group_id")),
)
NONE: Final[dict[str, Any]] = {"standing": [], "standing_count": "0"}


def few(look: Look) -> dict[str, Any]:
    """The best standing leads, and how many there are, counted to a thousand."""
    rows = standing_of(look.viewer)
    keys = list(rows.values_list("pk", flat=True)[: COUNTED + 1])
    best = rows.filter(pk__in=keys[:FEW]).only(*SHOWN) if keys else rows.none()
    return {"standing": list(best), "standing_count": told(len(keys), COUNTED)}


def visible(viewer: User) -> QuerySet[Qualification]:
    """Qualifications of leads that this viewer may read."""
    return Qualification.objects.filter(lead__in=Lead.objects.visible_to(viewer).live())


def standing_of(viewer: User) -> QuerySet[Qualification]:
    """Standing leads that wait for a person, the best first; of equals the one that waits longest."""
    waiting = visible(viewer).filter(waiting=True)
    return waiting.select_related("lead__account").order_by("-total", "at", "pk")


@signed_in
@require_POST
def release(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let one standing lead go to sales."""
    qualification = _one(request, public_id)
    try:
        standing.release(qualification.pk, now=clock.now(), by=viewer_of(request))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"Released: {qualification.lead.name}")
    return redirect("board")


@signed_in
@require_POST
def dismiss(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take one standing lead off the list."""
    qualification = _one(request, public_id)
    if standing.dismiss([qualification.pk], now=clock.now(), by=viewer_of(request)):
        messages.success(request, f"Dismissed: {qualification.lead.name}")
    else:
        messages.warning(request, "Somebody has already settled this one.")
    return redirect("board")


def _one(request: HttpRequest, public_id: UUID) -> Qualification:
    viewer = viewer_of(request)
    teams_of(viewer)
    return get_object_or_404(visible(viewer).select_related("lead"), public_id=public_id)
