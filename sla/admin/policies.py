"""What is promised: policies with their versions, targets and ladders."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.enums import ActionVariant

from leads.admin.conditions import ConditionField
from leads.admin.fields import LengthField
from leads.admin.roles import DESK, History, RoleAdmin, now_and_by, page_of
from leads.errors import Refused
from leads.lengths import say_length
from leads.models import Role
from sla import publishing
from sla.admin import retiming
from sla.admin.ladders import Steps, StepsRead, Targets, TargetsRead
from sla.admin.rules import FIELDS, check_condition, warn, when
from sla.admin.versions import SeenForm, VersionedAdmin
from sla.models import Policy, PolicyVersion

REVOPS = frozenset({Role.REVOPS})
State = PolicyVersion.VersionState


class PolicyVersions(History):
    model = PolicyVersion
    fields = ("opens", "state", "reads", "why", "published_at", "published_by")
    ordering = ("-number",)
    verbose_name_plural = "versions"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("policy", "published_by")

    @admin.display(description="Version")
    def opens(self, obj: PolicyVersion) -> SafeString:
        return format_html('<a href="{}">Version {}</a>', page_of(obj), obj.number)

    @admin.display(description="Holds when")
    def reads(self, obj: PolicyVersion) -> str:
        return when(obj.condition)


@admin.register(Policy)
class PolicyAdmin(VersionedAdmin):
    """Sets of promises."""

    about = (
        "What sales has promised, for whom: the first policy whose condition holds is chosen, at opening and at "
        "each offer; drag them into order. A policy lives in versions, and a published one never changes."
    )
    icon = "handshake"
    editors, readers = REVOPS, DESK
    addable = changeable = True
    list_before_template = "admin/behind.html"
    list_display = ("name", "in_force", "has_draft")
    ordering_field = "position"
    hide_ordering_field = True
    fields = ("name",)
    inlines = (PolicyVersions,)
    actions_detail = ("open_draft",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        return super().get_queryset(request).prefetch_related("versions")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, below a word on each policy that others catch everything of."""
        return super().changelist_view(request, {**(extra_context or {}), "behind": publishing.policies_behind()})

    @admin.display(description="In force")
    def in_force(self, obj: Policy) -> str:
        return next((f"Version {each.number}" for each in obj.versions.all() if each.state == State.PUBLISHED), "none")

    @admin.display(description="Draft")
    def has_draft(self, obj: Policy) -> str:
        return next((f"Version {each.number}" for each in obj.versions.all() if each.state == State.DRAFT), "")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def response_add(self, request: HttpRequest, obj: Policy, post_url_continue: Any = None) -> HttpResponse:
        """A new policy goes on to its first draft: that is where its promises stand."""
        return self.to(publishing.draft_policy(obj))

    @action(description="Edit the draft, or make one", url_path="draft", permissions=["act"], icon="edit")  # type: ignore[untyped-decorator]
    def open_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.to(publishing.draft_policy(Policy.objects.get(pk=object_id)))


