"""Contesting from the pages: marketing's list of rejections, the form, and how contests stand in a lead's story."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import django_filters
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from leads import clock
from leads.doings import Before
from leads.errors import Refused
from leads.models import Lead, Role, User
from leads.timeline import Entry, older_than
from leads.viewer import signed_in, viewer_of
from scoring.models import Episode
from sla import contests
from sla.models import Contest, Handoff, Reason, State
from sla.views.board.contested import told
from sla.views.once import SentBefore, form_of, keeps_text, new_key, once

SHOWN: Final = 50
DAYS: Final = timedelta(days=90)
READERS: Final = (Role.MARKETING, Role.REVOPS, Role.ADMIN)
STATES: Final = {
    "open": "Contested, not decided",
    "upheld": "Upheld",
    "overturned": "Overturned",
    "none": "Not contested",
}


@dataclass(frozen=True)
class Rejection:
    """One rejection, how it stands, and whether the viewer may contest it now."""

    handoff: Handoff
    contest: Contest | None
    may_contest: bool

    @property
    def lead(self) -> Lead:
        return self.handoff.episode.lead


class Rejections(django_filters.FilterSet):
    """Rejections by reason, by who gave them, and by how they stand; what can't be read narrows nothing."""

    reason = django_filters.ModelChoiceFilter(
        queryset=Reason.objects.filter(on_reject=True), to_field_name="code", empty_label="Any reason"
    )
    contest = django_filters.ChoiceFilter(choices=list(STATES.items()), method="standing", empty_label="All")

    class Meta:
        model = Handoff
        fields: tuple[str, ...] = ()

    def standing(self, rows: QuerySet[Handoff], name: str, value: str) -> QuerySet[Handoff]:
        if value == "none":
            return rows.filter(contest=None)
        return rows.filter(contest__decision="" if value == "open" else value, contest__isnull=False)


@signed_in
@require_GET
def rejections(request: HttpRequest) -> HttpResponse:
    """What sales rejected in the last 90 days, the newest first, and what became of contesting it."""
    viewer, now = viewer_of(request), clock.now()
    if not viewer.has_role(*READERS):
        raise Http404
    rows = Handoff.objects.visible_to(viewer).filter(state=State.REJECTED, closed_at__gte=now - DAYS)
    narrowed = Rejections(request.GET, queryset=rows)
    narrowed.is_valid()
    before = _before(request)
    found = narrowed.qs if before is None else narrowed.qs.filter(closed_at__lt=before)
    page = list(_with_all(found).order_by("-closed_at", "-pk")[: SHOWN + 1])
    shown = page[:SHOWN]
    asked = request.GET.copy()
    asked["before"] = shown[-1].closed_at.isoformat() if len(page) > SHOWN and shown[-1].closed_at else ""
    return render(
        request,
        "sla/rejections.html",
        {
            "rejections": list(rejections_of(shown, viewer, now=now)),
            "form": narrowed.form,
            "is_narrowed": any(narrowed.form.cleaned_data.values()),
            "older": asked.urlencode() if asked["before"] else "",
        },
    )


@keeps_text
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def contest(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Contest one rejection, in words, once; where that can't be, why not."""
    viewer, now = viewer_of(request), clock.now()
    if not contests.may_contest(viewer):
        raise Http404
    handoff = get_object_or_404(_with_all(Handoff.objects.visible_to(viewer)), public_id=public_id)
    lead, words = handoff.episode.lead, request.POST.get("why", "")
    if request.method != "POST":
        return _form(request, handoff, viewer, now=now)
    try:
        once(
            lambda: contests.contest(handoff.pk, words=words, by=viewer, now=now),
            form=form_of(request), key=request.POST.get("key", ""), by=viewer, now=now,
        )  # fmt: skip
    except SentBefore:
        messages.info(request, "You contested it already, once.")
    except Refused as refusal:
        if refusal.status == 404:
            raise Http404 from refusal
        fresh = _with_all(Handoff.objects.filter(pk=handoff.pk)).get()
        return _form(request, fresh, viewer, now=now, refused=refusal, typed=words)
    else:
        messages.success(request, f"Contested: {lead.name}. The manager decides, and you are told.")
    return redirect("lead", lead.public_id)


def rejections_of(handoffs: Iterable[Handoff], viewer: User, *, now: datetime) -> Iterable[Rejection]:
    """These hand-offs, each with how its contest stands; in a fixed number of questions."""
    rows = list(handoffs)
    may = contests.contestable(rows, now=now) if contests.may_contest(viewer) else set()
    return [Rejection(each, contest_of(each), each.pk in may) for each in rows]


def contestable_of(episodes: Iterable[Episode], viewer: User) -> set[int]:
    """Of the hand-offs of these matters those whose rejection this viewer may contest now."""
    if not contests.may_contest(viewer):
        return set()
    return contests.contestable([each for episode in episodes for each in episode.handoffs.all()], now=clock.now())


def contest_of(handoff: Handoff) -> Contest | None:
    """The contest of a hand-off that was read with it."""
    return getattr(handoff, "contest", None)


def entries(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    """Who contested a rejection of this lead's matters, and what was decided. Of a colleague's matter without words."""
    known = Contest.objects.filter(handoff__episode__members__lead=lead).values_list("pk", flat=True)
    rows = Contest.objects.filter(pk__in=set(known))
    related = ("by", "decided_by", "handoff__user", "handoff__episode", "hop__user")
    made = older_than(rows.select_related(*related), before, at="at", limit=limit)
    done = older_than(rows.exclude(decision="").select_related(*related), before, at="decided_at", limit=limit)
    found = [(each, _contested(each)) for each in made] + [(each, _decided(each)) for each in done]
    shown = sorted(found, key=lambda pair: pair[1].at, reverse=True)[:limit]
    return [entry if each.handoff.episode.lead_id == lead.pk else replace(entry, note="") for each, entry in shown]


def _contested(row: Contest) -> Entry:
    said = f"{row.by} contested {row.handoff.user}’s rejection"
    return Entry(at=row.at, icon="scale", said=said, note=row.words, rank=3)


def _decided(row: Contest) -> Entry:
    overturned = row.decision == Contest.Decision.OVERTURNED
    return Entry(
        at=row.decided_at or row.at,
        icon="scale",
        said=f"{row.decided_by} {'overturned' if overturned else 'upheld'} {row.handoff.user}’s rejection",
        detail=told(row) if overturned else "",
        tone="good" if overturned else "",
        note=row.why,
        rank=3,
    )


def _form(
    request: HttpRequest,
    handoff: Handoff,
    viewer: User,
    *,
    now: datetime,
    refused: Refused | None = None,
    typed: str = "",
) -> HttpResponse:
    page: dict[str, Any] = {
        "handoff": handoff,
        "lead": handoff.episode.lead,
        "contest": contest_of(handoff),
        "why_not": contests.why_not(handoff, now=now),
        "until": contests.until(handoff),
        "refused": refused,
        "typed": typed,
        "key": new_key(),
    }
    return render(request, "sla/contest.html", page, status=refused.status if refused is not None else 200)


def _with_all(rows: QuerySet[Handoff]) -> QuerySet[Handoff]:
    return rows.select_related(
        "user", "team", "reason", "episode__lead__account", "contest__by", "contest__decided_by", "contest__hop__user"
    )


def _before(request: HttpRequest) -> datetime | None:
    try:
        at = datetime.fromisoformat(request.GET.get("before", ""))
    except ValueError:
        return None
    return at if at.tzinfo else None
