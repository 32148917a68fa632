"""Acting from the board on one lead or several: reassign, take over, extend, nudge. Each lead by itself.

The sheet is a page of its own: without scripts a manager comes to it by a link, with them it opens over the board.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from leads import clock, moments
from leads.errors import Invalid, Refused
from leads.models import Lead, User
from leads.viewer import is_part, signed_in, viewer_of
from sla.clocks import extending
from sla.handoffs import room
from sla.models import Absence, Handoff, Rep
from sla.querysets import HandoffQuerySet
from sla.routing import nudging, reassigning
from sla.rows import Row, rows, what_happened
from sla.views.board.narrowing import teams_of
from sla.views.naming import person_or_rules, versions_seen

MOST: Final = 100
SHEET: Final = "sla/board_act.html"

Do = Callable[[Handoff, int | None], str]


@dataclass(frozen=True)
class Result:
    """What came of one lead."""

    lead: Lead
    text: str
    is_done: bool


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest) -> HttpResponse:
    """What can be done with the chosen hand-offs; and, posted, what came of it for each."""
    viewer, now = viewer_of(request), clock.now()
    mine = Handoff.objects.of_teams(teams_of(viewer))
    seen = _seen(request)
    if request.method != "POST":
        return _sheet(request, mine, seen, now=now)
    do = _wanted(request, viewer, now)
    if isinstance(do, Invalid):
        return _sheet(request, mine, seen, now=now, refused=do)
    results = [_one(handoff, seen[handoff.public_id], do, now=now) for handoff in _chosen(mine, seen)]
    page = {"results": results, "done": sum(each.is_done for each in results), "back": _back(request)}
    response = render(request, f"{SHEET}#results" if is_part(request) else SHEET, page)
    return trigger_client_event(response, "lead-moved", after="settle") if is_part(request) else response


def _sheet(
    request: HttpRequest,
    mine: HandoffQuerySet,
    seen: dict[UUID, int | None],
    *,
    now: datetime,
    refused: Invalid | None = None,
) -> HttpResponse:
    shown = rows(_chosen(mine, seen), now=now)
    if not shown and not request.htmx and seen:  # type: ignore[attr-defined]
        raise Http404
    viewer = viewer_of(request)
    page: dict[str, Any] = {
        "rows": [(row, seen[row.handoff.public_id]) for row in shown],
        "reps": _reps(viewer, shown, now=now),
        "may_take": Rep.objects.filter(user=viewer, is_active=True).exists(),
        "open": sum(row.handoff.is_open for row in shown),
        "refused": refused,
        "what": request.POST.get("what", request.GET.get("what", "")),
        "typed": {name: request.POST.get(name, "") for name in ("to", "hours", "reason")},
        "came_from": (request.POST if request.method == "POST" else request.GET).get("from", ""),
        "back": _back(request),
    }
    template = f"{SHEET}#sheet" if is_part(request) else SHEET
    return render(request, template, page, status=422 if refused is not None else 200)


def _chosen(mine: HandoffQuerySet, seen: dict[UUID, int | None]) -> Sequence[Handoff]:
    """The chosen ones that are of the viewer's teams, in the order in which they run out."""
    return list(mine.filter(public_id__in=seen).most_urgent_first().for_rows())


def _reps(viewer: User, shown: Sequence[Row], *, now: datetime) -> list[tuple[Rep, int]]:
    """Who of the viewer's teams could be given them, with their load; who is away could not."""
    away = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).values("rep")
    found = Rep.objects.filter(user__memberships__team__in=teams_of(viewer), is_active=True).exclude(pk__in=away)
    holders = {row.handoff.user_id for row in shown}
    if len(holders) == 1:
        found = found.exclude(user__in=holders)
    reps = list(found.select_related("user").distinct().order_by("user__full_name", "pk"))
    loads = room.loads([rep.user_id for rep in reps])
    return [(rep, loads.get(rep.user_id, 0)) for rep in reps]


def _one(handoff: Handoff, version: int | None, do: Do, *, now: datetime) -> Result:
    """Do it with one of them, in a transaction of its own, and say what came of it."""
    lead = handoff.episode.lead
    try:
        return Result(lead, do(handoff, version), is_done=True)
    except Refused as refusal:
        text = str(refusal)
        if refusal.code == "already_decided":
            handoff.refresh_from_db()
            text = what_happened(handoff, now=now) or text
        return Result(lead, text, is_done=False)


def _wanted(request: HttpRequest, viewer: User, now: datetime) -> Do | Invalid:
    """What is to be done with each, or what in the form can't be read."""
    what, reason = request.POST.get("what", ""), request.POST.get("reason", "")
    try:
        if what == "nudge":
            return lambda handoff, version: _nudge(handoff, version, viewer, now)
        reassigning.given(reason)
        if what == "take":
            return lambda handoff, version: _take(handoff, version, viewer, reason, now)
        if what == "extend":
            seconds = _seconds(request.POST.get("hours", ""))
            return lambda handoff, version: _extend(handoff, version, viewer, reason, seconds, now)
        if what == "reassign":
            to = person_or_rules(request.POST.get("to", ""))
            return lambda handoff, version: _reassign(handoff, version, viewer, reason, to, now)
    except Invalid as refusal:
        return refusal
    return Invalid("Choose what to do.", field="what")


def _nudge(handoff: Handoff, version: int | None, by: User, now: datetime) -> str:
    nudging.nudge(handoff.pk, by=by, now=now, seen_version=version)
    return f"{handoff.user} is told that you wait for this."


def _take(handoff: Handoff, version: int | None, by: User, reason: str, now: datetime) -> str:
    reassigning.take_over(handoff.pk, reason=reason, by=by, now=now, seen_version=version)
    return f"Yours now, accepted. {handoff.user} no longer has it."


def _extend(handoff: Handoff, version: int | None, by: User, reason: str, seconds: int, now: datetime) -> str:
    timing = extending.extend_next(handoff.pk, seconds=seconds, reason=reason, by=by, now=now, seen_version=version)
    return f"{timing.clock.get_target_display()} is due {moments.said(timing.due_at, 'D j M H:i')}."


def _reassign(handoff: Handoff, version: int | None, by: User, reason: str, to: User | None, now: datetime) -> str:
    made = reassigning.reassign(handoff.pk, to=to, reason=reason, by=by, now=now, seen_version=version)
    return f"Offered to {made.user}." if made is not None else "The rules find the next rep; until then it waits."


def _seconds(text: str) -> int:
    """The hours that were typed, as seconds. Raises Invalid."""
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not math.isfinite(hours) or not 0 < hours <= 10_000:
        raise Invalid("Give the hours of working time to extend by, such as 1.5.", field="hours")
    return round(hours * 3600)


def _seen(request: HttpRequest) -> dict[UUID, int | None]:
    """The chosen hand-offs, each with the version that the board showed. What can't be read is left out."""
    asked = request.POST if request.method == "POST" else request.GET
    return versions_seen(asked.getlist("h")[:MOST])


def _back(request: HttpRequest) -> str:
    """The board as it was looked at."""
    asked = request.POST if request.method == "POST" else request.GET
    query = asked.get("from", "")
    safe = all(char.isalnum() or char in "=&%-_.~+" for char in query)
    return f"{reverse('board')}?{query}" if query and safe else reverse("board")
