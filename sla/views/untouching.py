"""A touch from the pages is taken back within seconds; it is recorded in `verdicts` and `next_move`."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from leads import clock
from leads.errors import Refused
from leads.models import Lead
from leads.viewer import signed_in, viewer_of
from sla import untouching
from sla.models import TakenBackTouch, Touch
from sla.views import answers


@signed_in
@require_POST
def undo(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take back what the viewer has recorded, within its seconds; asked twice, the second is told the same."""
    viewer, now = viewer_of(request), clock.now()
    seen = Lead.objects.visible_to(viewer)
    mine = Touch.objects.filter(recorded_by=viewer, lead__in=seen).select_related("lead")
    touch = mine.filter(public_id=public_id).first()
    if touch is None:
        gone = TakenBackTouch.objects.filter(by=viewer, lead__in=seen).select_related("lead")
        return answers.untouched(request, get_object_or_404(gone, public_id=public_id), now=now)
    try:
        taken = untouching.take_back(touch.pk, by=viewer, now=now)
    except Refused as refusal:
        return answers.refused(request, touch.lead, refusal, now=now)
    return answers.untouched(request, taken, now=clock.now())