class PolicyVersionForm(SeenForm):
    condition = ConditionField(fields=FIELDS, help_text="For whom the policy holds; empty is everyone.")
    grace = LengthField(
        required=True, help_text="A touch typed by hand this soon after it happened counts when it happened."
    )
    absence_grace = LengthField(
        label="Grace while a rep is away",
        required=True,
        help_text="Working time of the team after which accepted leads of somebody who is away move on.",
    )
    pause_budget = LengthField(
        empty=0, help_text="How long the pauses of one promise may last in all. Empty allows none."
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        check_condition(self)
        return cleaned

    def newest(self) -> str:
        return publishing.fingerprint(PolicyVersion.objects.get(pk=self.instance.pk))

    def overtaken(self, seen: str) -> str:
        return "Somebody else has changed this draft since you opened this page."


@admin.register(PolicyVersion)
class PolicyVersionAdmin(RoleAdmin):
    """One version of a policy: edited while it is a draft."""

    about = (
        "One version of a policy: by when, for the hand-raise lane and each tier, and what happens on the way "
        "there. Save first, then publish: what is published never changes, and clocks that run keep their version."
    )
    icon = "draft"
    in_sidebar = False
    editors, readers, changeable = REVOPS, DESK, True
    form = PolicyVersionForm
    list_display = ("__str__", "state", "reads", "published_at", "published_by")
    list_select_related = ("policy", "published_by")
    readonly_fields = (
        *("policy", "number", "state", "published_at", "published_by", "why", "reads"),
        *("grace_said", "absence_grace_said", "pause_said"),
    )
    actions_detail = ("publish", "new_draft", "retime", "discard")

    @admin.display(description="Holds when")
    def reads(self, obj: PolicyVersion) -> str:
        return when(obj.condition)

    @admin.display(description="Grace")
    def grace_said(self, obj: PolicyVersion) -> str:
        return say_length(obj.grace)

    @admin.display(description="Grace while a rep is away")
    def absence_grace_said(self, obj: PolicyVersion) -> str:
        return say_length(obj.absence_grace)

    @admin.display(description="Pauses in all")
    def pause_said(self, obj: PolicyVersion) -> str:
        return say_length(obj.pause_budget)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.state == State.DRAFT)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and self.has_change_permission(request, obj):
            return (
                ("policy", "number", "state"),
                "condition",
                ("grace", "absence_grace"),
                ("max_hops", "minutes_each"),
                ("pause_budget", "pause_by"),
                "seen",
            )
        return (
            ("policy", "number", "state"),
            ("published_at", "published_by"),
            "why",
            "reads",
            ("grace_said", "absence_grace_said"),
            ("max_hops", "minutes_each"),
            ("pause_said", "pause_by"),
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return (Targets, Steps) if obj and self.has_change_permission(request, obj) else (TargetsRead, StepsRead)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        state = PolicyVersion.objects.values_list("state", flat=True).filter(pk=object_id).first()
        hidden = {"new_draft", "retime"} if state == State.DRAFT else {"publish", "discard"}
        hidden |= {"retime"} if state == State.RETIRED else set()
        offered: list[Any] = super().get_actions_detail(request, object_id)
        return [each for each in offered if not each.action_name.endswith(tuple(f"_{name}" for name in hidden))]

    @action(description="Publish", permissions=["act"], icon="publish", variant=ActionVariant.PRIMARY)  # type: ignore[untyped-decorator]
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = PolicyVersion.objects.select_related("policy").get(pk=object_id)
        if request.method == "POST":
            why = request.POST.get("why", "").strip()
            if self.attempt(request, publishing.publish_policy, version, why=why, **now_and_by(request)):
                told = f"{version} is in force for what is offered from now on. {retiming.running_on(version)}"
                messages.success(request, told.strip())
                warn(request, publishing.policies_behind(), version.policy)
            return self.to(version)
        try:
            publishing.check_policy(version)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return self.to(version)
        return self.confirm(
            request, f"Publish {version}", effect(version), button="Publish", back=page_of(version), ask="Why"
        )

    @action(description="Re-time running clocks", url_path="retime", permissions=["act"], icon="update")  # type: ignore[untyped-decorator]
    def retime(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = PolicyVersion.objects.select_related("policy").get(pk=object_id, state=State.PUBLISHED)
        return retiming.offer(self, request, version, back=version)

    @action(description="New draft from this", url_path="new-draft", permissions=["act"], icon="edit")  # type: ignore[untyped-decorator]
    def new_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.to(publishing.draft_policy(PolicyVersion.objects.select_related("policy").get(pk=object_id).policy))

    @action(description="Discard", permissions=["act"], icon="delete")  # type: ignore[untyped-decorator]
    def discard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = PolicyVersion.objects.select_related("policy").get(pk=object_id, state=State.DRAFT)
        if request.method == "POST":
            version.delete()
            messages.success(request, f"{version} is discarded. What is in force stays as it is.")
            return self.to(version.policy)
        told = [f"The draft {version} goes, with its targets and ladder. What is in force stays as it is."]
        return self.confirm(request, f"Discard {version}", told, button="Discard", back=page_of(version))

    def response_post_save_change(self, request: HttpRequest, obj: PolicyVersion) -> HttpResponse:
        """Stay with the draft: reading it back and publishing come next."""
        return self.to(obj)


def effect(version: PolicyVersion) -> list[str]:
    """What publishing would do, in sentences."""
    former = version.policy.versions.filter(state=State.PUBLISHED).first()
    holds = when(version.condition)
    told = [f"It holds {'for every lead' if holds == 'always' else f'when {holds}'}, by the order of policies."]
    if former is not None:
        told.append(f"Version {former.number} retires. Clocks that run keep the version they were started by.")
    told.append("What is offered from now on is promised by this version. It never changes after that.")
    return told
