"""Which leads go to which team, and the reasons for a no."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from leads.admin.conditions import ConditionField
from leads.admin.roles import DESK, now_and_by
from leads.conditions import ConditionError, sentence
from leads.models import Role
from sla import matching, publishing
from sla.admin.versions import VersionedAdmin, WhyForm
from sla.models import Reason, RoutingRule

REVOPS = frozenset({Role.REVOPS})
FIELDS = {name: name.replace(".", ", ", 1).replace("_", " ").replace("*", "any") for name in matching.FIELDS}


def when(condition: dict[str, Any]) -> str:
    """A condition read back."""
    try:
        return sentence(condition)
    except ConditionError as error:
        return str(error)


class RowAdmin(VersionedAdmin):
    """Rows that the database keeps in versions: each save is signed with who and why."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        moved = change and form.changed_data == [self.ordering_field]
        why = "Moved in the order" if moved else form.cleaned_data.get("why", "")
        publishing.put(obj, why=why, **now_and_by(request))


class RoutingRuleForm(WhyForm):
    condition = ConditionField(fields=FIELDS, help_text="On lead, account and episode; empty is always.")


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
    list_display = ("name", "reads", "team", "strategy", "is_active")
    list_select_related = ("team",)
    ordering_field = "position"
    hide_ordering_field = True
    fields = ("name", "condition", "team", "strategy", "is_active", "why", "seen")

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
        "is_active", "why", "seen",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()
