"""Checklists of a conversion."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from leads.admin.roles import DESK, Lines, RoleAdmin
from leads.models import Role
from sla.models import Checklist, ChecklistItem

# What the form of a conversion sends beside the answers.
RESERVED = frozenset({"note", "version", "reason", "owner", "to"})


class ItemForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if key in RESERVED:
            raise forms.ValidationError(f"“{key}” means something else to Baton. Choose another key.")
        return key


class Items(Lines):
    model = ChecklistItem
    form = ItemForm
    fields = ("label", "asks", "key", "is_active", "position")
    ordering_field = "position"
    hide_ordering_field = True
    verbose_name_plural = "questions"


@admin.register(Checklist)
class ChecklistAdmin(RoleAdmin):
    """What sales finds out before a lead counts as sales-qualified."""

    about = (
        "What sales finds out before a lead counts as sales-qualified, filled in on the lead page and kept with the "
        "conversion. A definition's own list comes first, then the first in use for any."
    )
    icon = "checklist"
    editors, readers = frozenset({Role.REVOPS, Role.MANAGER}), DESK
    addable = changeable = True
    list_display = ("name", "asks", "definition", "is_active")
    list_select_related = ("definition",)
    ordering_field = "position"
    hide_ordering_field = True
    fields = ("name", "definition", "is_active")
    inlines: ClassVar[tuple[Any, ...]] = (Items,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Checklist]:
        return super().get_queryset(request).prefetch_related("items")

    @admin.display(description="Asks")
    def asks(self, obj: Checklist) -> str:
        return ", ".join(item.label for item in obj.items.all() if item.is_active)
