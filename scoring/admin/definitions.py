"""Definitions and their versions: drafts are edited here, published, and from then on only read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.enums import ActionVariant

from leads.admin.fields import say_points
from leads.admin.roles import Blocks, History, RoleAdmin, now_and_by, page_of
from leads.conditions import sentence
from leads.lengths import say_length
from leads.models import Role
from scoring import publishing
from scoring.admin.effect import effect
from scoring.admin.forms import CriterionForm, VersionForm, reads, say_caps, say_grid
from scoring.models import Criterion, Definition, DefinitionVersion

State = DefinitionVersion.State
MARKETING, READERS = frozenset({Role.MARKETING}), frozenset({Role.REVOPS, Role.MANAGER})

LEAVING = "Below a leave threshold a waiting lead has cooled; one left empty is as high as its minimum."
THRESHOLDS = (
    ("fit_min", "engagement_min", "total_min"),
    ("fit_leave", "engagement_leave", "total_leave"),
    ("fit_cap", "engagement_cap", "total_cap"),
)


class Versions(History):
    """Each version with its way in."""

    model = DefinitionVersion
    fields = ("opens", "state", "note", "criteria_count", "published_at", "published_by")
    ordering = ("-number",)
    verbose_name_plural = "versions"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("definition", "published_by").prefetch_related("criteria")

    @admin.display(description="Version")
    def opens(self, obj: DefinitionVersion) -> SafeString:
        return format_html('<a href="{}">Version {}</a>', page_of(obj), obj.number)

    @admin.display(description="Criteria")
    def criteria_count(self, obj: DefinitionVersion) -> int:
        return len(obj.criteria.all())


@admin.register(Definition)
class DefinitionAdmin(RoleAdmin):
    """What both teams call a qualified lead."""

    about = (
        "What marketing and sales call a qualified lead. A definition lives in versions: a draft is edited, "
        "published by a button, and never changes after that. Who meets two at once is opened under the one listed "
        "first."
    )
    icon = "rule"
    editors, readers = MARKETING, READERS
    addable = changeable = True
    list_display = ("name", "kind", "in_force", "has_draft")
    ordering_field = "position"
    hide_ordering_field = True
    fields = ("name", "kind")
    inlines = (Versions,)
    actions_detail = ("open_draft",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Definition]:
        return super().get_queryset(request).prefetch_related("versions")

    @admin.display(description="In force")
    def in_force(self, obj: Definition) -> str:
        return next((f"Version {each.number}" for each in obj.versions.all() if each.state == State.PUBLISHED), "none")

    @admin.display(description="Draft")
    def has_draft(self, obj: Definition) -> str:
        return next((f"Version {each.number}" for each in obj.versions.all() if each.state == State.DRAFT), "")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def response_add(self, request: HttpRequest, obj: Definition, post_url_continue: Any = None) -> HttpResponse:
        """A new definition goes on to its first draft: that is where its criteria stand."""
        return self.to(publishing.draft(obj, **now_and_by(request)))

    @action(description="Edit the draft, or make one", url_path="draft", permissions=["act"], icon="edit")  # type: ignore[untyped-decorator]
    def open_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.to(publishing.draft(Definition.objects.get(pk=object_id), **now_and_by(request)))


class CriterionBlocks(Blocks):
    """The criteria of a draft, in their order, each titled by the sentence it makes."""

    model = Criterion
    form = CriterionForm
    ordering_field = "position"
    hide_ordering_field = True
    collapsible = True
    verbose_name, verbose_name_plural = "criterion", "criteria"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("label", "axis"), ("points", "cap"), "condition", "activities",
                    ("at_least", "at_most"), ("within", "not_since"), ("measure", "measured_property"),
                    "mode", ("decay", "half_life"),
                    ("is_required", "disqualifies"), ("is_hand_raise", "hand_raise_fit_min"),
                    ("key", "group"), "position",
                )
            },
        ),
    )  # fmt: skip


class CriterionLines(History):
    """The criteria of a published version, read."""

    model = Criterion
    fields = ("label", "says", "points_said", "group", "key")
    verbose_name_plural = "criteria"

    @admin.display(description="What it says")
    def says(self, obj: Criterion) -> str:
        return reads(obj)

    @admin.display(description="Points")
    def points_said(self, obj: Criterion) -> str:
        return say_points(obj.points)


def _said(name: str, say: Any) -> Any:
    """A read-only display of one column, written as people read it."""

    @admin.display(description=VersionForm.base_fields[name].label or name.replace("_", " ").capitalize())
    def show(self: Any, obj: DefinitionVersion) -> str:
        return str(say(getattr(obj, name))) or "—"

    return show


@admin.register(DefinitionVersion)
class DefinitionVersionAdmin(RoleAdmin):
    """One version: edited while it is a draft."""

    about = (
        "One version of a definition. Points are plain points, lengths a number and a unit; each criterion is "
        "titled by the sentence it makes. Save first, then publish: what is published never changes."
    )
    icon = "draft"
    in_sidebar = False
    editors, readers, changeable = MARKETING, READERS, True
    form = VersionForm
    list_display = ("__str__", "state", "note", "published_at", "published_by")
    list_filter = ("state", "definition")
    list_select_related = ("definition", "published_by")
    readonly_fields = ("definition", "number", "state")
    actions_detail = ("publish", "new_draft", "discard")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.state == State.DRAFT)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        said = "" if obj is not None and self.has_change_permission(request, obj) else "_said"
        rows = tuple(tuple(f"{name}{said}" for name in row) for row in THRESHOLDS)
        what: tuple[Any, ...] = (("definition", "number", "state"), "note")
        if said:
            what += (("published_at", "published_by_said", "retired_at"),)
        return (
            ("Version", {"fields": what}),
            ("Thresholds, leaving, caps", {"fields": (*rows, f"group_caps{said}"), "description": LEAVING}),
            ("Tiers", {"fields": ("tier_by", (f"hot_min{said}", f"warm_min{said}"), f"grid{said}")}),
            ("For whom, and what is news", {"fields": (f"audience{said}", (f"fresh_within{said}", f"step{said}"))}),
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (CriterionBlocks,) if obj and self.has_change_permission(request, obj) else (CriterionLines,)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        is_draft = DefinitionVersion.objects.filter(pk=object_id, state=State.DRAFT).exists()
        hidden = {"new_draft"} if is_draft else {"publish", "discard"}
        offered: list[Any] = super().get_actions_detail(request, object_id)
        return [each for each in offered if not each.action_name.endswith(tuple(f"_{name}" for name in hidden))]

    @admin.display(description="Published by")
    def published_by_said(self, obj: DefinitionVersion) -> str:
        """A name without a link: who reads definitions need not be one who sees to accounts."""
        return str(obj.published_by or "—")

    @action(description="Publish", permissions=["act"], icon="publish", variant=ActionVariant.PRIMARY)  # type: ignore[untyped-decorator]
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = DefinitionVersion.objects.select_related("definition").get(pk=object_id)
        if request.method == "POST":
            told = now_and_by(request)
            publishing_done = self.attempt(request, _publish, version, **told)
            if publishing_done:
                messages.success(request, f"{version} is in force. Every lead is being judged anew.")
            return self.to(version)
        try:
            publishing.check(version)
        except publishing.NotPublishable as refusal:
            messages.error(request, str(refusal))
            return self.to(version)
        would = effect(version)
        return self.confirm(
            request, f"Publish {version}", would.sentences, people=would.people, button="Publish", back=page_of(version)
        )

    @action(description="New draft from this", url_path="new-draft", permissions=["act"], icon="edit")  # type: ignore[untyped-decorator]
    def new_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = DefinitionVersion.objects.select_related("definition").get(pk=object_id)
        return self.to(publishing.draft(version.definition, **now_and_by(request)))

    @action(description="Discard", permissions=["act"], icon="delete")  # type: ignore[untyped-decorator]
    def discard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = DefinitionVersion.objects.select_related("definition").get(pk=object_id, state=State.DRAFT)
        if request.method == "POST":
            version.delete()
            messages.success(request, f"{version} is discarded. What is in force stays as it is.")
            return self.to(version.definition)
        told = [f"The draft {version} goes, with its criteria. What is in force stays as it is."]
        return self.confirm(request, f"Discard {version}", told, button="Discard", back=page_of(version))

    def response_post_save_change(self, request: HttpRequest, obj: DefinitionVersion) -> HttpResponseRedirect:
        """Stay with the draft: reading it back and publishing come next."""
        return self.to(obj)


SAID: dict[str, Any] = dict.fromkeys((*sum(THRESHOLDS, ()), "hot_min", "warm_min", "step"), say_points) | {
    "group_caps": say_caps,
    "grid": say_grid,
    "audience": sentence,
    "fresh_within": say_length,
}
for _column, _say in SAID.items():
    setattr(DefinitionVersionAdmin, f"{_column}_said", _said(_column, _say))


def _publish(version: DefinitionVersion, **told: Any) -> bool:
    publishing.publish(version, **told)
    return True
