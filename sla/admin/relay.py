"""The relay as it ran: hand-offs and clocks, each with its history, to read."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leads.admin.roles import DESK, History, RoleAdmin
from sla.models import Clock, ClockPause, ClockStep, ClockTiming, Handoff, HandoffChange, Touch


class Told(History):
    """History with the people in it, in a fixed number of questions."""

    people: tuple[str, ...] = ("by",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related(*self.people)


class Changes(Told):
    model = HandoffChange
    fields = ("at", "from_state", "to_state", "by", "performed_by", "is_undo", "why")
    people = ("by", "performed_by")


class Clocks(History):
    model = Clock
    fields = ("target", "cause", "started_at", "due_at", "met_at", "voided_at", "verdict", "breached_at")
    ordering = ("started_at", "id")
    show_change_link = True


class Touches(Told):
    model = Touch
    fields = ("occurred_at", "means", "direction", "outcome", "performed_by", "automated", "logged_later", "note")
    people = ("performed_by",)
    ordering = ("occurred_at", "id")


@admin.register(Handoff)
class HandoffAdmin(RoleAdmin):
    """Offers and what became of them."""

    about = (
        "Every offer of a lead to a rep, with its moves, clocks and touches. Verdicts are given at the desk; here "
        "they are read."
    )
    icon = "swap_horiz"
    called = "Hand-offs"
    readers = DESK
    lead_path = "episode__lead"
    list_display = ("offered_at", "lead_said", "user", "team", "hop", "state", "tier", "lane", "reason", "closed_at")
    list_filter = ("state", "tier", "lane", "team", "reason")
    list_select_related = ("episode__lead", "user", "team", "reason")
    search_fields = ("episode__lead__email", "episode__lead__first_name", "episode__lead__last_name", "user__full_name")
    ordering = ("-offered_at", "-id")
    inlines = (Changes, Clocks, Touches)
    fields = (
        ("lead_said", "episode"), ("user", "team"), ("state", "hop", "version"), ("tier", "lane", "leg"),
        ("policy_version", "rule"), ("offered_at", "accepted_at", "first_touched_at"), ("touches", "closed_at"),
        ("reason", "named_date"), "note", "bant", "why_this_rep", "public_id",
    )  # fmt: skip

    @admin.display(description="Lead")
    def lead_said(self, obj: Handoff) -> str:
        return obj.episode.lead.name

    @admin.display(description="Routing trace")
    def why_this_rep(self, obj: Handoff) -> SafeString | str:
        trace = getattr(obj, "trace", None)
        if trace is None:
            return ""
        return format_html('<pre class="whitespace-pre-wrap">{}</pre>', json.dumps(trace.trace, indent=2))


class Timings(Told):
    model = ClockTiming
    fields = (
        "number", "why", "start_at", "budget_seconds", "business_days", "policy_version", "target_amount_of", "due_at",
        "at", "by",
    )  # fmt: skip
    people = ("by", "policy_version__policy")
    ordering = ("number",)


class Pauses(Told):
    model = ClockPause
    fields = ("from_at", "until_at", "reason", "by", "at")


class Fired(Told):
    model = ClockStep
    fields = ("key", "step", "due_at", "fired_at", "detail")
    people = ("step",)
    verbose_name_plural = "steps that fired"


@admin.register(Clock)
class ClockAdmin(RoleAdmin):
    """Promises on the clock."""

    about = (
        "Every promise on the clock: when it started, when it is due, and its verdict, which is arithmetic. Each "
        "timing keeps what it was counted by; the last one counts."
    )
    icon = "timer"
    readers = DESK
    lead_path = "episode__lead"
    list_display = ("due_at", "target", "lead_said", "rep_said", "verdict", "breached_at", "met_at", "held_back_why")
    list_filter = ("verdict", "target", ("breached_at", admin.EmptyFieldListFilter))
    list_select_related = ("episode__lead", "handoff__user")
    ordering = ("-due_at", "-id")
    inlines = (Timings, Pauses, Fired)
    fields = (
        ("target", "lead_said", "rep_said"), ("episode", "handoff", "cause"), ("started_at", "due_at", "next_step_at"),
        ("verdict", "met_at", "breached_at"), ("voided_at", "void_reason"), ("held_back_at", "held_back_why"),
    )  # fmt: skip

    @admin.display(description="Lead")
    def lead_said(self, obj: Clock) -> str:
        return obj.episode.lead.name

    @admin.display(description="Rep")
    def rep_said(self, obj: Clock) -> str:
        return str(obj.handoff.user) if obj.handoff is not None else ""
