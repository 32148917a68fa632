"""Time off: who is away when, and who covers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms.models import construct_instance
from django.http import HttpRequest

from leads import clock
from leads.admin.roles import RoleAdmin, now_and_by
from leads.errors import Refused
from leads.models import Role
from sla.admin.people import of_managed
from sla.models import Absence, Rep
from sla.people import absences


class AbsenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """An absence as a person tells it; what stands in its way stands at the field it belongs to."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        rep = self.instance.rep if self.instance.pk else cleaned.get("rep")
        starts_at = cleaned.get("starts_at")
        if rep is None or starts_at is None or cleaned.get("ends_at") is None:
            return cleaned
        try:
            absences.check(
                rep,
                starts_at=starts_at,
                ends_at=cleaned["ends_at"],
                cover=cleaned.get("cover"),
                besides=self.instance if self.instance.pk else None,
                now=clock.now(),
            )
        except Refused as refusal:
            field = refusal.state.get("field")
            self.add_error(field if field in self.fields else None, str(refusal))
        return cleaned

    def _post_clean(self) -> None:
        """The verb writes; the model's own check would say less than the sentence above."""
        self.instance = construct_instance(self, self.instance, self._meta.fields, self._meta.exclude)


@admin.register(Absence)
class AbsenceAdmin(RoleAdmin):
    """Time off."""

    about = (
        "Time off, in your own time zone; reps tell theirs under “Time off”. A rep who is away is offered nothing; "
        "what is on offer to them when it begins moves on and is not counted against them."
    )
    icon = "beach_access"
    editors = frozenset({Role.REVOPS, Role.MANAGER})
    addable = changeable = True
    deletable = True
    form = AbsenceForm
    list_display = ("rep", "starts_at", "ends_at", "why", "begun_at")
    list_filter = (("rep__user", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("rep__user",)
    ordering = ("-starts_at", "-pk")
    fields = ("rep", ("starts_at", "ends_at"), "why", "cover")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Absence]:
        return of_managed(request, super().get_queryset(request), "rep__user__teams__in")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("rep",) if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in ("rep", "cover"):
            reps = Rep.objects.filter(is_active=True).select_related("user").order_by("user__full_name", "pk")
            kwargs["queryset"] = of_managed(request, reps, "user__teams__in")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Absence, form: Any, change: bool) -> None:
        told = {name: form.cleaned_data[name] for name in ("starts_at", "ends_at", "why", "cover")}
        if change:
            self.attempt(request, absences.change, obj.pk, **told, **now_and_by(request))
            return
        added = self.attempt(request, absences.add, obj.rep_id, **told, **now_and_by(request))
        if added is not None:
            obj.pk, obj.public_id = added.pk, added.public_id

    def delete_model(self, request: HttpRequest, obj: Absence) -> None:
        self.attempt(request, absences.cancel, obj.pk, **now_and_by(request))

    def has_delete_permission(self, request: HttpRequest, obj: Absence | None = None) -> bool:
        # One that has begun has moved leads on: it is history.
        return super().has_delete_permission(request, obj) and (obj is None or obj.begun_at is None)

    def get_actions(self, request: HttpRequest) -> Any:
        return {}
