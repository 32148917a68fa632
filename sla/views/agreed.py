"""Time agreed upon, from the lead page: pause, end a pause, extend. Each a form, each one call to its verb."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from leads import clock, moments
from leads.errors import Invalid, Refused
from leads.models import Lead, User
from leads.viewer import signed_in, viewer_of
from sla.clocks import pausing
from sla.models import Clock
from sla.views import answers


@signed_in
@require_POST
def pause(request: HttpRequest, public_id: UUID, target: str) -> HttpResponse:
    """Let depth or qualify stand still until a moment."""

    def agree(promise: Clock, by: User, now: datetime) -> str:
        made = pausing.pause(
            promise.pk, until_at=_until(request), reason=request.POST.get("reason", ""), by=by, now=now
        )
        return f"Paused until {moments.said(made.until_at, 'j M H:i')}."

    return _agree(request, public_id, target, agree)


@signed_in
@require_POST
def resume(request: HttpRequest, public_id: UUID, target: str) -> HttpResponse:
    """End a pause before its time."""

    def agree(promise: Clock, by: User, now: datetime) -> str:
        pausing.end_pause(promise.pk, by=by, now=now)
        return "The clock goes on."

    return _agree(request, public_id, target, agree)


@signed_in
@require_POST
def extend(request: HttpRequest, public_id: UUID, target: str) -> HttpResponse:
    """A manager gives more time, once."""

    def agree(promise: Clock, by: User, now: datetime) -> str:
        timing = pausing.extend(
            promise.pk, seconds=_seconds(request), reason=request.POST.get("reason", ""), by=by, now=now
        )
        return f"Extended: due {moments.said(timing.due_at, 'D j M H:i')}."

    return _agree(request, public_id, target, agree)


def _agree(
    request: HttpRequest, public_id: UUID, target: str, agree: Callable[[Clock, User, datetime], str]
) -> HttpResponse:
    """Load the promise that runs, agree upon its time, and tell what came of it."""
    viewer, now = viewer_of(request), clock.now()
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    promise = Clock.objects.filter(episode__lead=lead, target=target).order_by("verdict", "-pk").first()
    if promise is None:
        raise Http404("There is no such promise.")
    try:
        told = agree(promise, viewer, now)
    except Refused as refusal:
        return answers.refused(request, lead, refusal, now=now)
    return answers.said(request, lead, told, now=clock.now())


def _until(request: HttpRequest) -> datetime:
    """The end of the pause as the viewer typed it, in their zone."""
    try:
        at = datetime.fromisoformat(request.POST.get("until", ""))
    except ValueError as error:
        raise Invalid("Give the date until which it is paused.", field="until") from error
    return timezone.make_aware(at) if at.tzinfo is None else at


def _seconds(request: HttpRequest) -> int:
    """The hours that were typed, as seconds."""
    try:
        hours = float(request.POST.get("hours", ""))
    except ValueError:
        hours = math.nan
    if not math.isfinite(hours) or abs(hours) > 10_000:
        raise Invalid("Give the hours of working time to extend by, such as 1.5.", field="hours")
    return round(hours * 3600)
