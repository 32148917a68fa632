"""What runs in shadow, and what did."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action

from leads.admin.roles import RoleAdmin, now_and_by
from leads.errors import Refused
from leads.models import Role
from sla.models import Shadow
from sla.shadow import switches


class ShadowForm(forms.ModelForm):  # type: ignore[type-arg]
    """What is to run in shadow; what stands in its way stands at the field it belongs to."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            switches.check(cleaned.get("team"), cleaned.get("rule"))
        except Refused as refusal:
            self.add_error("rule" if cleaned.get("rule") is not None else "team", str(refusal))
        return cleaned


@admin.register(Shadow)
class ShadowAdmin(RoleAdmin):
    """What runs on paper."""

    about = (
        "What runs in shadow is routed and timed on paper, and nobody is told. Name a team or a rule; with neither, "
        "everything does. Its report, and going live with what stands on paper, are pages of their own."
    )
    icon = "visibility_off"
    called = "Shadow"
    editors = frozenset({Role.REVOPS})
    addable = True
    form = ShadowForm
    list_display = ("what", "began_at", "began_by", "why", "ended_at", "ended_by", "ending")
    list_select_related = ("team", "rule", "began_by", "ended_by")
    ordering = ("-began_at", "-pk")
    fields = ("team", "rule", "why")
    actions_detail = ("read_report", "go_live")

    @admin.display(description="What")
    def what(self, obj: Shadow) -> str:
        return str(obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Into shadow from this moment."""
        begun = switches.begin(team=obj.team, rule=obj.rule, why=obj.why, **now_and_by(request))
        obj.pk, obj.public_id, obj.began_at = begun.pk, begun.public_id, begun.began_at

    @action(description="Report", url_path="report", permissions=["view"], icon="bar_chart")  # type: ignore[untyped-decorator]
    def read_report(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _to("shadow", object_id)

    @action(description="Go live …", url_path="live", permissions=["act"], icon="play_arrow")  # type: ignore[untyped-decorator]
    def go_live(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """On to the page that shows what stands on paper, and does it."""
        return _to("shadow-live", object_id)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """What has ended can't go live again."""
        offered: list[Any] = super().get_actions_detail(request, object_id)
        ended = Shadow.objects.filter(pk=object_id, ended_at__isnull=False).exists()
        return [each for each in offered if not (ended and each.action_name.endswith("_go_live"))]


def _to(page: str, object_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse(page, args=[Shadow.objects.get(pk=object_id).public_id]))
