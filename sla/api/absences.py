"""Absences over the API: told, changed, ended early, cancelled; one's own, or of the reps one manages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from leads import clock
from leads.errors import Invalid
from leads.models import User
from sla.models import Absence, Rep
from sla.people import absences, keeping, spans


class AbsenceSerializer(serializers.ModelSerializer[Absence]):
    """Time off of one rep."""

    rep = serializers.CharField(source="rep.user.email", read_only=True)
    cover = serializers.CharField(source="cover.user.email", read_only=True, default=None)

    class Meta:
        model = Absence
        fields = ["public_id", "rep", "starts_at", "ends_at", "why", "cover", "told_at", "begun_at"]


class ToldAbsenceSerializer(serializers.Serializer[Any]):
    """From when to when: instants, or whole days as dates of the rep's zone, both included."""

    rep = serializers.EmailField(required=False, help_text="The rep's e-mail; by default the caller.")
    starts_at = serializers.DateTimeField(required=False)
    ends_at = serializers.DateTimeField(required=False)
    first_date = serializers.DateField(required=False)
    last_date = serializers.DateField(required=False, help_text="By default the first.")
    why = serializers.CharField(required=False, allow_blank=True, max_length=120)
    cover = serializers.EmailField(required=False, allow_null=True, help_text="E-mail of the rep who takes over.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        instants = "starts_at" in attrs or "ends_at" in attrs
        dates = "first_date" in attrs or "last_date" in attrs
        if instants and dates:
            raise serializers.ValidationError("Give starts_at and ends_at, or first_date and last_date; not both.")
        return attrs


class AbsenceFilter(django_filters.FilterSet):
    rep = django_filters.CharFilter("rep__user__email", "iexact", label="E-mail of the rep")
    at = django_filters.IsoDateTimeFilter(method="at_instant", label="Away at this instant")

    class Meta:
        model = Absence
        fields: list[str] = []

    def at_instant(self, queryset: QuerySet[Absence], name: str, value: datetime) -> QuerySet[Absence]:
        return queryset.filter(starts_at__lte=value, ends_at__gt=value)


class AbsenceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Absence]):
    """Time off, the next to come last. Deleting cancels one that has not begun; one that has is ended early."""

    serializer_class = AbsenceSerializer
    filterset_class = AbsenceFilter
    queryset = Absence.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Absence]:
        user: User = self.request.user  # type: ignore[assignment]
        kept = keeping.kept_by(user).values("pk")
        return (
            Absence.objects.filter(rep__in=kept).select_related("rep__user", "cover__user").order_by("starts_at", "pk")
        )

    @extend_schema(request=ToldAbsenceSerializer, responses={201: AbsenceSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Tell time off. Overlapping another of the same rep is refused, naming it."""
        data = _told(request)
        user: User = request.user  # type: ignore[assignment]
        rep = _rep(user, data.get("rep"))
        starts_at, ends_at = _span(rep, data, None)
        cover = _cover(data.get("cover"))
        added = absences.add(
            rep.pk,
            starts_at=starts_at,
            ends_at=ends_at,
            why=data.get("why", ""),
            cover=cover,
            now=clock.now(),
            by=user,
        )
        return Response(AbsenceSerializer(added).data, status=201)

    @extend_schema(request=ToldAbsenceSerializer, responses=AbsenceSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Another time, reason or cover; what is left out stays."""
        standing, data = self.get_object(), _told(request)
        if "rep" in data:
            raise Invalid("rep: an absence stays with its rep. Cancel it and tell another.", field="rep")
        starts_at, ends_at = _span(standing.rep, data, standing)
        changed = absences.change(
            standing.pk,
            starts_at=starts_at,
            ends_at=ends_at,
            why=data.get("why", standing.why),
            cover=_cover(data["cover"]) if "cover" in data else standing.cover,
            now=clock.now(),
            by=request.user,  # type: ignore[arg-type]
        )
        return Response(AbsenceSerializer(changed).data)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Cancel one that has not begun."""
        absences.cancel(self.get_object().pk, now=clock.now(), by=request.user)  # type: ignore[arg-type]
        return Response(status=204)

    @extend_schema(request=None, responses=AbsenceSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The rep is back before time."""
        ended = absences.end_early(self.get_object().pk, now=clock.now(), by=request.user)  # type: ignore[arg-type]
        return Response(AbsenceSerializer(ended).data)


def _told(request: Request) -> dict[str, Any]:
    body = ToldAbsenceSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    told: dict[str, Any] = body.validated_data
    return told


def _rep(user: User, email: str | None) -> Rep:
    """The rep who was named, if the caller keeps their time."""
    wanted = user.email if email is None else email.strip().lower()
    rep = keeping.kept_by(user).filter(user__email=wanted).first()
    if rep is None:
        raise Invalid(f"rep: no rep of yours has the address {wanted}. Name one of your members.", field="rep")
    return rep


def _cover(email: str | None) -> Rep | None:
    if not email:
        return None
    cover = Rep.objects.select_related("user").filter(user__email=email.strip().lower()).first()
    if cover is None:
        raise Invalid(f"cover: no rep has the address {email}.", field="cover")
    return cover


def _span(rep: Rep, data: dict[str, Any], standing: Absence | None) -> tuple[datetime, datetime]:
    if "first_date" in data:
        first = data["first_date"]
        return spans.whole_days(first, data.get("last_date", first), spans.zone_of(rep.user.time_zone))
    starts_at = data.get("starts_at", standing.starts_at if standing else None)
    ends_at = data.get("ends_at", standing.ends_at if standing else None)
    if starts_at is None or ends_at is None or "last_date" in data:
        raise Invalid("Give starts_at and ends_at, or first_date with last_date.", field="starts_at")
    return starts_at, ends_at
