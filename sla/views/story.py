"""The story of a lead: one timeline of all that happened, why this rep, and earlier episodes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leads import timeline
from leads.doings import Before
from leads.models import Lead, Role, User
from leads.timeline import Entry, Source, older_than
from leads.viewer import is_part, signed_in, viewer_of
from scoring.models import Episode, EpisodeMember, Qualification
from sla.clocks import BREACH
from sla.models import ClockStep, Handoff, HandoffChange, ManagerAct, PaperOffer, State
from sla.views import company, contests, planned, touched
from sla.views.once import new_key
from sla.why import why_rep

MOVES = {
    State.OFFERED: ("inbox-arrow-down", "Offered to {rep}", ""),
    State.ACCEPTED: ("check", "{who} accepted", "good"),
    State.CONVERTED: ("trophy", "{who} converted", "good"),
    State.RETURNED: ("arrow-uturn-left", "{who} returned it", ""),
    State.REJECTED: ("x-mark", "{who} rejected it", ""),
    State.MOVED: ("arrow-path", "Moved on from {rep}", ""),
    State.WITHDRAWN: ("no-symbol", "Withdrawn from {rep}", ""),
}
# The same of a closing leg, where it is said otherwise.
CLOSING = {
    State.OFFERED: ("trophy", "{rep} is asked to close", ""),
    State.ACCEPTED: ("check", "{who} took it on to close", "good"),
    State.CONVERTED: ("trophy", "The matter is closed as converted", "good"),
    State.REJECTED: ("x-mark", "{who} gave it back", ""),
}


# What a chip leaves: everything, what the lead did, what we did.
ONLY = {"": "All", "theirs": "What they did", "ours": "What we did"}


@signed_in
@require_GET
def lead_story(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One timeline of all three floors, newest first; `?only=theirs` or `ours` leaves a part, `?before=` goes on."""
    viewer = viewer_of(request)
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    before, only = _before(request), request.GET.get("only", "")
    only = only if only in ONLY else ""
    shown = timeline.page(_sources(lead, viewer, only), before=before)
    page = {
        "lead": lead,
        "days": shown.days,
        "older": f"{shown.older.at.isoformat()}~{shown.older.pk}" if shown.older is not None else "",
        "only": only,
        "chips": ONLY.items(),
        "is_continued": before is not None,
    }
    is_entries = is_part(request) and (before is not None or "only" in request.GET)
    if not is_entries and before is None:
        page |= _episodes(lead, viewer) | {"key": new_key()}
    part = "entries" if is_entries else "story"
    return render(request, f"sla/story.html#{part}" if is_part(request) else "sla/story.html", page)


def _episodes(lead: Lead, viewer: User) -> dict[str, Any]:
    """Its matters, the newest first, with all their hand-offs; and why the last rep was chosen."""
    related = ("user", "reason", "rule", "trace", "contest__by", "contest__decided_by")
    handoffs = Handoff.objects.select_related(*related).order_by("hop")
    episodes = list(
        Episode.objects.filter(lead=lead)
        .select_related("definition")
        .prefetch_related(Prefetch("handoffs", queryset=handoffs))
        .order_by("-opened_at", "-pk")
    )
    return {
        "episodes": episodes,
        "why_rep": why_rep(episodes[0]) if episodes else None,
        "contestable": contests.contestable_of(episodes, viewer),
    }


def _before(request: HttpRequest) -> Before | None:
    """The place in the timeline from which to go on."""
    text, _, key = request.GET.get("before", "").partition("~")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return Before(at, int(key) if key.isdecimal() and len(key) < 19 else 0) if at.tzinfo else None


def _sources(lead: Lead, viewer: User, only: str) -> list[Source]:
    """What the chip leaves of the timeline."""
    ours = [*timeline.changed(lead), *_ours(lead, viewer)] if only != "theirs" else []
    return [timeline.did(lead), *ours] if only != "ours" else ours


def _ours(lead: Lead, viewer: User) -> list[Source]:
    """What we judged, promised and did."""
    return [
        lambda before, limit: _qualified(lead, before, limit),
        lambda before, limit: _moves(lead, before, limit),
        lambda before, limit: planned.entries(lead, before, limit),
        lambda before, limit: _followed(lead, before, limit),
        lambda before, limit: company.entries(lead, viewer, before, limit),
        lambda before, limit: touched.entries(lead, before, limit),
        lambda before, limit: touched.taken_back(lead, before, limit),
        lambda before, limit: _breaches(lead, before, limit),
        lambda before, limit: contests.entries(lead, before, limit),
        lambda before, limit: _acts(lead, before, limit),
        lambda before, limit: _on_paper(lead, viewer, before, limit),
    ]


