"""The page of the board: the floor by time to breach, who has how much, what waits and why, what stands."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leads import clock
from leads.models import Lead
from leads.viewer import signed_in, viewer_of
from scoring.models import Episode, Phase
from sla import at_hand, routing
from sla.models import Handoff
from sla.people import left_behind
from sla.querysets import first_of
from sla.shadow import standing as shadow
from sla.views.board import comparing, standing
from sla.views.board.contested import to_decide
from sla.views.board.counting import choices, lane_counts, numbers, told
from sla.views.board.lanes import Lane, lanes
from sla.views.board.narrowing import Look, teams_of
from sla.views.board.seats import SHOWN, Seat, absent, reps_of, seats
from sla.views.board.there import is_there
from sla.views.dues import Due, dues_of, nearest_of

WAITING_SHOWN: Final = 12
COUNTED: Final = 1000


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
    look = Look.of(request, viewer_of(request), now=clock.now())
    counted = request.GET.get("counted") == "yes"
    page = whole(look, after=request.GET.get("after", ""))
    page |= {"choices": choices(look, counted=counted), "are_counted": counted}
    return render(request, "sla/board.html", page)


@signed_in
@require_GET
def narrow(request: HttpRequest) -> HttpResponse:
    """What the board can be narrowed by, counted: it comes after the board itself."""
    look = Look.of(request, viewer_of(request), now=clock.now())
    page = {"look": look, "show": look.show, "choices": choices(look, counted=True), "are_counted": True}
    return render(request, "sla/board.html#narrow", page)


@signed_in
@require_GET
def counted_how(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """How the deadline that is due next was counted."""
    now, teams = clock.now(), teams_of(viewer_of(request))
    handoff = get_object_or_404(Handoff.objects.of_teams(teams).for_rows(), public_id=public_id)
    nearest = nearest_of(handoff)
    due = dues_of([nearest], now=now)[nearest.pk] if nearest is not None else None
    return render(request, "sla/board.html#sum", {"due": due, "lead": handoff.episode.lead})


@signed_in
@require_GET
def fresh(request: HttpRequest) -> HttpResponse:
    """The board again, a while later: its numbers, and of the rest only what has changed since it was drawn."""
    look = Look.of(request, viewer_of(request), now=clock.now())
    page = whole(look, after=request.GET.get("after", ""))
    seen = set(request.GET.getlist("seen"))
    page["parts"] = [name for name, mark in page["marks"].items() if mark not in seen]
    return render(request, "sla/board.html#fresh", page)


def whole(look: Look, *, after: str = "") -> dict[str, Any]:
    """All that the board shows of this look."""
    counts, there = lane_counts(look), is_there(now=look.now)
    shown = lanes(look, counts, after=after)
    strip = seats(look)
    line = _line(look) if there.waiting else []
    in_line = _in_line(line[:WAITING_SHOWN], look)
    left = []
    if there.left:
        left = first_of(left_behind.to_decide(look.viewer), WAITING_SHOWN, shown=left_behind.with_matter())
    few = standing.few(look) if there.standing else standing.NONE
    away = absent(look) if there.absent else []
    contested = to_decide(look.viewer, now=look.now) if there.contested else []
    page: dict[str, Any] = {
        "look": look,
        "show": look.show,
        "after": after,
        **comparing.beside(look, numbers(look, counts, told(len(line), COUNTED))),
        "lanes": shown,
        "seats": strip,
        "more_seats": reps_of(look).count() - len(strip) if len(strip) == SHOWN else 0,
        "absent": away,
        "waiting": in_line,
        "left": left,
        "contested": contested,
        "on_paper": _on_paper(look) if there.on_paper else 0,
        "now": look.now,
    }
    page["marks"] = {
        "lanes": _mark("lanes", _of_lanes(shown)),
        "seats": _mark("seats", _of_seats(strip)),
        "beside": _mark(
            "beside",
            [each.episode.pk for each in in_line],
            [each.pk for each in left],
            [(each.contest.pk, each.will.became) for each in contested],
            [(each.pk, each.starts_at, each.ends_at) for each in away],
            [each.pk for each in few["standing"]],
            few["standing_count"],
        ),
    }
    return page | few


def waiting_of(look: Look) -> QuerySet[Episode]:
    """Who waits for someone: nobody has them, so team and rep narrow nothing here."""
    waiting = Episode.objects.filter(phase=Phase.WAITING, lead__in=Lead.objects.visible_to(look.viewer))
    if tier := look.chosen.get("tier"):
        waiting = waiting.filter(tier=tier)
    if source := look.chosen.get("source"):
        waiting = waiting.filter(lead__source=source)
    return waiting.exclude(shadow.on_paper())


def _on_paper(look: Look) -> int:
    """How many are routed and timed on paper."""
    return Episode.objects.filter(shadow.on_paper(), lead__in=Lead.objects.visible_to(look.viewer)).count()


def _line(look: Look) -> list[int]:
    """The ids of who waits, the longest first, as many as are counted."""
    return list(waiting_of(look).order_by("waiting_since", "pk").values_list("pk", flat=True)[: COUNTED + 1])


def _of_lanes(shown: Sequence[Lane]) -> list[object]:
    handoffs = [[each.row.handoff for each in lane.rows] for lane in shown]
    drawn = [[(each.pk, each.version, each.next_due_at) for each in lane] for lane in handoffs]
    return [(lane.key, lane.size, rows) for lane, rows in zip(shown, drawn, strict=True)]


def _of_seats(strip: Sequence[Seat]) -> list[object]:
    return [(each.rep.pk, each.load, each.open, each.away_until, each.rep.capacity) for each in strip]


def _mark(name: str, *drawn: object) -> str:
    """What a part of the page was drawn from, in few letters: a browser sends it back, and gets what has changed."""
    return f"{name}-{hashlib.blake2b(repr(drawn).encode(), digest_size=8).hexdigest()}"


def _in_line(line: Sequence[int], look: Look) -> list[InLine]:
    """Those who wait, in their order, with why and until when someone should have them."""
    if not line:
        return []
    found = Episode.objects.filter(pk__in=line).select_related("lead__account", "definition", "qualification")
    page = list(found.order_by("waiting_since", "pk"))
    running = at_hand.assigning(each.pk for each in page)
    assign = {due.clock.episode_id: due for due in dues_of(running, now=look.now).values()}
    told = routing.why_all_wait(page, now=look.now)
    return [InLine(episode, assign.get(episode.pk), told[episode.pk].sentence) for episode in page]
