"""Answering an offer out of the mail, without logging in: a page that asks, and the answer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from leads import clock
from leads.errors import Invalid, Refused
from sla import handoffs
from sla.handoffs.moves import how_it_stands
from sla.models import Clock, Handoff, Reason, State, Target
from sla.telling import links, sums
from sla.views.once import draft_of
from sla.views.sheets import Choice, choices, evidence_name


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def mail_answer(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for the answer, or take it. Opening changes nothing; who answers is the one the mail went to."""
    now = clock.now()
    try:
        answering = links.opened(token, now=now)
    except Refused as refusal:
        return _page(request, {"refusal": refusal}, status=refusal.status)
    handoff, refusal_told, status, done = answering.handoff, None, 200, False
    if request.method == "POST":
        try:
            handoff, done = _answer(request, answering), True
        except Invalid as refused:
            refusal_told, status = refused, refused.status
        except Refused as refused:
            status = refused.status
            handoff.refresh_from_db()
    asks = not done and handoff.state == State.OFFERED and handoff.version == answering.version
    asks = asks and handoffs.may_act(handoff, answering.user)
    page = {
        "handoff": handoff,
        "lead": handoff.episode.lead,
        "answering": answering,
        "asks": asks,
        "is_done": done,
        "told": refusal_told,
        "given": request.POST,
        "stands": how_it_stands(handoff),
        "choices": _choices(request, handoff) if asks else [],
        "due": sums.local(running.due_at, answering.user) if asks and (running := _accept_clock(handoff)) else "",
    }
    return _page(request, page, status=status)


def _answer(request: HttpRequest, answering: links.Answering) -> Handoff:
    """Accept, or reject with the reason, as the recipient of the mail. Raises Refused."""
    given: dict[str, Any] = {"by": answering.user, "now": clock.now(), "seen_version": answering.version}
    answer = request.POST.get("answer")
    if answer == "accept":
        if answering.handoff.version != answering.version:
            # Accepting twice is answered kindly at the desk; a link works once.
            raise handoffs.AlreadyDecided(how_it_stands(answering.handoff), **handoffs.present(answering.handoff))
        return handoffs.accept(answering.handoff.pk, **given)
    if answer == "reject":
        reason = request.POST.get("reason", "")
        if not reason:
            raise Invalid("Choose a reason for rejecting.", field="reason")
        evidence, note = request.POST.get(evidence_name(reason), ""), request.POST.get("note", "")
        return handoffs.reject(answering.handoff.pk, reason=reason, evidence=evidence, note=note, **given)
    raise Invalid("Choose: accept, or reject with a reason.", field="answer")


def _accept_clock(handoff: Handoff) -> Clock | None:
    """Read without a lock: opening the page changes nothing."""
    return Clock.objects.filter(handoff=handoff, target=Target.ACCEPT, verdict="").first()


def _choices(request: HttpRequest, handoff: Handoff) -> list[Choice]:
    """The reasons a rejection may have, with what follows; one that needs a named date is given at the desk."""
    found = choices(handoff, draft_of(request), now=clock.now())
    return [choice for choice in found if choice.reason.follows != Reason.Follows.DATE]


def _page(request: HttpRequest, page: dict[str, Any], *, status: int) -> HttpResponse:
    """One person's page: nothing keeps it, and nobody finds it."""
    response = render(request, "sla/mail_answer.html", page, status=status)
    add_never_cache_headers(response)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
