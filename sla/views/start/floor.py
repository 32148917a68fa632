"""The guide: a team with its hours, people, a definition, promises with routing, and a test lead."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from leads import clock, invitations
from leads.errors import Invalid, Refused
from leads.models import Invitation, Organization, Role, Team
from leads.viewer import is_part, viewer_of
from scoring import publishing as defining
from scoring import starting
from scoring.models import DefinitionVersion
from sla.admin.calendar_form import read_spans
from sla.holidays import regions, year
from sla.holidays.plans import Plan, PlanError
from sla.models import Desk, Rep
from sla.starting import promises as beginning
from sla.starting import teams, trial
from sla.views.naming import key_of
from sla.views.start.basics import zones
from sla.views.start.shell import done, guided, show


@guided
def hours(request: HttpRequest) -> HttpResponse:
    """A team with its week and the public holidays of its region; the year can be looked at first."""
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=1)
    values: dict[str, Any] = {"team": "Sales", "time_zone": zone, "hours": "09:00-12:30, 13:00-17:30", "region": ""}
    refused, drawn = None, None
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in values}
        try:
            spec = teams.spec_of(values["time_zone"], request.POST.getlist("days"), _spans(values["hours"]))
            if request.POST.get("do") == "preview":
                drawn = _year(spec, values["region"])
            else:
                by, now = viewer_of(request), clock.now()
                desk = teams.set_up(values["team"], spec, region=values["region"], now=now, by=by)
                return done(request, "hours", f"{desk.team} works by {desk.calendar}.")
        except Invalid as refusal:
            refused = refusal
    ticked = request.POST.getlist("days") if request.method == "POST" else list(teams.DAYS)
    page = {
        "values": values,
        "days": [(key, name, key in ticked) for key, name in (*teams.DAYS.items(), *teams.WEEKEND.items())],
        "zones": zones(),
        "regions": regions.choices(),
        "year": drawn,
        "desks": Desk.objects.select_related("team", "calendar").order_by("team__name"),
    }
    return show(request, "hours", page, refused=refused)


def _spans(text: str) -> list[list[str]]:
    try:
        return read_spans(text, "Hours")
    except ValueError as error:
        raise Invalid(str(error), field="hours") from error


def _year(spec: dict[str, Any], region: str) -> Any:
    plan = Plan((region,)) if region else Plan()
    now = clock.now()
    try:
        teams.check(spec, plan, today=now.date())
        return year.of_typed(spec, plan, now=now)
    except PlanError as error:
        raise Invalid(str(error), field="region") from error


@guided
def people(request: HttpRequest) -> HttpResponse:
    """Invite somebody by mail, send it again, or take it back."""
    viewer, refused, now = viewer_of(request), None, clock.now()
    if request.method == "POST":
        try:
            messages.success(request, _asked(request))
            return redirect("start-people")
        except Refused as refusal:
            refused = refusal
    roles = [(role.value, role.label) for role in Role if role != Role.ADMIN or viewer.has_role(Role.ADMIN)]
    asked = Invitation.objects.filter(accepted_at=None, revoked_at=None).select_related("team").order_by("-invited_at")
    page = {
        "roles": roles,
        "teams": Team.objects.filter(desk__isnull=False).order_by("name"),
        "invited": [(each, each.expires_at < now) for each in asked[:50]],
        "reps": Rep.objects.filter(is_active=True).select_related("user").prefetch_related("user__teams")[:50],
    }
    return show(request, "people", page, refused=refused)


def _asked(request: HttpRequest) -> str:
    """Do what was asked for an invitation, and say what was done. Raises Refused."""
    by, now, given = viewer_of(request), clock.now(), request.POST
    for what, verb, told in (
        ("again", invitations.send_again, "Sent again to {}. The former link works no more."),
        ("revoke", invitations.revoke, "The invitation of {} is taken back."),
    ):
        if given.get(what):
            key = key_of(given[what])
            if key is None:
                raise Invalid("There is no such invitation.")
            return told.format(verb(key, now=now, by=by).email)
    team_id, capacity = given.get("team", ""), given.get("capacity", "") or "20"
    if not capacity.isascii() or not capacity.isdecimal() or len(capacity) > 5:
        raise Invalid("Write how many leads at once as a number, such as 20.", field="capacity")
    team = Team.objects.filter(pk=int(team_id)).first() if team_id.isascii() and team_id.isdecimal() else None
    made = invitations.invite(
        given.get("email", "")[:300],
        full_name=given.get("full_name", ""),
        role=given.get("role", ""),
        team=team,
        capacity=int(capacity),
        now=now,
        by=by,
    )
    return f"{made.full_name} is asked by mail, at {made.email}."


@guided
def definition(request: HttpRequest) -> HttpResponse:
    """Choose a definition, in words; publish it, or go on with its draft."""
    by, now, refused = viewer_of(request), clock.now(), None
    if request.method == "POST":
        try:
            if request.POST.get("publish"):
                return _published(request)
            version = starting.draft_from(request.POST.get("template", ""), now=now, by=by)
            if request.POST.get("do") == "publish":
                defining.publish(version, now=now, by=by)
                return done(request, "definition", f"{version} is in force.")
            messages.success(request, f"{version} is a draft. Change it in the admin, or publish it as it is.")
            return redirect("start-definition")
        except Refused as refusal:
            refused = refusal
    page = {
        "templates": [
            (each, starting.in_words(each), *starting.would_meet(each, now=now)) for each in starting.TEMPLATES
        ],
        "versions": DefinitionVersion.objects.exclude(state=DefinitionVersion.State.RETIRED)
        .select_related("definition")
        .order_by("definition__position", "definition_id", "-number"),
    }
    return show(request, "definition", page, refused=refused)


def _published(request: HttpRequest) -> HttpResponse:
    text = request.POST["publish"]
    known = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    version = DefinitionVersion.objects.filter(pk=known).select_related("definition").first()
    if version is None:
        raise Invalid("That draft is gone. Choose a definition.", field="template")
    defining.publish(version, now=clock.now(), by=viewer_of(request))
    return done(request, "definition", f"{version} is in force.")


@guided
def promises(request: HttpRequest) -> HttpResponse:
    """By when a person reaches out, and who gets the next lead."""
    refused = None
    found = list(Team.objects.filter(desk__isnull=False).order_by("name"))
    if request.method == "POST":
        try:
            team = next((each for each in found if str(each.pk) == request.POST.get("team", "")), None)
            if team is None:
                raise Invalid("Choose the team that gets the leads; set its hours first.", field="team")
            pace, route = request.POST.get("pace", ""), request.POST.get("route", "")
            rule = beginning.choose(pace, route, team, now=clock.now(), by=viewer_of(request))
            return done(request, "promises", f"{rule}: in force from now on.")
        except Refused as refusal:
            refused = refusal
    page = {"paces": beginning.PACES, "routes": beginning.ROUTES, "teams": found}
    return show(request, "promises", page, refused=refused)


@guided
def test_lead(request: HttpRequest) -> HttpResponse:
    """Send a test lead, and watch it come to a rep."""
    viewer, now, refused = viewer_of(request), clock.now(), None
    if is_part(request):
        return render(request, "sla/start/trial.html#way", {"way": trial.newest(viewer, now=now)})
    if request.method == "POST":
        try:
            trial.send(now=now)
            return redirect("start-trial")
        except Refused as refusal:
            refused = refusal
    return show(request, "trial", {"way": trial.newest(viewer, now=now)}, refused=refused)
