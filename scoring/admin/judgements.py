"""What was judged: standing leads to release or dismiss; qualifications, episodes and scores to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from leads.admin.fields import say_points
from leads.admin.roles import DESK, History, RoleAdmin, now_and_by
from leads.models import Role
from scoring import standing
from scoring.models import Episode, EpisodeChange, Qualification, Score


class Pointed(RoleAdmin):
    """Rows with sums in points."""

    readers = DESK
    lead_path = "lead"
    list_select_related: Any = ("lead", "version__definition")
    search_fields = ("lead__email", "lead__first_name", "lead__last_name")

    @admin.display(description="Fit", ordering="fit")
    def fit_said(self, obj: Any) -> str:
        return say_points(obj.fit)

    @admin.display(description="Engagement", ordering="engagement")
    def engagement_said(self, obj: Any) -> str:
        return say_points(obj.engagement)

    @admin.display(description="Total", ordering="total")
    def total_said(self, obj: Any) -> str:
        return say_points(obj.total)


class WaitingFilter(admin.SimpleListFilter):
    """Standing leads first asked for: those that wait."""

    title, parameter_name = "standing", "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting for a person"), ("settled", "Settled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "waiting":
            return queryset.filter(waiting=True)
        return queryset.filter(kind="standing", waiting=False) if self.value() == "settled" else queryset


@admin.register(Qualification)
class QualificationAdmin(Pointed):
    """Each moment at which a lead met a definition."""

    about = (
        "Each moment at which a lead met a definition, with the reasons as they stood. Live ones open an episode "
        "by themselves; standing ones, met by old evidence, wait here until somebody releases or dismisses them."
    )
    icon = "verified"
    editors = frozenset({Role.MARKETING, Role.REVOPS})
    list_display = ("at", "lead", "version", "kind", "tier", "total_said", "stands", "sentence")
    list_filter = (WaitingFilter, "kind", "tier", "definition")
    ordering = ("-waiting", "-total", "-at", "-id")
    fields = (
        ("lead", "version", "at"), ("kind", "tier", "is_hand_raise"), ("fit_said", "engagement_said", "total_said"),
        "sentence", "reasons", "deciding", ("evidence_at", "received_at"), "episode",
        ("waiting", "settled_as", "settled_at", "settled_by"),
    )  # fmt: skip
    actions = ("release", "dismiss")

    @admin.display(description="Stands", ordering="waiting")
    def stands(self, obj: Qualification) -> str:
        return "waiting for a person" if obj.waiting else obj.get_settled_as_display()

    @admin.action(description="Release to sales: their clocks start now", permissions=["act"])
    def release(self, request: HttpRequest, queryset: QuerySet[Qualification]) -> None:
        told = now_and_by(request)
        released = 0
        for pk in queryset.filter(waiting=True).order_by("-total", "pk").values_list("pk", flat=True):
            released += self.attempt(request, standing.release, pk, **told) is not None
        if released:
            messages.success(request, f"Released: {released}.")
        else:
            messages.error(request, "None of these could be released.")

    @admin.action(description="Dismiss: only new evidence brings them again", permissions=["act"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Qualification]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        dismissed = self.attempt(request, standing.dismiss, ids, **now_and_by(request))
        messages.success(request, f"Dismissed: {dismissed or 0}.")


class EpisodeChanges(History):
    model = EpisodeChange
    fields = ("at", "what", "from_phase", "to_phase", "by", "detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("by")


@admin.register(Episode)
class EpisodeAdmin(RoleAdmin):
    """Matters, from opening to end."""

    about = (
        "Each matter between a lead and sales, from its opening to its end, with what happened to it. Verbs change "
        "it, nobody types."
    )
    icon = "timeline"
    readers = DESK
    lead_path = "lead"
    list_display = ("opened_at", "lead", "definition", "tier", "lane", "opened_by", "phase", "closed_as", "closed_at")
    list_filter = ("phase", "closed_as", "tier", "lane", "opened_by", "definition")
    list_select_related = ("lead", "definition")
    search_fields = ("lead__email", "lead__first_name", "lead__last_name")
    ordering = ("-opened_at", "-id")
    inlines = (EpisodeChanges,)
    fields = (
        ("lead", "account"), ("definition", "version"), ("tier", "lane", "opened_by"), "qualification",
        ("opened_at", "stage_before"), ("phase", "waiting_since", "route_not_before"), ("cooled_at", "withdrawn_at"),
        ("closed_at", "closed_as"), "public_id",
    )  # fmt: skip


@admin.register(Score)
class ScoreAdmin(Pointed):
    """Scores as they stand."""

    about = "How good each lead is by each definition, as last stored, with the share of every criterion."
    icon = "speed"
    list_display = ("lead", "version", "fit_said", "engagement_said", "total_said", "tier", "meets", "as_of")
    list_filter = ("meets", "tier", "definition")
    ordering = ("-total", "pk")
    fields = (
        ("lead", "version", "as_of"), ("fit_said", "engagement_said", "ever_said", "total_said"), ("tier", "meets"),
        ("hand_raised", "disqualified_by", "is_cooled"), "shares_said", "missing", "reassess_at",
    )  # fmt: skip

    @admin.display(description="Engagement ever")
    def ever_said(self, obj: Score) -> str:
        return say_points(obj.engagement_ever)

    @admin.display(description="Points of each criterion")
    def shares_said(self, obj: Score) -> str:
        return "\n".join(f"{key}: {say_points(share)}" for key, share in sorted(obj.shares.items()))
