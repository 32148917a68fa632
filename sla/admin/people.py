"""Who gets leads: desks and reps."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action

from leads.admin.roles import RoleAdmin, now_and_by, page_of, person
from leads.models import Role
from sla.models import Desk, Handoff, Rep
from sla.people import leaving
from sla.querysets import managed_teams

REVOPS, MANAGERS = frozenset({Role.REVOPS}), frozenset({Role.MANAGER})


def of_managed(request: HttpRequest, rows: QuerySet[Any], path: str) -> QuerySet[Any]:
    """All of them for RevOps and admins; for a manager those of their teams."""
    if person(request).has_role(Role.ADMIN, Role.REVOPS):
        return rows
    own = rows.model._default_manager.filter(**{path: managed_teams(person(request))}).values("pk")
    return rows.filter(pk__in=own)


@admin.register(Desk)
class DeskAdmin(RoleAdmin):
    """A team's place in the relay."""

    about = "The teams that receive leads, each with its calendar. Only teams with a desk can be routed to."
    icon = "desk"
    editors, readers = REVOPS, MANAGERS
    addable = changeable = True
    list_display = ("team", "calendar", "goal")
    list_select_related = ("team", "calendar")
    fields = ("team", "calendar", "goal")


@admin.register(Rep)
class RepAdmin(RoleAdmin):
    """Who can receive leads."""

    about = (
        "The people who can receive leads: how many at once, and by which hours. A rep without a calendar of their "
        "own works their team's."
    )
    icon = "support_agent"
    editors, readers = frozenset({Role.REVOPS, Role.MANAGER}), frozenset()
    addable = changeable = True
    list_display = ("user", "teams_said", "calendar", "capacity", "open_load", "is_active")
    list_filter = ("is_active", "calendar", "user__teams")
    list_select_related = ("user", "calendar")
    search_fields = ("user__full_name", "user__email")
    ordering = ("user__full_name", "pk")
    fields = (
        "user", "calendar", ("capacity", "daily_cap"), "weight", ("skills", "languages"), "booking_link",
        "closes", "cover", "is_active",
    )  # fmt: skip
    actions_detail = ("take_out", "bring_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rep]:
        open_now = Handoff.objects.open().filter(user=OuterRef("user")).order_by().values("user")
        held = Coalesce(Subquery(open_now.annotate(n=Count("pk")).values("n")), 0)
        rows: QuerySet[Rep] = super().get_queryset(request).annotate(held=held).prefetch_related("user__teams")
        return of_managed(request, rows, "user__teams__in")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request) and person(request).has_role(Role.ADMIN, Role.REVOPS)

    def has_lead_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Taking a rep out is RevOps' act; a manager sets capacity."""
        return person(request).has_role(Role.ADMIN, Role.REVOPS)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if not person(request).has_role(Role.ADMIN, Role.REVOPS):
            return ("user", "calendar", "is_active")
        return ("user", "is_active") if obj else ("is_active",)

    @admin.display(description="Teams")
    def teams_said(self, obj: Rep) -> str:
        return ", ".join(team.name for team in obj.user.teams.all())

    @admin.display(description="Open hand-offs")
    def open_load(self, obj: Any) -> int:
        return int(obj.held)

    @action(description="Take out, and move everything on", url_path="take-out", permissions=["lead"], icon="logout")  # type: ignore[untyped-decorator]
    def take_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """On to the page that shows where everything would go, and does it."""
        rep = Rep.objects.select_related("user").get(pk=object_id)
        return HttpResponseRedirect(reverse("rep-leaving", args=[rep.user.public_id]))

    @action(description="Bring back", url_path="bring-back", permissions=["lead"], icon="undo")  # type: ignore[untyped-decorator]
    def bring_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        rep = Rep.objects.select_related("user").get(pk=object_id)
        if request.method == "POST":
            if self.attempt(request, leaving.come_back, rep.pk, **now_and_by(request)) is not None:
                messages.success(request, f"{rep} receives leads again.")
            return self.to(rep)
        told = [f"{rep} receives leads again from now on. What they had before stays where it went."]
        return self.confirm(request, f"Bring back {rep}", told, button="Bring back", back=page_of(rep))

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """One of the two, by how things stand."""
        unwanted = "bring_back" if Rep.objects.filter(pk=object_id, is_active=True).exists() else "take_out"
        offered: list[Any] = super().get_actions_detail(request, object_id)
        return [each for each in offered if not each.action_name.endswith(f"_{unwanted}")]
