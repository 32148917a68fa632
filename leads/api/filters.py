"""Filters of lists: what a list does not know is refused rather than passed over, with the names of what it does."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.forms import ChoiceField
from django_filters import FilterSet, TypedChoiceFilter, UUIDFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from leads.models import Lead

T = TypeVar("T", bound=Model)
PAGING = frozenset({"cursor", "page_size"})


class OfLead(UUIDFilter):
    """By a lead's id; that of one which was merged away means the one it was merged into."""

    def filter(self, qs: QuerySet[T], value: UUID | None) -> QuerySet[T]:
        return qs if value is None else qs.filter(**{f"{self.field_name}__in": Lead.objects.known_as(value)})


class YesNo(TypedChoiceFilter):
    """`true` or `false`, and nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(*args, choices=choices, coerce=lambda told: told == "true", **kwargs)


class KnownFilters(DjangoFilterBackend):
    """Narrows a list by its filters. Raises ValidationError for an unknown one, and for a value it can't have."""

    def filter_queryset(self, request: Request, queryset: QuerySet[T], view: APIView) -> QuerySet[T]:  # type: ignore[override]
        filterset: FilterSet | None = self.get_filterset(request, queryset, view)
        names = sorted(filterset.filters) if filterset is not None else []
        unknown = set(request.query_params) - {*names, *PAGING}
        if unknown and getattr(view, "action", "list") == "list":
            known = f"This list has the filters {', '.join(names)}." if names else "This list has no filters."
            raise ValidationError({name: [f"There is no such filter. {known}"] for name in sorted(unknown)})
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise ValidationError(_said(filterset))
        return filterset.qs


def _said(filterset: FilterSet) -> dict[str, Any]:
    """The errors of each filter; of one with choices, what they are."""
    said: dict[str, list[str]] = {}
    for name, errors in filterset.form.errors.items():
        field = filterset.form.fields[name]
        offered = [str(value) for value, _ in list(field.choices) if value] if isinstance(field, ChoiceField) else []  # type: ignore[arg-type]
        said[name] = [*errors, *([f"It is one of {', '.join(offered)}."] if offered else [])]
    return said
