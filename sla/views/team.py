"""The team page: who works when, how much they have, who will be away; and taking a rep out, seen before it is done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads import clock, logins
from leads.errors import Refused
from leads.models import Role, User
from leads.viewer import signed_in, viewer_of
from sla.models import Rep
from sla.people import leaving, roster, spans
from sla.querysets import managed_teams


class LeavingForm(forms.Form):
    """Where what is open goes."""

    next_owner = forms.ChoiceField(
        label="What is open goes", choices=leaving.NextOwner.choices, widget=forms.RadioSelect, initial="route"
    )
    cover = forms.ModelChoiceField(
        label="Who takes over", queryset=Rep.objects.none(), required=False, empty_label="Nobody in particular"
    )
    why = forms.CharField(label="Why", required=False, max_length=200)
    closes_login = forms.BooleanField(label="Close their log-in, too", required=False)

    def __init__(self, rep: Rep, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cover: Any = self.fields["cover"]
        others = Rep.objects.filter(is_active=True, user__is_active=True).exclude(pk=rep.pk)
        cover.queryset = others.select_related("user").order_by("user__full_name", "pk")
        cover.initial = rep.cover_id

    def chosen(self) -> dict[str, Any]:
        """What the verb and its preview are told."""
        return {"next_owner": self.cleaned_data["next_owner"], "cover": self.cleaned_data["cover"]}


@signed_in
@require_GET
def team(request: HttpRequest) -> HttpResponse:
    """The viewer's teams, today in the viewer's zone."""
    viewer, now = viewer_of(request), clock.now()
    if not viewer.has_role(Role.MANAGER, Role.REVOPS, Role.ADMIN):
        raise Http404
    zone = spans.zone_of(viewer.time_zone)
    page = {
        "crews": roster.crews(managed_teams(viewer).distinct(), zone=zone, now=now),
        "may_take_out": _may_take_out(viewer),
        "now": now,
        "marks": [(hour, round(hour * 1000 / 24)) for hour in (6, 12, 18)],
    }
    return render(request, "sla/team.html", page)


@signed_in
@require_http_methods(["GET", "POST"])
def leaving_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What is open, where each would go, and the button that does it."""
    viewer, now = viewer_of(request), clock.now()
    rep = _rep(viewer, public_id)
    asked = request.POST if request.method == "POST" else request.GET if "next_owner" in request.GET else None
    form = LeavingForm(rep, asked)
    seen = None
    if not form.is_bound or form.is_valid():
        chosen = form.chosen() if form.is_bound else {"next_owner": leaving.NextOwner.ROUTE, "cover": None}
        try:
            if request.method == "POST":
                return _take_out(request, rep, form, chosen)
            if rep.is_active:
                seen = leaving.preview(rep, **chosen, now=now, by=viewer)
        except Refused as refusal:
            field = refusal.state.get("field")
            if not form.is_bound:
                raise
            form.add_error(field if field in form.fields else None, str(refusal))
    page = {"rep": rep, "form": form, "seen": seen, "now": now}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "sla/leaving.html", page, status=status)


@signed_in
@require_POST
def back(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A rep who was taken out receives leads again."""
    rep = _rep(viewer_of(request), public_id)
    try:
        leaving.come_back(rep.pk, now=clock.now(), by=viewer_of(request))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"{rep} receives leads again.")
    return redirect("team")


def _take_out(request: HttpRequest, rep: Rep, form: LeavingForm, chosen: dict[str, Any]) -> HttpResponse:
    by, now = viewer_of(request), clock.now()
    moved = leaving.leave(rep.pk, **chosen, why=form.cleaned_data["why"], now=now, by=by)
    messages.success(request, f"{rep} receives no leads any more; {moved} moved on.")
    if form.cleaned_data["closes_login"]:
        try:
            logins.close(rep.user_id, now=now, by=by)
        except Refused as refusal:
            messages.warning(request, str(refusal))
    return redirect("team")


def _may_take_out(viewer: User) -> bool:
    """Taking a rep out is RevOps' act."""
    return viewer.has_role(Role.REVOPS, Role.ADMIN)


def _rep(viewer: User, public_id: UUID) -> Rep:
    if not _may_take_out(viewer):
        raise Http404
    return get_object_or_404(Rep.objects.select_related("user", "cover__user"), user__public_id=public_id)
