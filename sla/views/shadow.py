"""Shadow, for managers and RevOps: what runs on paper, what that would have done, and going live, seen before."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from leads import clock
from leads.downloads import csv_file
from leads.errors import Refused
from leads.models import Role, Team, User
from leads.viewer import signed_in, viewer_of
from sla.models import RoutingRule, Shadow, Target
from sla.querysets import managed_teams
from sla.shadow import reporting, switches
from sla.shadow.reporting import Line, Share
from sla.views.turns import Turns, bars

MAY_READ: Final = (Role.MANAGER, Role.REVOPS, Role.ADMIN)
PAST_SHOWN: Final = 50
COLUMNS: Final = (
    "week", "lead", "rule", "team", "rep", "why", "over_capacity", "on_paper_at", "offered_at", "accept_due_at",
    "accept", "first_touch_due_at", "first_touch", "truly_touched_at", "truly_touched_by", "outcome",
)  # fmt: skip


class BeginForm(forms.Form):
    """What is to run in shadow, and why."""

    of = forms.ChoiceField(label="What runs in shadow")
    why = forms.CharField(label="Why", required=False, max_length=200)

    def __init__(self, viewer: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        of: Any = self.fields["of"]
        of.choices = _choices(viewer)

    def chosen(self) -> dict[str, Any]:
        """The team, the rule, or neither for everything."""
        kind, _, key = self.cleaned_data["of"].partition(":")
        if kind == "team":
            return {"team": Team.objects.get(pk=key)}
        return {"rule": RoutingRule.objects.get(pk=key)} if kind == "rule" else {}


@signed_in
@require_http_methods(["GET", "POST"])
def shadows(request: HttpRequest) -> HttpResponse:
    """What runs in shadow now, the form that begins one, and those of before."""
    viewer, now = _reader(request), clock.now()
    form = BeginForm(viewer, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            begun = switches.begin(**form.chosen(), why=form.cleaned_data["why"], now=now, by=viewer)
        except Refused as refusal:
            form.add_error("of", str(refusal))
        else:
            messages.success(request, f"{begun} runs in shadow from now on. Nobody is told of what it routes.")
            return redirect("shadows")
    visible = switches.visible_to(viewer)
    standing = [(each, switches.may_switch(viewer, each)) for each in visible.filter(ended_at=None)]
    page = {
        "standing": [(each, may, switches.preview(each).total) for each, may in standing],
        "past": list(visible.exclude(ended_at=None)[:PAST_SHOWN]),
        "form": form if form.fields["of"].choices else None,  # type: ignore[attr-defined]
    }
    return render(request, "sla/shadows.html", page, status=422 if form.is_bound else 200)


@signed_in
@require_GET
def report(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What one shadow would have done, beside what truly happened; `?format=csv` has a line for each offer."""
    viewer, now = _reader(request), clock.now()
    shadow = _one(viewer, public_id)
    told = reporting.report(shadow, managed_teams(viewer), now=now)
    if request.GET.get("format") == "csv":
        return csv_file(f"shadow-{shadow.began_at:%Y-%m-%d}", COLUMNS, map(_cells, told.lines))
    page = {
        "shadow": shadow,
        "told": told,
        "bars": bars([_turns(each) for each in told.shares], given="on paper"),
        "may_switch": switches.may_switch(viewer, shadow),
        "total": len(told.lines),
    }
    return render(request, "sla/shadow.html", page)


@signed_in
@require_http_methods(["GET", "POST"])
def live(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What stands on paper, what becomes of it, and the button that goes live."""
    viewer, now = _reader(request), clock.now()
    shadow = _one(viewer, public_id)
    if not switches.may_switch(viewer, shadow):
        raise Http404
    if request.method == "POST":
        try:
            ended = switches.go_live(shadow.pk, ending=request.POST.get("ending", ""), now=now, by=viewer)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            return redirect("shadow-live", public_id=public_id) if shadow.ended_at is None else redirect("shadows")
        messages.success(request, f"{ended} is live. What stood on paper is cleared within seconds.")
        return redirect("shadow", public_id=public_id)
    if shadow.ended_at is not None:
        return redirect("shadow", public_id=public_id)
    page = {"shadow": shadow, "seen": switches.preview(shadow), "endings": Shadow.Ending.choices}
    return render(request, "sla/shadow_live.html", page)


def _reader(request: HttpRequest) -> User:
    viewer = viewer_of(request)
    if not viewer.has_role(*MAY_READ):
        raise Http404
    return viewer


def _one(viewer: User, public_id: UUID) -> Shadow:
    return get_object_or_404(switches.visible_to(viewer), public_id=public_id)


def _choices(viewer: User) -> list[tuple[str, str]]:
    """What this viewer may put into shadow: managers the teams they manage, RevOps the rules and everything as well."""
    teams = managed_teams(viewer).filter(desk__isnull=False).order_by("name").distinct()
    found = [(f"team:{team.pk}", f"Team {team}") for team in teams]
    if not viewer.has_role(Role.REVOPS, Role.ADMIN):
        return found
    rules = RoutingRule.objects.filter(is_active=True).order_by("position", "id")
    return [("everything", "Everything"), *found, *((f"rule:{rule.pk}", f"Rule {rule}") for rule in rules)]


def _turns(each: Share) -> Turns:
    return Turns(str(each.rep), each.given, each.quota, f" of {each.team}")


def _cells(line: Line) -> tuple[object, ...]:
    offer = line.offer
    accept, touch = Target.ACCEPT.value, Target.FIRST_TOUCH.value
    return (
        *(line.week, offer.matter.episode.lead.public_id, offer.rule or "", offer.team, offer.user.email, offer.why),
        *(offer.override, offer.matter.began_at.isoformat(), offer.decided_at.isoformat()),
        *(_iso(line.dues.get(accept)), line.verdicts.get(accept, "")),
        *(_iso(line.dues.get(touch)), line.verdicts.get(touch, "")),
        *(_iso(line.touched_at), line.touched_by, line.outcome),
    )


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""
