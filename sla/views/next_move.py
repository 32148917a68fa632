"""The next move on a lead page: a first letter to open or copy, and what came of a call, in one key."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST

from leads import clock, deals
from leads.errors import Invalid, Refused
from leads.models import Lead, Organization, User
from leads.viewer import is_part, signed_in, viewer_of
from scoring.models import Lane
from sla import checklists, drafting, handoffs, touches
from sla.checklists import answering
from sla.models import Handoff, State, Touch
from sla.views import answers, meetings
from sla.views.company import hosting
from sla.views.once import new_key

REFUSED = Lead.Permission.REFUSED
Means, Outcome = Touch.Means, Touch.Outcome


class Chip(NamedTuple):
    """One key for what came of reaching out."""

    label: str
    means: str
    outcome: str


CHIPS: Final[dict[str, Chip]] = {
    "connected": Chip("Connected", Means.CALL, Outcome.REACHED),
    "booked": Chip("Meeting booked", Means.CALL, Outcome.BOOKED),
    "voicemail": Chip("Left voicemail", Means.CALL, Outcome.LEFT_MESSAGE),
    "no_answer": Chip("No answer", Means.CALL, Outcome.NO_ANSWER),
    "mailed": Chip("E-mail sent", Means.EMAIL, Outcome.SENT),
}


@signed_in
@require_GET
def next_move(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """As a part of the lead page or as a page of its own; `?draft=` chooses a template."""
    viewer, now = viewer_of(request), clock.now()
    lead = get_object_or_404(Lead.objects.visible_to(viewer).select_related("account"), public_id=public_id)
    page = {"lead": lead, "now": now, "key": new_key()} | _move(lead, viewer, request.GET.get("draft", ""), now=now)
    return render(request, f"sla/next_move.html{'#move' if is_part(request) else ''}", page)


@signed_in
@require_POST
def log(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What came of reaching out: one of the chips, by the rep who has the lead or for them."""
    viewer, now = viewer_of(request), clock.now()
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    handoff = open_handoff(lead)
    acts = handoff is not None and handoffs.may_act(handoff, viewer)
    performed_by = handoff.user if handoff is not None and acts else viewer
    chip = request.POST.get("chip", "")
    return answers.recorded(
        request,
        lead,
        lambda: _touch(lead, chip, meetings.given(request), performed_by=performed_by, by=viewer, now=now),
        lambda made: answers.touched(request, made, now=clock.now()),
        by=viewer,
        now=now,
    )


def _touch(lead: Lead, name: str, meeting_at: datetime | None, *, performed_by: User, by: User, now: datetime) -> Touch:
    chip = CHIPS.get(name)
    if chip is None:
        raise Invalid(f"Say what came of it: {', '.join(CHIPS)}.", field="chip")
    return touches.record(
        lead.pk,
        means=chip.means,
        outcome=chip.outcome,
        performed_by=performed_by,
        recorded_by=by,
        occurred_at=now,
        now=now,
        meeting_at=meeting_at,
    )


@signed_in
@require_POST
def answer(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What is known for the conversion so far: each question that the form shows."""
    viewer, now = viewer_of(request), clock.now()
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    handoff = open_handoff(lead)
    if handoff is None:
        raise Http404
    asked = checklists.items_for(handoff.episode.definition_id)
    given = {item.key: request.POST[item.key] for item in asked if item.key in request.POST}
    try:
        answering.answer(handoff.pk, given, by=viewer, now=now)
    except Refused as refusal:
        return answers.refused(request, lead, refusal, now=now)
    return answers.said(request, lead, "Kept for the conversion.", now=now)


@signed_in
@require_POST
def deal(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What the deal came to: opened, an amount, won or lost, by who may say so."""
    viewer, now = viewer_of(request), clock.now()
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    kind, currency = request.POST.get("kind", ""), request.POST.get("currency", "")
    return answers.recorded(
        request,
        lead,
        lambda: deals.tell(lead.pk, kind, amount=_amount(request), currency=currency, by=viewer, now=now),
        lambda told: answers.said(request, lead, f"{told.get_kind_display()}: recorded.", now=now),
        by=viewer,
        now=now,
    )


def _amount(request: HttpRequest) -> Decimal | None:
    """An amount as it was typed: 12000, 12,000 or 12000.50; None where the box is empty."""
    text = request.POST.get("amount", "").strip().replace(",", "").replace(" ", "")
    if not text:
        return None
    try:
        return Decimal(text[:30])
    except InvalidOperation as error:
        raise Invalid("Give the amount as a number such as 12000.", field="amount") from error


def open_handoff(lead: Lead) -> Handoff | None:
    """Who has this lead's matter now."""
    found = Handoff.objects.open().filter(episode__lead=lead).select_related("user", "episode__lead__account")
    return found.first()


def _move(lead: Lead, viewer: User, chosen: str, *, now: datetime) -> dict[str, Any]:
    """What the next move shows; nothing to act with for those who only read."""
    handoff = None if hosting(lead) is not None else open_handoff(lead)
    if handoff is None or not handoffs.may_act(handoff, viewer):
        return {"handoff": None} | _deal(lead, viewer)
    questions = checklists.questions_of(handoff.episode) if handoff.lane != Lane.SIGNAL else []
    shown: dict[str, Any] = {
        "handoff": handoff,
        "chips": [(key, chip) for key, chip in CHIPS.items() if not _is_refused(lead, chip)],
        "may_book": not _is_refused(lead, CHIPS["booked"]),
        "questions": questions,
        "answered": sum(bool(text) for _, text in questions),
        "counts_as": _counts_as(handoff, viewer),
        "mail_refused": lead.email_permission == REFUSED,
        "for_rep": handoff.user if handoff.user_id != viewer.pk else None,
    }
    if shown["mail_refused"] or not lead.email:
        return shown
    handoff.episode.lead = lead
    templates = drafting.templates_for(handoff)
    template = next((each for each in templates if str(each.pk) == chosen), next(iter(templates), None))
    if template is None:
        return shown
    return shown | {"templates": templates, "draft": drafting.draft_of(template, lead, handoff.user, now=now)}


def _deal(lead: Lead, viewer: User) -> dict[str, Any]:
    """What may be told of the deal once the lead was converted; nothing for those who may not."""
    kinds = deals.MAY.get(lead.stage, ())
    if not kinds or not deals.may_tell(lead, viewer):
        return {}
    last = deals.last_amount(lead)
    currency = last.currency if last is not None else Organization.objects.values_list("currency", flat=True).get(pk=1)
    return {"deal": kinds, "last_amount": last, "currency": currency}


def _is_refused(lead: Lead, chip: Chip) -> bool:
    """The person opted out of the channel; that we talked nevertheless can be recorded as a touch."""
    permission = lead.email_permission if chip.means == Means.EMAIL else lead.phone_permission
    return permission == REFUSED


def _counts_as(handoff: Handoff, viewer: User) -> str:
    """What marking a letter as sent counts as, said before it is done."""
    whose = "your" if handoff.user_id == viewer.pk else f"{handoff.user.get_short_name()}’s"
    if handoff.first_touched_at is None:
        accepts = " and accepts the lead" if handoff.state == State.OFFERED else ""
        return f"{whose} first touch{accepts}"
    return f"{whose} touch number {handoff.touches + 1}"
