"""Whose time it is: calendars, desks, reps and their absences."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms.models import construct_instance
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.decorators import action

from leads import clock
from leads.admin.roles import DESK, History, RoleAdmin, now_and_by, page_of, person
from leads.errors import Refused
from leads.models import Role
from sla import publishing
from sla.admin import retiming
from sla.admin.calendar_form import DAYS, CalendarForm
from sla.admin.versions import VersionedAdmin
from sla.holidays import plans, regions, year
from sla.models import Absence, Calendar, CalendarVersion, Desk, Handoff, Rep
from sla.people import absences, leaving
from sla.querysets import managed_teams
from sla.worktime import WorktimeError, sentence

REVOPS, MANAGERS = frozenset({Role.REVOPS}), frozenset({Role.MANAGER})


def said(version: CalendarVersion) -> str:
    """A calendar's hours in a sentence."""
    try:
        told = sentence(plans.typed(version.spec, version.plan))
    except WorktimeError as error:
        return str(error)
    of = " and ".join(regions.say(each) for each in version.plan.get("regions", []))
    return f"{told}, public holidays of {of}" if of else told


class CalendarVersions(History):
    model = CalendarVersion
    fields = ("number", "says", "why", "created_at", "created_by")
    ordering = ("-number",)
    verbose_name_plural = "versions, the first one in force"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("created_by")

    @admin.display(description="Hours")
    def says(self, obj: CalendarVersion) -> str:
        return said(obj)


