"""Releasing standing leads: what stands, in parts; what an order would mean; orders given, stopped, resumed."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from leads import clock
from leads.errors import Refused
from leads.models import Team, User
from leads.viewer import is_part, signed_in, viewer_of
from scoring.models import Definition, Tier
from sla import releasing
from sla.models import ReleaseOrder
from sla.releasing import Part
from sla.views.board.narrowing import teams_of

SHOWN: Final = 20
ORDERS_SHOWN: Final = 20
POINT: Final = 1000


class PartForm(forms.Form):
    """A part of what stands, and the pace."""

    team = forms.ModelChoiceField(label="Whose reps and days count", queryset=Team.objects.none(), empty_label=None)
    definition = forms.ModelChoiceField(
        label="Definition", queryset=Definition.objects.order_by("position", "pk"), required=False, empty_label="Any"
    )
    tier = forms.ChoiceField(label="Tier", choices=[("", "Any"), *Tier.choices], required=False)
    source = forms.CharField(label="Source", max_length=120, required=False)
    least = forms.IntegerField(label="Points, at least", required=False, min_value=-10_000, max_value=1_000_000)
    most = forms.IntegerField(label="Points, at most", required=False, min_value=-10_000, max_value=1_000_000)
    within_days = forms.IntegerField(label="Qualified within days", required=False, min_value=1, max_value=36_500)
    per_rep_and_day = forms.IntegerField(
        label="Per rep and working day (empty: all at once)", required=False, min_value=1, max_value=1000
    )
    until_date = forms.DateField(
        label="Last day (empty: until none is left)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    why = forms.CharField(label="Why", max_length=200, required=False)

    def __init__(self, *args: Any, teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        team: Any = self.fields["team"]
        team.queryset = teams
        team.initial = teams.first()

    def part(self) -> Part:
        """The part that was chosen."""
        said = self.cleaned_data
        least, most = said.get("least"), said.get("most")
        return Part(
            said.get("definition"),
            said.get("tier") or "",
            said.get("source") or "",
            least * POINT if least is not None else None,
            most * POINT if most is not None else None,
            said.get("within_days"),
        )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def standing(request: HttpRequest) -> HttpResponse:
    """What stands, in the part that was asked for, with the load its release would mean; posted, the order is given."""
    viewer, now = viewer_of(request), clock.now()
    teams = teams_of(viewer)
    form = PartForm(request.POST or request.GET or {"team": _first(teams)}, teams=teams)
    if request.method == "POST" and form.is_valid() and _give(request, form, viewer):
        return redirect("standing")
    part = form.part() if form.is_valid() else Part()
    found = releasing.standing_in(part, by=viewer, now=now).select_related("lead__account", "definition")
    team = form.cleaned_data.get("team")
    pace = form.cleaned_data.get("per_rep_and_day")
    page: dict[str, Any] = {
        "form": form,
        "found": found[:SHOWN],
        "load": releasing.preview(part, team=team, per_rep_and_day=pace, by=viewer, now=now) if team else None,
        "pace": pace,
        "orders": _orders(teams) if not is_part(request) else [],
    }
    return render(request, "sla/standing.html#preview" if is_part(request) else "sla/standing.html", page)


@signed_in
@require_POST
def stop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Release no more by this order."""
    return _change(request, public_id, "stop")


@signed_in
@require_POST
def resume(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Go on with it."""
    return _change(request, public_id, "resume")


def _change(request: HttpRequest, public_id: UUID, what: str) -> HttpResponse:
    viewer = viewer_of(request)
    order = get_object_or_404(ReleaseOrder, public_id=public_id, team__in=teams_of(viewer))
    try:
        (releasing.stop if what == "stop" else releasing.resume)(order.pk, by=viewer, now=clock.now())
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, "Stopped. What was released stays so." if what == "stop" else "It goes on.")
    return redirect("standing")


def _give(request: HttpRequest, form: PartForm, viewer: User) -> bool:
    said = form.cleaned_data
    try:
        releasing.give(
            form.part(),
            team=said["team"],
            per_rep_and_day=said["per_rep_and_day"],
            until_date=said["until_date"],
            why=said["why"],
            by=viewer,
            now=clock.now(),
        )
    except Refused as refusal:
        field = refusal.state.get("field")
        form.add_error(field if field in form.fields else None, str(refusal))
        return False
    messages.success(request, "Ordered. The first ones go within seconds of the team’s working time.")
    return True


def _orders(teams: QuerySet[Team]) -> list[ReleaseOrder]:
    """Orders of these teams with what they gave: those that run first, then the newest."""
    rows = ReleaseOrder.objects.filter(team__in=teams).select_related("team", "by", "definition")
    counted = rows.annotate(
        given=Count("releases", filter=Q(releases__passed_over="")),
        passed=Count("releases", filter=~Q(releases__passed_over="")),
    )
    found = list(counted.prefetch_related("days").order_by("-at", "-pk")[:ORDERS_SHOWN])
    return sorted(found, key=lambda order: order.state != ReleaseOrder.State.RUNNING)


def _first(teams: QuerySet[Team]) -> int | None:
    return teams.values_list("pk", flat=True).first()
