"""Why not somebody else: asked on the lead's page, answered in one sentence out of the stored trace."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leads.models import Lead
from leads.viewer import is_part, signed_in, viewer_of
from sla import why
from sla.models import Handoff, Leg
from sla.views.naming import key_or_404


@signed_in
@require_GET
def why_not(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Of the last offer that routing made of this lead; `?rep=` names whom, else it is the viewer."""
    viewer = viewer_of(request)
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    offers = Handoff.objects.filter(episode__lead=lead, leg=Leg.SALES, trace__isnull=False).select_related(
        "user", "team", "trace"
    )
    handoff = offers.order_by("-episode__opened_at", "-episode_id", "-hop").first()
    if handoff is None:
        raise Http404
    told = why.ask(why.choices(handoff, viewer), viewer, _asked(request))
    if told is None:
        raise Http404
    page = {"lead": lead, "why_not": told}
    return render(request, "sla/why_not.html#why_not" if is_part(request) else "sla/why_not.html", page)


def _asked(request: HttpRequest) -> UUID | None:
    text = request.GET.get("rep", "")
    return key_or_404(text) if text else None
