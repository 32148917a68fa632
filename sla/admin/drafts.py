"""Drafts of the first words, and the checklists of a conversion: kept by those who know what works."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse

from leads import clock
from leads.admin.roles import DESK, RoleAdmin, person
from leads.errors import Invalid
from leads.models import Lead, Role
from sla import drafting
from sla.models import DraftTemplate, Handoff

EDITORS = frozenset({Role.MANAGER, Role.MARKETING, Role.REVOPS})
TEXTS = ("subject", "body")


class DraftForm(forms.ModelForm):  # type: ignore[type-arg]
    """A draft whose placeholders are known."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in TEXTS:
            try:
                drafting.check(cleaned.get(name, ""), field=name)
            except Invalid as refusal:
                self.add_error(name, str(refusal))
        return cleaned


@admin.register(DraftTemplate)
class DraftTemplateAdmin(RoleAdmin):
    """First words to a lead."""

    about = (
        "First letters that reps open in their own mail program, filled with what the lead really did. Baton never "
        "sends one. Those for the lead's tier and definition are offered, the closest fit first; of equals, this order."
    )
    icon = "drafts"
    called = "Drafts"
    editors, readers = EDITORS, DESK
    addable = changeable = deletable = True
    form = DraftForm
    change_form_after_template = "admin/draft_preview.html"
    list_display = ("name", "subject", "tier", "definition", "language", "is_active")
    list_select_related = ("definition",)
    list_filter = ("is_active", "tier", "language")
    ordering_field = "position"
    hide_ordering_field = True
    fields: ClassVar[tuple[Any, ...]] = ("name", "subject", "body", ("tier", "definition", "language"), "is_active")

    class Media:
        js: ClassVar[tuple[str, ...]] = ("js/draft_preview.js",)

    def get_urls(self) -> list[Any]:
        preview = self.admin_site.admin_view(self.preview)
        return [path("preview/", preview, name="sla_drafttemplate_preview"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one draft, with the draft as a rep would find it."""
        found = self.get_object(request, object_id) if object_id else None
        told = {
            "placeholders": [(f"{{{name}}}", says) for name, says in drafting.PLACEHOLDERS.items()],
            "preview_url": reverse("admin:sla_drafttemplate_preview"),
            **self._filled(request, found or DraftTemplate()),
        }
        shown: HttpResponse = super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **told})
        return shown

    def preview(self, request: HttpRequest) -> HttpResponse:
        """The text as it is typed, filled for a real lead; nothing is saved."""
        if not self.may_read(request):
            raise PermissionDenied
        typed = DraftTemplate(**{name: request.POST.get(name, "")[:2000] for name in TEXTS})
        return TemplateResponse(request, "admin/draft_filled.html", self._filled(request, typed))

    def _filled(self, request: HttpRequest, template: DraftTemplate) -> dict[str, Any]:
        """For the lead that was handed over last, of those this person may read."""
        if not self.may_read(request):
            return {}
        try:
            for name in TEXTS:
                drafting.check(getattr(template, name), field=name)
        except Invalid as refusal:
            return {"refused": str(refusal)}
        visible = Handoff.objects.filter(episode__lead__in=Lead.objects.visible_to(person(request)).live())
        handoff = visible.select_related("user", "episode__lead__account").order_by("-offered_at", "-pk").first()
        if handoff is None:
            return {"nobody": True}
        lead = handoff.episode.lead
        draft = drafting.draft_of(template, lead, handoff.user, now=clock.now())
        return {"draft": draft, "example": lead, "rep": handoff.user}
