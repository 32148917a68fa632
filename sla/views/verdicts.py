"""Verdicts and touches from the pages: each a form, each one call to its verb."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from leads import clock
from leads.errors import Invalid, Refused
from leads.models import Lead, User
from leads.viewer import signed_in, viewer_of
from sla import handoffs, touches
from sla.handoffs.verdicts import BANT
from sla.models import Handoff
from sla.views import answers

Answer = Callable[[Handoff, User, datetime], Handoff]


@signed_in
@require_POST
def accept(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The rep, or a manager for them, takes the lead."""
    return _answer(
        request,
        public_id,
        lambda handoff, by, now: handoffs.accept(handoff.pk, by=by, now=now, seen_version=_seen_version(request)),
    )


@signed_in
@require_POST
def reject(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The lead did not meet the definition, with the reason."""
    return _answer(
        request,
        public_id,
        lambda handoff, by, now: handoffs.reject(
            handoff.pk,
            reason=_chosen(request, "reason"),
            note=request.POST.get("note", ""),
            by=by,
            now=now,
            seen_version=_seen_version(request),
        ),
    )


@signed_in
@require_POST
def return_(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What the conversation showed, with the reason, and the date the person named where there is one."""
    return _answer(
        request,
        public_id,
        lambda handoff, by, now: handoffs.return_(
            handoff.pk,
            reason=_chosen(request, "reason"),
            note=request.POST.get("note", ""),
            named_date=_local(request, "named_date"),
            by=by,
            now=now,
            seen_version=_seen_version(request),
        ),
    )


@signed_in
@require_POST
def convert(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Sales-qualified, with what is known of budget, authority, need and timing."""
    return _answer(
        request,
        public_id,
        lambda handoff, by, now: handoffs.convert(
            handoff.pk,
            bant={field: request.POST[field] for field in BANT if request.POST.get(field, "").strip()},
            note=request.POST.get("note", ""),
            by=by,
            now=now,
            seen_version=_seen_version(request),
        ),
    )


@signed_in
@require_POST
def undo(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take the last verdict back, within its seconds."""
    return _answer(
        request,
        public_id,
        lambda handoff, by, now: handoffs.undo(handoff.pk, by=by, now=now, seen_version=_seen_version(request)),
    )


@signed_in
@require_POST
def reopen(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A manager takes a verdict back later, with a reason."""
    return _answer(
        request,
        public_id,
        lambda handoff, by, now: handoffs.reopen(handoff.pk, by=by, why=request.POST.get("why", ""), now=now),
    )


@signed_in
@require_POST
def touch(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Somebody reached out: by hand, for oneself, or by a manager for the rep who has the lead."""
    viewer, now = viewer_of(request), clock.now()
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    handoff = Handoff.objects.open().filter(episode__lead=lead).select_related("user").first()
    acts = handoff is not None and handoffs.may_act(handoff, viewer)
    try:
        made = touches.record(
            lead.pk,
            means=request.POST.get("means", ""),
            outcome=request.POST.get("outcome", ""),
            performed_by=handoff.user if handoff is not None and acts else viewer,
            recorded_by=viewer,
            occurred_at=_local(request, "occurred_at") or now,
            now=now,
            note=request.POST.get("note", ""),
        )
    except Refused as refusal:
        return answers.refused(request, lead, refusal, now=now)
    later = " It was logged late, so it counts from now." if made.logged_later else ""
    return answers.said(request, lead, f"{made.get_means_display()} recorded.{later}", now=now)


def _answer(request: HttpRequest, public_id: UUID, give: Answer) -> HttpResponse:
    """Load the hand-off, give the verdict, and tell what came of it."""
    viewer, now = viewer_of(request), clock.now()
    visible = Handoff.objects.visible_to(viewer).select_related("episode__lead", "user")
    handoff = get_object_or_404(visible, public_id=public_id)
    try:
        answered = give(handoff, viewer, now)
    except Refused as refusal:
        return answers.refused(request, handoff.episode.lead, refusal, now=now, handoff=handoff)
    return answers.done(request, answered, now=clock.now())


def _seen_version(request: HttpRequest) -> int | None:
    """The version the page saw. Raises Invalid where it can't be read."""
    text = request.POST.get("version", "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise Invalid("The version a page saw is a number.", field="version")
    return int(text)


def _chosen(request: HttpRequest, name: str) -> str:
    value = request.POST.get(name, "")
    if not value:
        raise Invalid("Choose a reason.", field=name)
    return value


def _local(request: HttpRequest, name: str) -> datetime | None:
    """A moment as the viewer typed it, in their zone."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("Give the date as the field asks for it.", field=name) from error
    return timezone.make_aware(at) if at.tzinfo is None else at
