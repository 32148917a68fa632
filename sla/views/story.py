"""The story of a lead: one timeline of all that happened, why this rep, and earlier episodes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db.models import F, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leads import timeline
from leads.models import Lead, Role, User
from leads.timeline import Entry
from leads.viewer import is_part, signed_in, viewer_of
from scoring.models import Episode, EpisodeMember, Qualification
from sla.clocks import BREACH
from sla.models import ClockStep, Handoff, HandoffChange, ManagerAct, PaperOffer, State, Touch
from sla.views import company
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


@signed_in
@require_GET
def lead_story(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One timeline of all three floors, newest first."""
    viewer = viewer_of(request)
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=public_id)
    before = _before(request)
    handoffs = Handoff.objects.select_related("user", "reason", "rule", "trace").order_by("hop")
    episodes = list(
        Episode.objects.filter(lead=lead)
        .select_related("definition")
        .prefetch_related(Prefetch("handoffs", queryset=handoffs))
        .order_by("-opened_at", "-pk")
    )
    entries = [
        *timeline.of_lead(lead, before=before),
        *(e for e in _ours(lead, viewer) if before is None or e.at < before),
    ]
    shown = [entry.at for entry in entries if entry.repeats]
    oldest = min(shown) if shown and timeline.has_older(lead, before=before) else None
    if oldest is not None:
        entries = [entry for entry in entries if entry.at >= oldest]
    page = {
        "lead": lead,
        "days": timeline.by_day(entries),
        "older_than": oldest,
        "is_continued": before is not None,
        "episodes": episodes,
        "why_rep": why_rep(episodes[0]) if episodes else None,
    }
    return render(request, "sla/story.html#story" if is_part(request) else "sla/story.html", page)


def _before(request: HttpRequest) -> datetime | None:
    try:
        at = datetime.fromisoformat(request.GET.get("before", ""))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _ours(lead: Lead, viewer: User) -> list[Entry]:
    """What we judged, promised and did."""
    return [
        *_qualified(lead),
        *_moves(lead),
        *_followed(lead),
        *company.entries(lead, viewer),
        *_touches(lead),
        *_breaches(lead),
        *_acts(lead),
        *_on_paper(lead, viewer),
    ]


def _qualified(lead: Lead) -> list[Entry]:
    rows = Qualification.objects.filter(lead=lead).select_related("definition")
    return [
        Entry(at=row.at, icon="sparkles", said=f"Qualified: {row.definition}", tone="accent", note=row.sentence, rank=1)
        for row in rows
    ]


def _moves(lead: Lead) -> list[Entry]:
    rows = HandoffChange.objects.filter(handoff__episode__lead=lead).select_related(
        "handoff__user", "handoff__reason", "by", "performed_by"
    )
    return [_move(row) for row in rows]


def _followed(lead: Lead) -> list[Entry]:
    """What was decided of a colleague's matter while this lead was part of it."""
    during = Q()
    for member in EpisodeMember.objects.filter(lead=lead).exclude(lead=F("episode__lead")):
        span = Q(handoff__episode=member.episode_id, at__gte=member.joined_at)
        during |= span & Q(at__lte=member.left_at) if member.left_at is not None else span
    if not during:
        return []
    rows = HandoffChange.objects.filter(during).select_related("handoff__user", "handoff__reason", "by", "performed_by")
    return [replace(_move(row), note="", who="with a colleague’s matter") for row in rows]


def _move(row: HandoffChange) -> Entry:
    icon, words, tone = MOVES[State(row.to_state)]
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


def _touches(lead: Lead) -> list[Entry]:
    rows = Touch.objects.filter(lead=lead).select_related("performed_by")
    icons = {"call": "phone", "email": "envelope", "message": "chat-bubble-left", "meeting": "calendar"}
    return [
        Entry(
            at=row.occurred_at,
            icon=icons[row.means],
            said=f"{row.get_means_display()} by {row.performed_by}",
            detail=row.get_outcome_display() + (", automated" if row.automated else ""),
            who="logged later" if row.logged_later else "",
            tone="good",
            note=row.note,
        )
        for row in rows
    ]


def _on_paper(lead: Lead, viewer: User) -> list[Entry]:
    """To whom it would have been offered while it stood on paper; reps are not told."""
    if not viewer.has_role(Role.MANAGER, Role.REVOPS, Role.ADMIN, Role.MARKETING):
        return []
    rows = PaperOffer.objects.filter(matter__episode__lead=lead)
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
        for row in rows.select_related("user", "matter__shadow__team", "matter__shadow__rule")
    ]


def _acts(lead: Lead) -> list[Entry]:
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
        for row in rows
    ]


def _breaches(lead: Lead) -> list[Entry]:
    rows = ClockStep.objects.filter(clock__episode__lead=lead, key=BREACH).select_related("clock__handoff__user")
    return [
        Entry(
            at=row.due_at,
            icon="exclamation-triangle",
            said=f"{row.clock.get_target_display()} ran past due",
            detail=str(row.clock.handoff.user) if row.clock.handoff else "",
            tone="bad",
        )
        for row in rows
    ]