@admin.register(Calendar)
class CalendarAdmin(VersionedAdmin):
    """Working time."""

    about = (
        "Working time of teams and reps: weekly hours, breaks and holidays in one time zone. Saving other hours "
        "makes the next version; clocks that run keep the hours they were counted by."
    )
    icon = "calendar_month"
    editors, readers = REVOPS, DESK
    addable = changeable = True
    form = CalendarForm
    actions_detail = ("retime",)
    list_display = ("name", "hours_said", "version_said")
    readonly_fields = ("hours_said", "public_id")
    inlines = (CalendarVersions,)
    change_form_after_template = "admin/calendar_year.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Calendar]:
        newest = CalendarVersion.objects.order_by("calendar_id", "-number").distinct("calendar_id")
        return super().get_queryset(request).prefetch_related(Prefetch("versions", newest, to_attr="newest"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return ((None, {"fields": ("name", "hours_said", "public_id")}),)
        week = tuple((day, f"break_{day}") for day in DAYS)
        return (
            (
                None,
                {"fields": ("name", "time_zone", *(("hours_said", "public_id") if obj else ()), "why", "seen")},
            ),
            ("The week", {"fields": week, "description": "Such as 09:00-12:30, 13:00-17:30; empty is closed."}),
            (
                "Public holidays",
                {
                    "fields": ("regions", "worked", "half_days"),
                    "description": "They come by themselves, each year anew: dates always stand eighteen months ahead.",
                },
            ),
            (
                "Own dates",
                {
                    "fields": ("holidays", "recurring_holidays", "special_dates", "special_breaks"),
                    "description": "They stand above public holidays and half days.",
                },
            ),
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def get_urls(self) -> list[Any]:
        preview = self.admin_site.admin_view(self.preview)
        return [path("preview/", preview, name="sla_calendar_preview"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one calendar, with the next twelve months of its version in force."""
        known = int(object_id) if object_id is not None and object_id.isdecimal() and len(object_id) < 19 else 0
        last = CalendarVersion.objects.filter(calendar=known).order_by("number").last()
        drawn = {"year": year.of_version(last, now=clock.now())} if last is not None else {}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **drawn})

    def preview(self, request: HttpRequest) -> HttpResponse:
        """The next twelve months of what was typed; nothing is saved."""
        known = request.GET.get("of", "")
        calendar = self.get_object(request, known) if known.isdecimal() else None
        if request.method != "POST" or not self.may_edit(request):
            raise Http404
        form = self.get_form(request, calendar, change=calendar is not None)(request.POST, instance=calendar)
        for name in ("name", "why", "seen"):
            form.fields.pop(name, None)
        drawn = {}
        if form.is_valid():
            drawn = {"year": year.of_typed(form.cleaned_data["spec"], form.cleaned_data["plan"], now=clock.now())}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "The next twelve months",
            **drawn,
        }
        told = [
            f"{form.fields[box].label or box}: {line}"
            for box, lines in form.errors.items()
            if box in form.fields
            for line in lines
        ]
        return TemplateResponse(request, "admin/calendar_preview.html", {**context, "told": told})

    @action(description="Re-time running clocks", url_path="retime", permissions=["act"], icon="update")  # type: ignore[untyped-decorator]
    def retime(self, request: HttpRequest, object_id: str) -> HttpResponse:
        calendar = Calendar.objects.get(pk=object_id)
        return retiming.offer(self, request, calendar.current(), back=calendar)

    @admin.display(description="Hours")
    def hours_said(self, obj: Any) -> str:
        return said(obj.newest[0]) if getattr(obj, "newest", None) else "no hours yet"

    @admin.display(description="Version")
    def version_said(self, obj: Any) -> str:
        return f"{obj.newest[0].number}" if obj.newest else ""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Put the hours in force as the calendar's next version; the same hours again make none."""
        super().save_related(request, form, formsets, change)
        version = publishing.publish_calendar(
            form.instance,
            form.cleaned_data["spec"],
            plan=form.cleaned_data["plan"],
            why=form.cleaned_data["why"],
            **now_and_by(request),
        )
        messages.info(request, f"{version} is in force: {said(version)}. {retiming.running_on(version)}".strip())


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
        return _of_managed(request, rows, "user__teams__in")

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


def _of_managed(request: HttpRequest, rows: QuerySet[Any], path: str) -> QuerySet[Any]:
    """All of them for RevOps and admins; for a manager those of their teams."""
    if person(request).has_role(Role.ADMIN, Role.REVOPS):
        return rows
    own = rows.model._default_manager.filter(**{path: managed_teams(person(request))}).values("pk")
    return rows.filter(pk__in=own)


class AbsenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """An absence as a person tells it; what stands in its way stands at the field it belongs to."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        rep = self.instance.rep if self.instance.pk else cleaned.get("rep")
        starts_at = cleaned.get("starts_at")
        if rep is None or starts_at is None or cleaned.get("ends_at") is None:
            return cleaned
        try:
            absences.check(
                rep,
                starts_at=starts_at,
                ends_at=cleaned["ends_at"],
                cover=cleaned.get("cover"),
                besides=self.instance if self.instance.pk else None,
                now=clock.now(),
            )
        except Refused as refusal:
            field = refusal.state.get("field")
            self.add_error(field if field in self.fields else None, str(refusal))
        return cleaned

    def _post_clean(self) -> None:
        """The verb writes; the model's own check would say less than the sentence above."""
        self.instance = construct_instance(self, self.instance, self._meta.fields, self._meta.exclude)


@admin.register(Absence)
class AbsenceAdmin(RoleAdmin):
    """Time off."""

    about = (
        "Time off, in your own time zone; reps tell theirs under “Time off”. A rep who is away is offered nothing; "
        "what is on offer to them when it begins moves on and is not counted against them."
    )
    icon = "beach_access"
    editors = frozenset({Role.REVOPS, Role.MANAGER})
    addable = changeable = True
    deletable = True
    form = AbsenceForm
    list_display = ("rep", "starts_at", "ends_at", "why", "begun_at")
    list_filter = (("rep__user", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("rep__user",)
    ordering = ("-starts_at", "-pk")
    fields = ("rep", ("starts_at", "ends_at"), "why", "cover")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Absence]:
        return _of_managed(request, super().get_queryset(request), "rep__user__teams__in")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("rep",) if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in ("rep", "cover"):
            reps = Rep.objects.filter(is_active=True).select_related("user").order_by("user__full_name", "pk")
            kwargs["queryset"] = _of_managed(request, reps, "user__teams__in")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Absence, form: Any, change: bool) -> None:
        told = {name: form.cleaned_data[name] for name in ("starts_at", "ends_at", "why", "cover")}
        if change:
            self.attempt(request, absences.change, obj.pk, **told, **now_and_by(request))
            return
        added = self.attempt(request, absences.add, obj.rep_id, **told, **now_and_by(request))
        if added is not None:
            obj.pk, obj.public_id = added.pk, added.public_id

    def delete_model(self, request: HttpRequest, obj: Absence) -> None:
        self.attempt(request, absences.cancel, obj.pk, **now_and_by(request))

    def has_delete_permission(self, request: HttpRequest, obj: Absence | None = None) -> bool:
        # One that has begun has moved leads on: it is history.
        return super().has_delete_permission(request, obj) and (obj is None or obj.begun_at is None)

    def get_actions(self, request: HttpRequest) -> Any:
        return {}
