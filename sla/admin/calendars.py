"""Calendars: whose hours count, in versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from unfold.decorators import action

from leads import clock
from leads.admin.roles import DESK, History, now_and_by
from leads.models import Role
from sla import publishing
from sla.admin import retiming
from sla.admin.calendar_form import DAYS, CalendarForm
from sla.admin.versions import VersionedAdmin
from sla.holidays import plans, regions, year
from sla.models import Calendar, CalendarVersion
from sla.worktime import WorktimeError, sentence

REVOPS = frozenset({Role.REVOPS})


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
