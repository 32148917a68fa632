"""Later: a next step with its date, out of sight until then, back again; each a form, each one call to its verb."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from leads import clock, moments
from leads.errors import Invalid, Refused
from leads.models import User
from leads.viewer import signed_in, viewer_of
from sla.handoffs import UNDO_FOR
from sla.models import Handoff, State
from sla.nextsteps import changing
from sla.views import answers
from sla.views.toasts import Toast
from sla.views.verdicts import seen_version


@signed_in
@require_POST
def later(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Say what comes next and when; an offer, or whoever asks for it, is out of sight until then."""

    def put_off(handoff: Handoff, by: User, now: datetime) -> Toast:
        until, seen = _until(request), seen_version(request)
        if handoff.state != State.ACCEPTED:
            made = changing.snooze(handoff.pk, until=until, by=by, now=now, seen_version=seen)
        else:
            hide = request.POST.get("hide") == "yes"
            what = request.POST.get("what", "")
            made = changing.set_step(handoff.pk, at=until, what=what, hide=hide, by=by, now=now, seen_version=seen)
        to = reverse("handoff-later-undo", args=[made.public_id])
        lead = made.episode.lead.public_id
        return Toast(_told(made, until), to, lead, version=made.version, seconds=UNDO_FOR.seconds)

    return _change(request, public_id, put_off)


@signed_in
@require_POST
def wake(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Back into sight before its time."""

    def bring_back(handoff: Handoff, by: User, now: datetime) -> Toast:
        changing.wake(handoff.pk, by=by, now=now)
        return Toast(f"Back in sight: {handoff.episode.lead.name}")

    return _change(request, public_id, bring_back)


@signed_in
@require_POST
def undo(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take the last snooze or step back, within its seconds."""

    def take_back(handoff: Handoff, by: User, now: datetime) -> Toast:
        changing.undo(handoff.pk, by=by, now=now)
        return Toast(f"Undone: {handoff.episode.lead.name}")

    return _change(request, public_id, take_back, redraws=True)


def _change(
    request: HttpRequest, public_id: UUID, change: Callable[[Handoff, User, datetime], Toast], *, redraws: bool = False
) -> HttpResponse:
    """Load the hand-off, change it, and tell what came of it."""
    viewer, now = viewer_of(request), clock.now()
    visible = Handoff.objects.visible_to(viewer).select_related("episode__lead", "user")
    handoff = get_object_or_404(visible, public_id=public_id)
    try:
        toast = change(handoff, viewer, now)
    except Refused as refusal:
        return answers.refused(request, handoff.episode.lead, refusal, now=now, handoff=handoff)
    return answers.changed(request, handoff, toast, now=clock.now(), redraws=redraws)


def _told(handoff: Handoff, asked: datetime) -> str:
    """What was set, and where the row comes back sooner than asked, why."""
    name, hidden = handoff.episode.lead.name, handoff.snoozed_until
    if hidden is not None and hidden < asked:
        return f"{name} is out of sight until {_when(hidden)}: its next warning comes then."
    if hidden is not None:
        return f"{name} is out of sight until {_when(hidden)}"
    return f"{handoff.next_step}, {_when(asked)}: {name}"


def _when(at: datetime) -> str:
    return moments.said(at, "D j M H:i")


def _until(request: HttpRequest) -> datetime:
    """The moment as it was typed, in the viewer's zone, else as it was chosen."""
    text = request.POST.get("until", "").strip() or request.POST.get("moment", "")
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("Choose when, or give the date as the field asks for it.", field="until") from error
    return timezone.make_aware(at) if at.tzinfo is None else at
