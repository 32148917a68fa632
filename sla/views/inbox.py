"""The rep's inbox: what to decide, what to follow up, what was done today; and what arrives while it is open."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from leads import clock
from leads.models import Role, User
from leads.viewer import is_part, signed_in, viewer_of
from sla import routing
from sla.models import Handoff
from sla.querysets import HandoffQuerySet
from sla.rows import Row, rows, what_happened
from sla.starting import steps
from sla.views.answers import toast_after

TABS = {"decide": "To decide", "follow": "To follow up", "done": "Done today"}
SHOWN = 100
# What was offered before the page was drawn may have been committed after it.
OVERLAP = timedelta(seconds=30)


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
    """The viewer's own hand-offs, what runs out first on top."""
    viewer, now = viewer_of(request), clock.now()
    tab = tab_of(request.GET.get("tab", ""))
    shown = list(in_tab(viewer, tab, now=now).for_rows()[: SHOWN + 1])
    page = {
        "tab": tab,
        "tabs": counted_tabs(viewer, now=now),
        "rows": rows(shown[:SHOWN], now=now),
        "has_more": len(shown) > SHOWN,
        "since": now - OVERLAP,
        "in_pool": routing.waits_for(viewer, now=now) if tab == "decide" else None,
        "toast": toast_after(request, now=now),
    }
    return render(request, "sla/inbox.html#list" if is_part(request) else "sla/inbox.html", page)


@signed_in
@require_GET
def arrivals(request: HttpRequest) -> HttpResponse:
    """What changed since the page was drawn: a pill for new leads, fresh timers, and rows that someone else decided."""
    viewer, now = viewer_of(request), clock.now()
    tab, seen = tab_of(request.GET.get("tab", "")), _seen(request)
    known = Handoff.objects.of_user(viewer).filter(public_id__in=seen).for_rows()
    here = in_tab(viewer, tab, now=now)
    still = set(here.filter(public_id__in=seen).values_list("pk", flat=True))
    fresh, changed = [], []
    for row in rows(known, now=now):
        if row.handoff.pk not in still:
            changed.append(Row(row.handoff, row.timer, what_happened(row.handoff, now=now)))
        elif row.handoff.version != seen[row.handoff.public_id]:
            changed.append(row)
        else:
            fresh.append(row)
    since = _moment(request.GET.get("since", "")) or now
    new = 0 if tab == "done" else here.filter(offered_at__gt=since).exclude(public_id__in=seen).count()
    page = {
        "tab": tab,
        "tabs": counted_tabs(viewer, now=now),
        "new": new,
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
    known = Handoff.objects.visible_to(viewer).filter(public_id__in=_seen(request)).for_rows()
    return render(request, "sla/inbox.html#timers", {"fresh": rows(known, now=now)})


def in_tab(viewer: User, tab: str, *, now: datetime) -> HandoffQuerySet:
    """The hand-offs of one tab, in its order."""
    mine = Handoff.objects.of_user(viewer)
    if tab == "done":
        return mine.closed_since(_midnight(now)).last_closed_first()
    return (mine.to_follow_up() if tab == "follow" else mine.to_decide()).most_urgent_first()


def counted_tabs(viewer: User, *, now: datetime) -> list[dict[str, Any]]:
    """The tabs with how many rows each has, in one question."""
    done = Q(closed_at__gte=_midnight(now))
    counts = Handoff.objects.of_user(viewer).aggregate(
        decide=Count("pk", filter=Q(state="offered")),
        follow=Count("pk", filter=Q(state="accepted")),
        done=Count("pk", filter=done),
    )
    return [{"key": key, "label": label, "count": counts[key]} for key, label in TABS.items()]


def tab_of(name: str) -> str:
    """The tab of that name, or the first."""
    return name if name in TABS else "decide"


def _seen(request: HttpRequest) -> dict[UUID, int]:
    """What the page shows: hand-offs with the version it saw. What can't be read is left out."""
    seen: dict[UUID, int] = {}
    for item in request.GET.getlist("seen")[: SHOWN + 1]:
        key, _, version = item.partition(":")
        try:
            seen[UUID(key)] = int(version[:9])
        except ValueError:
            continue
    return seen


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _midnight(now: datetime) -> datetime:
    """The beginning of the viewer's day."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
