"""The manager's board: what is late and what runs out next, who has how much, what waits for someone and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from leads import clock
from leads.errors import Refused
from leads.models import Lead, Role, Team, User
from leads.viewer import is_part, signed_in, viewer_of
from scoring import standing
from scoring.models import Episode, Phase, Qualification
from sla import routing
from sla.models import Clock, Handoff, LeftBehind, Target
from sla.people import left_behind
from sla.querysets import HandoffQuerySet, managed_teams
from sla.routing import assigning
from sla.rows import Row, rows
from sla.shadow import standing as shadow
from sla.views.dues import Due, dues_of, nearest_of
from sla.views.seats import seats

SHOWN = 200
WAITING_SHOWN = 12
STANDING_SHOWN = 20
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


@dataclass(frozen=True)
class Lined:
    """One open hand-off in its lane, with the due time that comes next."""

    row: Row
    due: Due | None


@dataclass(frozen=True)
class InLine:
    """One episode that waits for someone."""

    episode: Episode
    due: Due | None
    why: str


@signed_in
@require_GET
def board(request: HttpRequest) -> HttpResponse:
    """The open hand-offs of the viewer's teams by time to breach; each number is a filter."""
    viewer, now = viewer_of(request), clock.now()
    teams = _teams(viewer)
    show = request.GET.get("show", "")
    team_open = Handoff.objects.open().of_teams(teams)
    waiting = _waiting(viewer)
    numbers = _numbers(team_open, waiting, now=now)
    handoffs = _filtered(team_open.most_urgent_first(), show, now=now).for_rows()
    shown = rows(handoffs[:SHOWN], now=now) if show != "waiting" else []
    standing_rows = _standing(viewer)
    page = {
        "show": show,
        "numbers": numbers,
        "lanes": _lanes(shown, now=now),
        "seats": seats(teams, now=now),
        "waiting": _in_line(waiting, now=now),
        "left": _left(viewer),
        "standing": list(standing_rows[:STANDING_SHOWN]),
        "standing_count": standing_rows.count(),
        "on_paper": Episode.objects.filter(shadow.on_paper(), lead__in=Lead.objects.visible_to(viewer)).count(),
        "now": now,
    }
    return render(request, "sla/board.html#board" if is_part(request) else "sla/board.html", page)


