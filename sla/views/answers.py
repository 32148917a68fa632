"""What a page is told after a verdict or a touch: what stands now, a toast with undo, or who was quicker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import trigger_client_event

from leads.errors import Refused
from leads.models import Lead, User
from leads.viewer import is_part, viewer_of
from sla.inbox.tabs import Inbox
from sla.models import Handoff, TakenBackTouch, Touch
from sla.rows import rows, what_happened
from sla.views import toasts
from sla.views.once import Draft, SentBefore, draft_of, form_of, once
from sla.views.toasts import FINAL, Toast

NOTHING_TYPED = Draft()
Made = TypeVar("Made")


def recorded(
    request: HttpRequest,
    lead: Lead,
    act: Callable[[], Made],
    tell: Callable[[Made], HttpResponse],
    *,
    by: User,
    now: datetime,
) -> HttpResponse:
    """Do once what a form about this lead asks for; tell what was done, or that it had been sent before, or why not."""
    try:
        made = once(act, form=form_of(request), key=request.POST.get("key", ""), by=by, now=now)
    except SentBefore:
        return said(request, lead, "This was recorded already, once.", now=now)
    except Refused as refusal:
        return refused(request, lead, refusal, now=now)
    return tell(made)


def touched(request: HttpRequest, touch: Touch, *, now: datetime) -> HttpResponse:
    """Somebody reached out: say what came of it and with whom, and offer to take it back."""
    if not is_part(request):
        return redirect(f"{_where(request, touch.lead)}?{urlencode({'touched': touch.public_id})}")
    return show(request, touch.lead, now=now, toast=toasts.of_touch(touch, now=now))


def untouched(request: HttpRequest, taken: TakenBackTouch, *, now: datetime) -> HttpResponse:
    """The touch was taken back: the page shows what stands again, and rows come back in place."""
    if not is_part(request):
        return redirect(f"{_where(request, taken.lead)}?{urlencode({'touched': taken.public_id})}")
    return show(request, taken.lead, now=now, toast=toasts.of_taken_back(taken), is_undo=True)


def done(request: HttpRequest, handoff: Handoff, *, now: datetime, again: bool = False) -> HttpResponse:
    """The verdict stands: show it, and offer to take it back. `again`: it had been sent before, and is told as such."""
    if not is_part(request):
        told = urlencode({"done": handoff.public_id} | ({"again": "yes"} if again else {}))
        return redirect(f"{_where(request, handoff.episode.lead)}?{told}")
    toast = toasts.of_verdict(handoff, now=now, again=again)
    is_undo = not toast.undo and handoff.state not in FINAL
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


def _where(request: HttpRequest, lead: Lead) -> str:
    """The page the form stood on."""
    if request.POST.get("from") == "inbox":
        return reverse("inbox")
    return reverse("lead-promise", args=[lead.public_id])
