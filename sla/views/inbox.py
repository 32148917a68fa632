"""The rep's inbox: what to decide, to follow up, out of sight, done today; and what arrives while it is open."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from leads import clock
from leads.models import Role
from leads.viewer import is_part, signed_in, viewer_of
from sla.inbox import pages
from sla.inbox.counting import OVERLAP
from sla.inbox.tabs import Inbox
from sla.models import Handoff, Rep, SavedFilter
from sla.rows import Row, rows, what_happened
from sla.starting import steps
from sla.views.naming import key_of
from sla.views.once import new_key
from sla.views.toasts import toast_after

# A page asks about the rows that are in view.
SEEN_AT_MOST = 60


@signed_in
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Where a person's day starts: managers at the board, reps in the inbox, others at what they look after."""
    viewer = viewer_of(request)
    if viewer.has_role(Role.REVOPS, Role.ADMIN) and steps.is_untouched():
        return redirect("start")
    if viewer.has_role(Role.MANAGER):
        return redirect("board")
    if viewer.has_role(Role.REP):
        return redirect("inbox")
    return redirect("admin:index" if viewer.is_staff else "leads")


@signed_in
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """The viewer's own hand-offs, what runs out first on top; from a place on, where the address names one."""
    now = clock.now()
    box = Inbox(viewer_of(request), request.GET, now=now)
    after = request.GET.get("after", "")
    page = pages.page_of(box.rows, after=after, size=_size(request.GET))
    shown: dict[str, Any] = {"box": box, "rows": rows(page.handoffs, now=now), "after": page.after, "from": after}
    if is_part(request) and after:
        return render(request, "sla/inbox.html#more", shown)
    shown |= around(request, box) | {"toast": toast_after(request, now=now)}
    return render(request, "sla/inbox.html#list" if is_part(request) else "sla/inbox.html", shown)


def around(request: HttpRequest, box: Inbox) -> dict[str, Any]:
    """What stands around the rows: the filter and the saved ones, who may pull, and what the page knows of arrivals."""
    return {
        "key": new_key(),
        "saved": SavedFilter.objects.filter(user=box.viewer),
        "pulls": box.tab == "decide" and Rep.objects.filter(user=box.viewer, is_active=True).exists(),
        "since": box.now - OVERLAP,
        "known": box.just_come,
    }


@signed_in
@require_GET
def arrivals(request: HttpRequest) -> HttpResponse:
    """What changed since the page was drawn: a pill for new leads, and of the rows in view what stands otherwise now.

    A timer goes on by itself; it is sent again only where it was timed anew, stopped, or turned.
    """
    viewer, now = viewer_of(request), clock.now()
    box, seen = Inbox(viewer, request.GET, now=now), _seen(request)
    known = Handoff.objects.of_user(viewer).filter(public_id__in=seen)
    still = set(box.standing(known.order_by()).values_list("pk", flat=True))
    fresh, changed = [], []
    for row in rows(known.for_inbox(), now=now):
        version, stamp = seen[row.handoff.public_id]
        if row.handoff.pk not in still:
            changed.append(Row(row.handoff, row.timer, what_happened(row.handoff, now=now)))
        elif row.handoff.version != version:
            changed.append(row)
        elif row.timer.stamp != stamp:
            fresh.append(row)
    since = _moment(request.GET.get("since", "")) or now
    page = {
        "box": box,
        "new": box.arrived(since, known=[*_keys(request.GET.getlist("known")), *seen]),
        "fresh": fresh,
        "changed": changed,
        "is_poll": True,
    }
    return render(request, "sla/inbox.html#arrivals", page)


@signed_in
@require_GET
def fresh_timers(request: HttpRequest) -> HttpResponse:
    """The timers of hand-offs a page shows, as they stand now."""
    viewer, now = viewer_of(request), clock.now()
    known = Handoff.objects.visible_to(viewer).filter(public_id__in=_seen(request)).for_inbox()
    return render(request, "sla/inbox.html#timers", {"fresh": rows(known, now=now)})


def _size(params: QueryDict) -> int:
    """How many rows: a page, or as many as stood there before the list was drawn anew."""
    text = params.get("shown", "")
    wanted = int(text) if text.isdecimal() and len(text) < 5 else pages.SIZE
    return max(pages.SIZE, min(wanted, pages.MOST))


def _seen(request: HttpRequest) -> dict[UUID, tuple[int, str]]:
    """The rows in view, each with the version and the timer it shows. What can't be read is left out."""
    seen: dict[UUID, tuple[int, str]] = {}
    for item in request.GET.getlist("seen")[:SEEN_AT_MOST]:
        key, _, rest = item.partition(":")
        version, _, stamp = rest.partition(":")
        if (named := key_of(key)) is not None and version[:9].isdecimal():
            seen[named] = int(version[:9]), stamp
    return seen


def _keys(texts: list[str]) -> list[UUID]:
    return [key for key in map(key_of, texts[:SEEN_AT_MOST]) if key is not None]


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
