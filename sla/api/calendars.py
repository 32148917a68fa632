"""Calendars over the API: their ids, and the hours in force."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Subquery
from rest_framework import serializers, viewsets

from sla.models import Calendar, CalendarVersion
from sla.worktime import sentence


class CalendarSerializer(serializers.ModelSerializer[Calendar]):
    """A calendar with its version in force; `spec` is the form that a deadline may be asked with."""

    version = serializers.IntegerField(read_only=True, help_text="Number of the version in force.")
    hours = serializers.SerializerMethodField(help_text="The hours in one sentence.")
    spec = serializers.JSONField(read_only=True)

    class Meta:
        model = Calendar
        fields = ["public_id", "name", "version", "hours", "spec"]

    def get_hours(self, row: Any) -> str:
        return sentence(row.spec)


class CalendarViewSet(viewsets.ReadOnlyModelViewSet[Calendar]):
    """Every calendar of the house: when teams and reps work is no secret to who works here."""

    serializer_class = CalendarSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    in_force = CalendarVersion.objects.filter(calendar=OuterRef("pk")).order_by("-number")
    queryset = Calendar.objects.annotate(
        version=Subquery(in_force.values("number")[:1]), spec=Subquery(in_force.values("spec")[:1])
    ).filter(version__isnull=False)
