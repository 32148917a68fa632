"""What a page is told after a verdict: what stands now, a toast with undo, or who was quicker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import trigger_client_event

from leads.errors import Refused
from leads.models import Lead, User
from leads.viewer import is_part, viewer_of
from sla.handoffs import UNDO_FOR
from sla.handoffs.taking_back import is_handed_over
from sla.inbox.tabs import Inbox
from sla.models import Handoff, HandoffChange, State
from sla.rows import rows, what_happened
from sla.views.once import Draft, SentBefore, draft_of, form_of, new_key, once

NOTHING_TYPED = Draft()
Made = TypeVar("Made")

SAID = {
    State.OFFERED: "Back on offer",
    State.ACCEPTED: "Accepted",
    State.CONVERTED: "Converted",
    State.RETURNED: "Returned",
    State.REJECTED: "Rejected",
    State.MOVED: "Handed over",
}
# The lead has gone on: nothing of it is drawn anew for whoever had it.
FINAL = (State.MOVED, State.WITHDRAWN)


@dataclass(frozen=True)
class Toast:
    """A short message; with a hand-off, undo works for as many seconds as are left."""

    text: str
    handoff: Handoff | None = None
    seconds: int = 0
    is_bad: bool = False
    key: str = field(default_factory=new_key)
    undo: str = "handoff-undo"


def recorded(
    request: HttpRequest, lead: Lead, act: Callable[[], Made], say: Callable[[Made], str], *, by: User, now: datetime
) -> HttpResponse:
    """Do once what a form about this lead asks for; say what was done, or that it had been sent before, or why not."""
    try:
        made = once(act, form=form_of(request), key=request.POST.get("key", ""), by=by, now=now)
    except SentBefore:
        return said(request, lead, "This was recorded already, once.", now=now)
    except Refused as refusal:
        return refused(request, lead, refusal, now=now)
    return said(request, lead, say(made), now=now)


def done(request: HttpRequest, handoff: Handoff, *, now: datetime, again: bool = False) -> HttpResponse:
    """The verdict stands: show it, and offer to take it back. `again`: it had been sent before, and is told as such."""
    if not is_part(request):
        told = urlencode({"done": handoff.public_id} | ({"again": "yes"} if again else {}))
        return redirect(f"{_where(request, handoff.episode.lead)}?{told}")
    toast = _undo_toast(handoff, now=now, again=again)
    is_undo = toast.handoff is None and handoff.state not in FINAL
    return show(request, handoff.episode.lead, now=now, toast=toast, handoff=handoff, is_undo=is_undo)


def said(request: HttpRequest, lead: Lead, text: str, *, now: datetime) -> HttpResponse:
    """Something was recorded that has no undo."""
    if not is_part(request):
        return redirect(_where(request, lead))
    return show(request, lead, now=now, toast=Toast(text))


def changed(request: HttpRequest, handoff: Handoff, toast: Toast, *, now: datetime, redraws: bool) -> HttpResponse:
    """Something other than a verdict stands now, and may be taken back; `redraws` where rows come back."""
    if not is_part(request):
        messages.success(request, toast.text)
        return redirect(_where(request, handoff.episode.lead))
    fresh = Handoff.objects.select_related("episode__lead").get(pk=handoff.pk)
    return show(request, handoff.episode.lead, now=now, toast=toast, handoff=fresh, is_undo=redraws)


def refused(
    request: HttpRequest, lead: Lead, refusal: Refused, *, now: datetime, handoff: Handoff | None = None
) -> HttpResponse:
    """It was not done, and here is why and how things stand. What isn't theirs is not there."""
    if refusal.status == 404:
        raise Http404(str(refusal))
    told = str(refusal)
    if handoff is not None and refusal.code == "already_decided":
        handoff.refresh_from_db()
        told = what_happened(handoff, now=now)
    toast = Toast(told, is_bad=True)
    stale = handoff if refusal.status == 409 else None
    return show(request, lead, now=now, toast=toast, handoff=stale, status=refusal.status, draft=draft_of(request))