@signed_in
@require_POST
def release(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let one standing lead go to sales."""
    qualification = _one_standing(request, public_id)
    try:
        standing.release(qualification.pk, now=clock.now(), by=viewer_of(request))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"Released: {qualification.lead.name}")
    return redirect("board")


@signed_in
@require_POST
def dismiss(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take one standing lead off the list."""
    qualification = _one_standing(request, public_id)
    if standing.dismiss([qualification.pk], now=clock.now(), by=viewer_of(request)):
        messages.success(request, f"Dismissed: {qualification.lead.name}")
    else:
        messages.warning(request, "Somebody has already settled this one.")
    return redirect("board")


@signed_in
@require_POST
def give(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give one waiting lead to a rep by hand."""
    viewer = viewer_of(request)
    _teams(viewer)
    episode = get_object_or_404(_waiting(viewer).select_related("lead"), public_id=public_id)
    rep = get_object_or_404(User, public_id=_uuid(request.POST.get("rep", "")), is_active=True)
    try:
        assigning.give(episode.pk, rep=rep, by=viewer, now=clock.now())
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"Offered to {rep}: {episode.lead.name}")
    return redirect("board")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _teams(viewer: User) -> QuerySet[Team]:
    """The teams of this viewer's board; to people who manage nothing there is no board."""
    if not viewer.has_role(Role.MANAGER, Role.REVOPS, Role.ADMIN):
        raise Http404
    return managed_teams(viewer)


def _one_standing(request: HttpRequest, public_id: UUID) -> Qualification:
    viewer = viewer_of(request)
    _teams(viewer)
    return get_object_or_404(_visible_qualifications(viewer).select_related("lead"), public_id=public_id)


def _visible_qualifications(viewer: User) -> QuerySet[Qualification]:
    return Qualification.objects.filter(lead__in=Lead.objects.visible_to(viewer).live())


def _waiting(viewer: User) -> QuerySet[Episode]:
    waiting = Episode.objects.filter(phase=Phase.WAITING, lead__in=Lead.objects.visible_to(viewer))
    return waiting.exclude(shadow.on_paper())


def _standing(viewer: User) -> QuerySet[Qualification]:
    """Standing leads that wait for a person, the best first; of equals the one that waits longest."""
    return _visible_qualifications(viewer).filter(waiting=True).select_related("lead__account").order_by("-total", "at")


def _numbers(team_open: HandoffQuerySet, waiting: QuerySet[Episode], *, now: datetime) -> list[dict[str, Any]]:
    """The four numbers. What is due within 15 minutes is also due within the hour; what is late is neither."""
    due = team_open.aggregate(
        late=Count("pk", filter=Q(next_due_at__lt=now)),
        soon=Count("pk", filter=Q(next_due_at__gte=now, next_due_at__lt=now + QUARTER)),
        hour=Count("pk", filter=Q(next_due_at__gte=now, next_due_at__lt=now + HOUR)),
    )
    labels = (("late", "Late now"), ("soon", "Due within 15 min"), ("hour", "Due within the hour"))
    numbers = [{"key": key, "label": label, "count": due[key]} for key, label in labels]
    return [*numbers, {"key": "waiting", "label": "Waiting for someone", "count": waiting.count()}]


def _filtered(handoffs: HandoffQuerySet, show: str, *, now: datetime) -> HandoffQuerySet:
    if show == "late":
        return handoffs.late(now)
    if show in ("soon", "hour"):
        return handoffs.due_between(now, now + (QUARTER if show == "soon" else HOUR))
    return handoffs


def _lanes(shown: Sequence[Row], *, now: datetime) -> list[dict[str, Any]]:
    """The rows by time to breach, empty lanes left out; the order within a lane is the rows'."""
    nearest = {row.handoff.pk: nearest_of(row.handoff) for row in shown}
    dues = dues_of((each for each in nearest.values() if each is not None), now=now)
    lanes: dict[str, list[Lined]] = {"Late": [], "Within 15 minutes": [], "Within the hour": [], "Later": [], "": []}
    for row in shown:
        running = nearest[row.handoff.pk]
        due = dues[running.pk] if running is not None else None
        lanes[_lane(due.at if due is not None else None, now)].append(Lined(row, due))
    return [
        {"label": label or "No clock running", "key": label or "none", "rows": lane}
        for label, lane in lanes.items()
        if lane
    ]


def _lane(due_at: datetime | None, now: datetime) -> str:
    if due_at is None:
        return ""
    if due_at < now:
        return "Late"
    if due_at < now + QUARTER:
        return "Within 15 minutes"
    return "Within the hour" if due_at < now + HOUR else "Later"


def _left(viewer: User) -> list[LeftBehind]:
    """What reps who are away or gone were in the middle of, and nobody covers."""
    return list(left_behind.to_decide(viewer)[:WAITING_SHOWN])


def _in_line(waiting: QuerySet[Episode], *, now: datetime) -> list[InLine]:
    """Who waits, the longest first, with why and until when someone should have it."""
    page = list(
        waiting.select_related("lead__account", "definition", "qualification").order_by("waiting_since", "pk")[
            :WAITING_SHOWN
        ]
    )
    running = Clock.objects.filter(episode__in=page, target=Target.ASSIGN, verdict="").prefetch_related(
        "timings__policy_version__policy", "pauses__by"
    )
    assign = {due.clock.episode_id: due for due in dues_of(running, now=now).values()}
    told = routing.why_all_wait(page, now=now)
    return [InLine(episode, assign.get(episode.pk), told[episode.pk].sentence) for episode in page]
