"""Contested rejections on the board: what the rep said beside what marketing says, and the manager's decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from leads import clock
from leads.errors import Invalid, Refused
from leads.models import Lead, Role, Team, User
from leads.viewer import is_part, signed_in, viewer_of
from sla import contests
from sla.contests import Consequence
from sla.models import Contest
from sla.querysets import first_of, managed_teams
from sla.routing import handing_over
from sla.routing.handing_over import Colleague
from sla.views.naming import BY_RULES, person_or_rules

SHOWN: Final = 12
PAGE: Final = "sla/contested.html"


@dataclass(frozen=True)
class ToDecide:
    """One open contest, and what overturning it would do now."""

    contest: Contest
    will: Consequence

    @property
    def lead(self) -> Lead:
        return self.contest.handoff.episode.lead


def to_decide(viewer: User, *, now: datetime) -> list[ToDecide]:
    """What waits for this viewer's decision, the oldest first, in a fixed number of questions."""
    waiting = Contest.objects.open().decidable_by(viewer).order_by("at", "pk")
    found = first_of(waiting, SHOWN, shown=Contest.objects.with_matter())
    will = contests.foresee_all([each.handoff for each in found], now=now)
    return [ToDecide(each, will[each.handoff_id]) for each in found]


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Uphold or overturn one, with the reason; what either does is said above the buttons."""
    viewer, now = viewer_of(request), clock.now()
    mine = Contest.objects.decidable_by(viewer).with_all()
    contest = get_object_or_404(mine, public_id=public_id)
    if request.method != "POST":
        return _sheet(request, contest, now=now)
    try:
        done = _decided(request, contest, by=viewer, now=now)
    except Refused as refusal:
        if refusal.status == 404:
            raise Http404 from refusal
        return _sheet(request, get_object_or_404(mine, pk=contest.pk), now=now, refused=refusal)
    if not is_part(request):
        messages.success(request, f"{done.get_decision_display()}: {done.handoff.episode.lead.name}. {told(done)}")
        return redirect("board")
    response = render(request, f"{PAGE}#sheet", {"contest": done, "told": told(done)})
    return trigger_client_event(response, "lead-moved", after="settle")


def told(contest: Contest) -> str:
    """What has become of the lead, in a sentence."""
    if contest.decision == Contest.Decision.UPHELD:
        return "The rejection stands."
    if contest.hop is not None:
        return f"Offered to {contest.hop.user}."
    return f"{Contest.Became(contest.became).label}."


def _decided(request: HttpRequest, contest: Contest, *, by: User, now: datetime) -> Contest:
    why, decision = request.POST.get("why", ""), request.POST.get("decision", "")
    if decision == "uphold":
        return contests.uphold(contest.pk, why=why, by=by, now=now)
    if decision != "overturn":
        raise Invalid("Uphold it, or overturn it.", field="decision")
    seen = request.POST.get("seen", "")
    to = person_or_rules(request.POST.get("to", BY_RULES))
    return contests.overturn(contest.pk, why=why, to=to, by=by, now=now, seen=seen)


def _sheet(request: HttpRequest, contest: Contest, *, now: datetime, refused: Refused | None = None) -> HttpResponse:
    will = contests.foresee(contest.handoff, now=now) if contest.is_open else None
    page: dict[str, Any] = {
        "contest": contest,
        "will": will,
        "told": told(contest) if not contest.is_open else "",
        "reps": _reps(viewer_of(request), contest, now=now) if will is not None and will.offers else [],
        "refused": refused,
        "typed": {name: request.POST.get(name, "") for name in ("why", "to")},
    }
    template = f"{PAGE}#sheet" if is_part(request) else PAGE
    return render(request, template, page, status=refused.status if refused is not None else 200)


def _reps(viewer: User, contest: Contest, *, now: datetime) -> list[Colleague]:
    """To whom it may go by name: first who rejected it, then the others of the viewer's teams."""
    teams: QuerySet[Team] = Team.objects.all() if viewer.has_role(Role.ADMIN) else managed_teams(viewer)
    able = [each for each in handing_over.colleagues_in(teams, but=0, now=now) if not each.is_away]
    return sorted(able, key=lambda each: each.user.pk != contest.handoff.user_id)