def show(
    request: HttpRequest,
    lead: Lead,
    *,
    now: datetime,
    toast: Toast,
    handoff: Handoff | None = None,
    status: int = 200,
    is_undo: bool = False,
    draft: Draft = NOTHING_TYPED,
) -> HttpResponse:
    """The promise as it stands now, with a toast; on the inbox its row and the counts follow."""
    from sla.views.lead_promise import promise_of

    viewer = viewer_of(request)
    page = promise_of(lead, viewer=viewer, now=now, draft=draft) | {"toast": toast, "answered": handoff}
    if not is_part(request):
        return render(request, "sla/promise.html", page, status=status)
    on_inbox = urlsplit(request.htmx.current_url_abs_path or "")  # type: ignore[attr-defined]
    if on_inbox.path == reverse("inbox") and not is_undo:
        told = toast.text if status != 200 else ""
        page |= _row(request, handoff or page["handoff"], on_inbox.query, now=now, told=told)
    response = render(request, "sla/promise.html#answered", page, status=status)
    if is_undo:
        trigger_client_event(response, "inbox-changed")
    return trigger_client_event(response, "lead-moved", {"lead": str(lead.public_id)}, after="settle")


def _row(request: HttpRequest, handoff: Handoff | None, query: str, *, now: datetime, told: str) -> dict[str, Any]:
    """What becomes of the hand-off's row in the list: drawn anew, gone, or gone with a word about who was quicker."""
    box = Inbox(viewer_of(request), QueryDict(query), now=now)
    page: dict[str, Any] = {"box": box}
    if handoff is None:
        return page
    still = box.standing(Handoff.objects.of_user(box.viewer).filter(pk=handoff.pk)).for_inbox()
    return page | {"gone": handoff, "told": told, "row": next(iter(rows(still, now=now)), None)}


def toast_after(request: HttpRequest, *, now: datetime) -> Toast | None:
    """On the page after a verdict given without scripts: the toast, while undo still works."""
    try:
        key = UUID(request.GET.get("done", ""))
    except ValueError:
        return None
    handoff = Handoff.objects.visible_to(viewer_of(request)).filter(public_id=key).first()
    again = request.GET.get("again") == "yes"
    return _undo_toast(handoff, now=now, again=again) if handoff is not None else None


def _undo_toast(handoff: Handoff, *, now: datetime, again: bool = False) -> Toast:
    last = handoff.changes.order_by("-at", "-id").first()
    text = f"{_what(handoff, last)}: {handoff.episode.lead.name}"
    if last is None or last.is_undo:
        return Toast(text if last is None else f"Undone: {handoff.episode.lead.name}")
    if again:
        text = f"{what_happened(handoff, now=now)}: {handoff.episode.lead.name}"
    if handoff.state in FINAL and not is_handed_over(last):
        return Toast(text)
    return Toast(text, handoff, seconds=_seconds_left(last, now=now))


def _what(handoff: Handoff, last: HandoffChange | None) -> str:
    """What was done, in a word or two; of a conversion, who was asked to take it from here."""
    if handoff.is_closing and handoff.state == State.CONVERTED:
        return SAID[State.ACCEPTED]
    made = last.before.get("made") if last is not None else None
    if handoff.state == State.CONVERTED and made is not None:
        asked = Handoff.objects.select_related("user").get(pk=made).user
        return f"Converted, {asked} is asked to close"
    return SAID.get(State(handoff.state), "Done")


def _seconds_left(change: HandoffChange, *, now: datetime) -> int:
    """How long undo still works, in whole seconds."""
    return max(0, int((change.at + UNDO_FOR - now).total_seconds()))


def _where(request: HttpRequest, lead: Lead) -> str:
    """The page the form stood on."""
    if request.POST.get("from") == "inbox":
        return reverse("inbox")
    return reverse("lead-promise", args=[lead.public_id])
