"""Lists that people keep: activity types, stage rules, mail domains and title words."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest

from leads import derived
from leads.admin.conditions import ConditionField
from leads.admin.roles import RoleAdmin, now_and_by
from leads.conditions import sentence
from leads.models import ActivityType, MailDomain, Role, StageRule, TitleWord

MARKETING, REVOPS = frozenset({Role.MARKETING}), frozenset({Role.REVOPS})
PROPERTIES = {"property.*": "A property of the activity, such as property.plan"}


@admin.register(ActivityType)
class ActivityTypeAdmin(RoleAdmin):
    """The catalog of activities."""

    about = (
        "Every kind of activity ever received; a row appears when its name is first seen. The label is what people "
        "read, the funnel stage groups reports, and hidden ones stay off the timeline."
    )
    icon = "bolt"
    readers, editors, changeable = REVOPS, MARKETING, True
    list_display = ("name", "label", "funnel_stage", "is_shown", "first_seen_at")
    list_editable = ("label", "funnel_stage", "is_shown")
    list_filter = ("funnel_stage", "is_shown")
    search_fields = ("name", "label")
    fields = ("name", "label", "funnel_stage", "is_shown", "first_seen_at")
    readonly_fields = ("name", "first_seen_at")


class StageRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    condition = ConditionField(
        fields=PROPERTIES, help_text="On the activity's properties, such as property.plan; empty is always."
    )


@admin.register(StageRule)
class StageRuleAdmin(RoleAdmin):
    """Activities that move a stage."""

    about = (
        "Activities that move a lead's stage forward: to lead, to an open deal, or to customer. Stages never go "
        "back by rule."
    )
    icon = "trending_up"
    readers, editors = REVOPS, MARKETING
    addable = changeable = deletable = True
    form = StageRuleForm
    list_display = ("name", "activity", "reads", "to_stage", "is_active")
    ordering_field = "position"
    hide_ordering_field = True
    fields = ("name", "activity", "condition", "to_stage", "is_active")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may not edit it reads the condition as a sentence."""
        told = super().get_fields(request, obj)
        return told if self.may_edit(request) else ["reads" if each == "condition" else each for each in told]

    def has_delete_permission(self, request: HttpRequest, obj: StageRule | None = None) -> bool:
        # A shipped one would come back with the next migration.
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.is_shipped)

    def get_actions(self, request: HttpRequest) -> Any:
        return {}

    @admin.display(description="When")
    def reads(self, obj: StageRule) -> str:
        return sentence(obj.condition)


class DerivedListAdmin(RoleAdmin):
    """A list from which something is derived for every lead: changing it derives everything anew."""

    readers, editors = REVOPS, MARKETING
    addable = changeable = deletable = True

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self._recompute(request)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        self._recompute(request)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        self._recompute(request)

    def _recompute(self, request: HttpRequest) -> None:
        """Once per request, after its transaction: page by page, each page a transaction of its own."""
        if getattr(request, "_recomputes", False):
            return
        request._recomputes = True  # type: ignore[attr-defined]
        told = now_and_by(request)

        def run() -> None:
            job = derived.recompute(**told)
            messages.info(request, f"Derived anew for {job.done} leads; {job.report['changed']} changed.")

        transaction.on_commit(run)


@admin.register(MailDomain)
class MailDomainAdmin(DerivedListAdmin):
    """Kinds of mail domains."""

    about = (
        "Mail domains where anybody can have an address: free mail, student and disposable ones. All others are "
        "companies. A pattern starting with a dot, such as .edu, matches every domain below it. Saving derives "
        "every lead anew."
    )
    icon = "alternate_email"
    list_display = ("domain", "kind", "is_shipped")
    list_filter = ("kind", "is_shipped")
    search_fields = ("domain",)
    fields = ("domain", "kind")


@admin.register(TitleWord)
class TitleWordAdmin(DerivedListAdmin):
    """Words that tell seniority."""

    about = (
        "Words and phrases in a job title that tell seniority; of several that match, the lowest position decides. "
        "Saving derives every lead anew."
    )
    icon = "badge"
    list_display = ("phrase", "seniority", "position", "is_shipped")
    list_filter = ("seniority",)
    search_fields = ("phrase",)
    fields = ("phrase", "seniority", "position")
