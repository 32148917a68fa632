"""Which leads go to which team, and the reasons for a no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse

from leads import clock
from leads.admin.conditions import ConditionField
from leads.admin.roles import DESK, now_and_by
from leads.conditions import ConditionError, sentence
from leads.errors import Invalid
from leads.models import Role
from sla import matching, publishing, routing
from sla.admin.versions import VersionedAdmin, WhyForm
from sla.models import Desk, Reason, RoutingRule

REVOPS = frozenset({Role.REVOPS})
FIELDS = {name: name.replace(".", ", ", 1).replace("_", " ").replace("*", "any") for name in matching.FIELDS}


def when(condition: dict[str, Any]) -> str:
    """A condition read back."""
    try:
        return sentence(condition)
    except ConditionError as error:
        return str(error)


def check_condition(form: forms.ModelForm, *, may_be_impossible: bool = False) -> None:  # type: ignore[type-arg]
    """Say at its box why a condition can't be read, or can never hold."""
    if "condition" not in form.cleaned_data:
        return
    try:
        matching.check(form.cleaned_data["condition"], may_be_impossible=may_be_impossible)
    except Invalid as refused:
        form.add_error("condition", str(refused))


def warn(request: HttpRequest, found: Iterable[publishing.Behind], row: Any) -> None:
    """Tell who has just saved a row what now stands behind what, where it concerns this row."""
    for each in found:
        if row in (each.row, *each.behind):
            messages.warning(request, each.told)


class RowAdmin(VersionedAdmin):
    """Rows that the database keeps in versions: each save is signed with who and why."""

    # For those who only read: what stands in place of what is typed, or that nothing does.
    read_as: Mapping[str, str | None] = {"why": None, "seen": None}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may not edit it is not shown the boxes of a change, and reads conditions as sentences."""
        told = super().get_fieldsets(request, obj)
        if self.may_edit(request):
            return told
        read = [(name, {**options, "fields": self._read(options["fields"])}) for name, options in told]
        return [(name, options) for name, options in read if options["fields"]]

    def _read(self, fields: Iterable[Any]) -> list[Any]:
        kept = [tuple(self._read(each)) if isinstance(each, tuple) else self.read_as.get(each, each) for each in fields]
        return [each for each in kept if each]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        moved = change and form.changed_data == [self.ordering_field]
        why = "Moved in the order" if moved else form.cleaned_data.get("why", "")
        publishing.put(obj, why=why, **now_and_by(request))


class RoutingRuleForm(WhyForm):
    condition = ConditionField(fields=FIELDS, help_text="On lead, account and episode; empty is always.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        team, fallback = cleaned.get("team"), cleaned.get("fallback_team")
        if cleaned.get("if_nobody") == RoutingRule.IfNobody.FALLBACK:
            if fallback is None:
                self.add_error("fallback_team", "Name the fallback team, or choose something else to do.")
            elif fallback == team:
                self.add_error("fallback_team", f"{team} can't fall back to itself. Choose another team.")
        for name, named in (("team", team), ("fallback_team", fallback)):
            if named is not None and not Desk.objects.filter(team=named).exists():
                self.add_error(
                    name, f"{named} has no desk, so it takes no leads. Give it one under Desks, or choose another team."
                )
        check_condition(self, may_be_impossible=not cleaned.get("is_active"))
        if language := cleaned.get("language_of"):
            try:
                matching.check({"field": language, "op": "is_set"})
            except Invalid as refused:
                self.add_error("language_of", str(refused))
        return cleaned


@admin.register(RoutingRule)
class RoutingRuleAdmin(RowAdmin):
    """Which leads go to which team."""

    about = (
        "Which leads go to which team. The first rule that holds and whose team can take the lead wins; drag them "
        "into order. Keep one with an empty condition as the last. Every change is a version; one that no longer "
        "serves is taken out of use, and stays in the history."
    )
    icon = "alt_route"
    editors, readers = REVOPS, DESK
    addable = changeable = True
    form = RoutingRuleForm
    read_as = {**RowAdmin.read_as, "condition": "reads"}
    list_before_template = "admin/behind.html"
    list_display = ("name", "reads", "team", "strategy", "is_active")
    list_select_related = ("team",)
    ordering_field = "position"
    hide_ordering_field = True
    fieldsets = (
        (None, {"fields": ("name", "condition", "team", "is_active")}),
        (
            "Who of the team",
            {
                "fields": (
                    "owner_first", "previous", "strategy", ("needs_skills", "prefers_skills"),
                    ("needs_languages", "prefers_languages"), ("language_of", "lead_language"),
                )
            },
        ),
        ("If nobody is there", {"fields": ("outside_hours", ("if_nobody", "fallback_team"))}),
        (None, {"fields": ("why", "seen")}),
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        routing.look_again(now=clock.now())
        if form.changed_data != [self.ordering_field]:
            warn(request, publishing.rules_behind(), obj)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, below a word on each rule that others catch everything of."""
        return super().changelist_view(request, {**(extra_context or {}), "behind": publishing.rules_behind()})

    @admin.display(description="When")
    def reads(self, obj: RoutingRule) -> str:
        return when(obj.condition)


@admin.register(Reason)
class ReasonAdmin(RowAdmin):
    """Reasons for a no."""

    about = (
        "The reasons a rep may give for saying no: before accepting, after it, or both; what must come first, and "
        "what follows for the lead. Take one out of use rather than delete it."
    )
    icon = "thumb_down"
    editors, readers = REVOPS, DESK
    addable = changeable = True
    form = WhyForm
    list_display = ("label", "on_reject", "on_return", "needs", "follows", "rest_days", "counts_on_merit", "is_active")
    ordering_field = "position"
    hide_ordering_field = True
    fields = (
        ("label", "code"), ("on_reject", "on_return"), "needs", ("follows", "rest_days"), "counts_on_merit",
        ("evidence", "evidence_prompt"), "gives_turn_back", "is_active", "why", "seen",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()