def _qualified(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    rows = Qualification.objects.filter(lead=lead).select_related("definition")
    return [
        Entry(at=row.at, icon="sparkles", said=f"Qualified: {row.definition}", tone="accent", note=row.sentence, rank=1)
        for row in older_than(rows, before, at="at", limit=limit)
    ]


def _moves(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    rows = HandoffChange.objects.filter(handoff__episode__lead=lead, handoff__is_undone=False).select_related(
        "handoff__user", "handoff__reason", "by", "performed_by"
    )
    return [_move(row) for row in older_than(rows, before, at="at", limit=limit)]


def _followed(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    """What was decided of a colleague's matter while this lead was part of it."""
    during = Q()
    for member in EpisodeMember.objects.filter(lead=lead).exclude(lead=F("episode__lead")):
        span = Q(handoff__episode=member.episode_id, at__gte=member.joined_at)
        during |= span & Q(at__lte=member.left_at) if member.left_at is not None else span
    if not during:
        return []
    changes = HandoffChange.objects.filter(during, handoff__is_undone=False)
    rows = changes.select_related("handoff__user", "handoff__reason", "by", "performed_by")
    found = older_than(rows, before, at="at", limit=limit)
    return [replace(_move(row), note="", who="with a colleague’s matter") for row in found]


def _move(row: HandoffChange) -> Entry:
    icon, words, tone = (MOVES | CLOSING if row.handoff.is_closing else MOVES)[State(row.to_state)]
    rep = row.handoff.user
    who = row.performed_by or row.by or "Baton"
    said = words.format(rep=rep, who=who)
    if row.is_undo:
        return Entry(at=row.at, icon="arrow-uturn-left", said=f"{row.by or 'Baton'} took it back", tone="muted", rank=3)
    if row.from_state == "" and row.to_state == State.ACCEPTED:
        said = f"Handed to {rep}"
    verdict = row.to_state in (State.REJECTED, State.RETURNED) and row.handoff.state == row.to_state
    reason = row.handoff.reason
    proxy = f"by {row.by}" if row.by and row.performed_by and row.by_id != row.performed_by_id else ""
    return Entry(
        at=row.at,
        icon=icon,
        said=said,
        detail=str(reason) if verdict and reason else row.why if row.why != "verdict" else "",
        who=proxy,
        tone=tone,
        note=_said(row.handoff) if row.handoff.state == row.to_state else "",
        rank=3,
    )


def _said(handoff: Handoff) -> str:
    """The evidence the reason asked for, and the note."""
    return " · ".join(part for part in (handoff.evidence, handoff.note) if part)


def _on_paper(lead: Lead, viewer: User, before: Before | None, limit: int) -> list[Entry]:
    """To whom it would have been offered while it stood on paper; reps are not told."""
    if not viewer.has_role(Role.MANAGER, Role.REVOPS, Role.ADMIN, Role.MARKETING):
        return []
    offers = PaperOffer.objects.filter(matter__episode__lead=lead)
    rows = offers.select_related("user", "matter__shadow__team", "matter__shadow__rule")
    return [
        Entry(
            at=row.decided_at,
            icon="document-text",
            said=f"On paper: {row.user} would have been offered it",
            detail=row.why,
            who=f"{row.matter.shadow} ran in shadow",
            tone="muted",
            rank=3,
        )
        for row in older_than(rows, before, at="decided_at", limit=limit)
    ]


def _acts(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    """What a manager did with it, and why."""
    rows = ManagerAct.objects.filter(handoff__episode__lead=lead).select_related("by", "rep", "to")
    said = {"nudged": "{by} nudged {rep}", "taken": "{by} took it over from {rep}"}
    moved = "{by} took it from {rep}"
    return [
        Entry(
            at=row.at,
            icon="bell-alert" if row.what == ManagerAct.What.NUDGED else "arrows-right-left",
            said=said.get(row.what, moved).format(by=row.by, rep=row.rep),
            tone="muted",
            note=row.reason,
            rank=3,
        )
        for row in older_than(rows, before, at="at", limit=limit)
    ]


def _breaches(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    rows = ClockStep.objects.filter(clock__episode__lead=lead, key=BREACH).select_related("clock__handoff__user")
    return [
        Entry(
            at=row.due_at,
            icon="exclamation-triangle",
            said=f"{row.clock.get_target_display()} ran past due",
            detail=str(row.clock.handoff.user) if row.clock.handoff else "",
            tone="bad",
        )
        for row in older_than(rows, before, at="due_at", limit=limit)
    ]
