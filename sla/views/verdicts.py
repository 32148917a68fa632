"""Verdicts and touches from the pages: each a form, each one call to its verb."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from leads import clock
from leads.errors import Invalid, Refused
from leads.models import Lead, User
from leads.viewer import signed_in, viewer_of
from sla import checklists, handoffs, touches
from sla.models import Handoff, Reason, Touch
from sla.routing import handing_over
from sla.views import answers, meetings
from sla.views.naming import person
from sla.views.once import SentBefore, form_of, keeps_text, once
from sla.views.sheets import evidence_name

View = Callable[[HttpRequest, UUID], HttpResponse]


class Told(TypedDict):
    """What every verdict is told: by whom, and when."""

    by: User
    now: datetime


class No(TypedDict):
    """What goes with a no."""

    reason: str
    evidence: str
    note: str
    named_date: datetime | None


Answer = Callable[[HttpRequest, int, Told], Handoff]


def verdict(give: Answer) -> View:
    """A form that answers a hand-off the viewer may see: what came of it is told, or why it was refused."""

    @signed_in
    @require_POST
    @functools.wraps(give)
    def view(request: HttpRequest, public_id: UUID) -> HttpResponse:
        viewer, now = viewer_of(request), clock.now()
        visible = Handoff.objects.visible_to(viewer).select_related("episode__lead", "user")
        handoff = get_object_or_404(visible, public_id=public_id)
        lead, told = handoff.episode.lead, Told(by=viewer, now=now)
        key, form = request.POST.get("key", ""), form_of(request)
        try:
            answered = once(lambda: give(request, handoff.pk, told), form=form, key=key, **told)
        except SentBefore:
            handoff.refresh_from_db()
            return answers.done(request, handoff, now=clock.now(), again=True)
        except Refused as refusal:
            return answers.refused(request, lead, refusal, now=now, handoff=handoff)
        return answers.done(request, answered, now=clock.now())

    return keeps_text(view)


@verdict
def accept(request: HttpRequest, handoff_id: int, told: Told) -> Handoff:
    """The rep, or a manager for them, takes the lead."""
    return handoffs.accept(handoff_id, seen_version=seen_version(request), **told)


@verdict
def reject(request: HttpRequest, handoff_id: int, told: Told) -> Handoff:
    """The lead did not meet the definition, with the reason; or they named a date before anybody accepted."""
    return handoffs.reject(handoff_id, seen_version=seen_version(request), **_no(request), **told)


@verdict
def return_(request: HttpRequest, handoff_id: int, told: Told) -> Handoff:
    """What the conversation showed, with the reason, and the date the person named where there is one."""
    return handoffs.return_(handoff_id, seen_version=seen_version(request), **_no(request), **told)


@verdict
def convert(request: HttpRequest, handoff_id: int, told: Told) -> Handoff:
    """Sales-qualified, with what is known of the questions of the checklist, and who takes it from here."""
    named = request.POST.get("to", "")
    to = person(named, otherwise="Choose who takes it from here.") if named else None
    return handoffs.convert(
        handoff_id,
        to=to,
        bant=_answers(request, handoff_id),
        note=request.POST.get("note", ""),
        seen_version=seen_version(request),
        **told,
    )


@verdict
def hand_over(request: HttpRequest, handoff_id: int, told: Told) -> Handoff:
    """The rep, or a manager for them, gives it to a colleague, with the reason; told is how the former one stands."""
    to = person(request.POST.get("to", ""), otherwise="Choose a colleague.")
    why, seen = request.POST.get("why", ""), seen_version(request)
    handing_over.hand_over(handoff_id, to=to, why=why, seen_version=seen, **told)
    return Handoff.objects.select_related("user", "episode__lead").get(pk=handoff_id)


@verdict
def undo(request: HttpRequest, handoff_id: int, told: Told) -> Handoff:
    """Take the last verdict back, within its seconds."""
    return handoffs.undo(handoff_id, seen_version=seen_version(request), **told)


@verdict
def reopen(request: HttpRequest, handoff_id: int, told: Told) -> Handoff:
    """A manager takes a verdict back later, with a reason."""
    return handoffs.reopen(handoff_id, why=request.POST.get("why", ""), **told)


@keeps_text
@signed_in
@require_POST
def touch(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Somebody reached out: by hand, for oneself, or by a manager for the rep who has the lead."""
    viewer, now = viewer_of(request), clock.now()
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    handoff = Handoff.objects.open().filter(episode__lead=lead).select_related("user").first()
    performed_by = handoff.user if handoff is not None and handoffs.may_act(handoff, viewer) else viewer

    def act() -> Touch:
        return _touch(request, lead, performed_by=performed_by, by=viewer, now=now)

    return answers.recorded(
        request, lead, act, lambda made: answers.touched(request, made, now=clock.now()), by=viewer, now=now
    )


def _touch(request: HttpRequest, lead: Lead, *, performed_by: User, by: User, now: datetime) -> Touch:
    return touches.record(
        lead.pk,
        means=request.POST.get("means", ""),
        outcome=request.POST.get("outcome", ""),
        performed_by=performed_by,
        recorded_by=by,
        occurred_at=_local(request, "occurred_at") or now,
        now=now,
        note=request.POST.get("note", ""),
        meeting_at=meetings.given(request) if request.POST.get("outcome") == Touch.Outcome.BOOKED else None,
    )


def _no(request: HttpRequest) -> No:
    """What a sheet of reasons says. A date belongs to a reason that comes back on one; elsewhere it was left over."""
    reason = _chosen(request, "reason")
    dated = Reason.objects.filter(code=reason, follows=Reason.Follows.DATE).exists() if reason.isprintable() else False
    return No(
        reason=reason,
        evidence=request.POST.get(evidence_name(reason), ""),
        note=request.POST.get("note", ""),
        named_date=_local(request, "named_date") if dated else None,
    )


def _answers(request: HttpRequest, handoff_id: int) -> dict[str, str]:
    """What the form says of the questions of the checklist; an emptied one is taken back."""
    definition = Handoff.objects.values_list("episode__definition", flat=True).get(pk=handoff_id)
    items = checklists.items_for(definition)
    return {item.key: request.POST[item.key] for item in items if item.key in request.POST}


def seen_version(request: HttpRequest) -> int | None:
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
