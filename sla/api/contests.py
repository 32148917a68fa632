"""Contested rejections over the API: who contested what, and the manager's decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from leads import clock
from leads.api.filters import OfLead
from leads.errors import Invalid
from leads.models import User
from sla import contests
from sla.api.idempotency import idempotent
from sla.models import Contest, Handoff


class ContestSerializer(serializers.ModelSerializer[Contest]):
    """One contest: the rejection, what was said against it, and what was decided."""

    handoff = serializers.UUIDField(source="handoff.public_id", read_only=True)
    lead = serializers.UUIDField(source="handoff.episode.lead.public_id", read_only=True)
    rep = serializers.CharField(source="handoff.user.email", read_only=True)
    team = serializers.CharField(source="handoff.team.name", read_only=True)
    reason = serializers.CharField(source="handoff.reason.code", read_only=True)
    evidence = serializers.CharField(source="handoff.evidence", read_only=True)
    note = serializers.CharField(source="handoff.note", read_only=True)
    rejected_at = serializers.DateTimeField(source="handoff.closed_at", read_only=True)
    by = serializers.CharField(source="by.email", read_only=True)
    decided_by = serializers.CharField(source="decided_by.email", read_only=True, allow_null=True, default=None)
    offer = serializers.UUIDField(source="hop.public_id", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Contest
        fields = [
            *("public_id", "handoff", "lead", "rep", "team", "reason", "evidence", "note", "rejected_at"),
            *("words", "by", "at", "decision", "why", "decided_by", "decided_at", "became", "offer"),
        ]


class ContestFilter(django_filters.FilterSet):
    decision = django_filters.ChoiceFilter(
        choices=[("open", "Not decided"), *Contest.Decision.choices], method="stands"
    )
    lead = OfLead("handoff__episode__lead")
    handoff = django_filters.UUIDFilter("handoff__public_id")
    rep = django_filters.CharFilter("handoff__user__email", "iexact", label="E-mail of the rep who rejected it")
    reason = django_filters.CharFilter("handoff__reason__code", label="Code of the reason")
    by = django_filters.CharFilter("by__email", "iexact", label="E-mail of who contested it")
    since = django_filters.IsoDateTimeFilter("at", "gte", label="Contested then or later")

    class Meta:
        model = Contest
        fields: list[str] = []

    def stands(self, queryset: QuerySet[Contest], name: str, value: str) -> QuerySet[Contest]:
        return queryset.filter(decision="" if value == "open" else value)


class ContestedSerializer(serializers.Serializer[Any]):
    """Why the rejection was wrong."""

    words = serializers.CharField(max_length=2000)


class DecidedSerializer(serializers.Serializer[Any]):
    """Why it is decided so."""

    why = serializers.CharField(max_length=2000)


class OverturnedSerializer(DecidedSerializer):
    """Why it is overturned, and to whom the lead goes."""

    to = serializers.EmailField(
        required=False,
        allow_null=True,
        default=None,
        help_text="E-mail of a rep, also who rejected it; by default the rules.",
    )


class ContestViewSet(viewsets.ReadOnlyModelViewSet[Contest]):
    """Contests of the leads that the user may read. Marketing contests; a manager of the rep's team decides, once."""

    serializer_class = ContestSerializer
    filterset_class = ContestFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    queryset = Contest.objects.none()

    def get_queryset(self) -> QuerySet[Contest]:
        user: User = self.request.user  # type: ignore[assignment]
        return Contest.objects.visible_to(user).with_all().order_by("-at", "-pk")

    @extend_schema(request=DecidedSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def uphold(self, request: Request, public_id: UUID) -> Response:
        """The rejection stands, for good."""
        data = _checked(request, DecidedSerializer)
        contests.uphold(self.get_object().pk, why=data["why"], by=_by(request), now=clock.now())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=OverturnedSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def overturn(self, request: Request, public_id: UUID) -> Response:
        """The rejection no longer counts, and the lead is offered again where it can be."""
        data = _checked(request, OverturnedSerializer)
        to = _rep(data["to"]) if data["to"] is not None else None
        contests.overturn(self.get_object().pk, why=data["why"], to=to, by=_by(request), now=clock.now())
        return Response(self.get_serializer(self.get_object()).data)


def contest(request: Request, handoff: Handoff) -> Response:
    """Contest this rejection; answers with the contest."""
    words = _checked(request, ContestedSerializer)["words"]
    made = contests.contest(handoff.pk, words=words, by=_by(request), now=clock.now())
    return Response(ContestSerializer(Contest.objects.with_all().get(pk=made.pk)).data, status=201)


def _checked(request: Request, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    data: dict[str, Any] = body.validated_data
    return data


def _by(request: Request) -> User:
    return request.user  # type: ignore[return-value]


def _rep(email: str) -> User:
    found = User.objects.filter(email__iexact=email, is_active=True).first()
    if found is None:
        raise Invalid("There is no such rep.", field="to")
    return found
