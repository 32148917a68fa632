"""Scores and definitions, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.generics import ListAPIView

from leads.models import Lead, User
from scoring.models import Criterion, Definition, DefinitionVersion, Score


@extend_schema_field(OpenApiTypes.NUMBER)
class PointsField(serializers.IntegerField):
    """Points as people write them (25, -0.5); stored as whole thousandths."""

    def to_representation(self, value: Any) -> Any:
        return int(value) / 1000


class ScoreSerializer(serializers.ModelSerializer[Score]):
    """How good the lead is by one definition, and what each criterion gives."""

    definition = serializers.SlugRelatedField[Definition]("public_id", read_only=True)
    definition_name = serializers.CharField(source="definition.name", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    fit = PointsField(read_only=True)
    engagement = PointsField(read_only=True)
    engagement_ever = PointsField(read_only=True)
    total = PointsField(read_only=True)
    shares = serializers.SerializerMethodField()

    class Meta:
        model = Score
        fields = [
            "definition",
            "definition_name",
            "version",
            "as_of",
            "fit",
            "engagement",
            "engagement_ever",
            "total",
            "tier",
            "shares",
            "meets",
            "hand_raised",
            "is_cooled",
            "disqualified_by",
            "missing",
            "reassess_at",
        ]

    def get_shares(self, score: Score) -> dict[str, float]:
        return {key: points / 1000 for key, points in score.shares.items()}


@extend_schema_view(get=extend_schema(operation_id="leads_scores_list"))
class ScoresOfLead(ListAPIView[Score]):
    """The scores of one lead, a definition each."""

    serializer_class = ScoreSerializer
    pagination_class = None
    filter_backends: list[Any] = []  # noqa: RUF012
    queryset = Score.objects.none()

    def get_queryset(self) -> QuerySet[Score]:
        user: User = self.request.user  # type: ignore[assignment]
        public_id: UUID = self.kwargs["public_id"]
        lead = get_object_or_404(Lead.objects.live().visible_to(user).known_as(public_id))
        return lead.scores.select_related("definition", "version").order_by("definition__position", "definition_id")


class CriterionSerializer(serializers.ModelSerializer[Criterion]):
    points = PointsField(read_only=True)

    class Meta:
        model = Criterion
        fields = [
            "key",
            "label",
            "axis",
            "group",
            "points",
            "cap",
            "is_required",
            "disqualifies",
            "is_hand_raise",
            "hand_raise_fit_min",
            "condition",
            "activities",
            "measure",
            "measured_property",
            "at_least",
            "at_most",
            "within",
            "not_since",
            "mode",
            "decay",
            "half_life",
        ]
        read_only_fields = fields


class VersionSerializer(serializers.ModelSerializer[DefinitionVersion]):
    criteria = CriterionSerializer(many=True, read_only=True)
    fit_min = PointsField(read_only=True)
    engagement_min = PointsField(read_only=True)
    total_min = PointsField(read_only=True)

    class Meta:
        model = DefinitionVersion
        fields = ["number", "note", "published_at", "fit_min", "engagement_min", "total_min", "tier_by", "criteria"]


class DefinitionSerializer(serializers.ModelSerializer[Definition]):
    """A definition with the version in force, or none."""

    in_force = serializers.SerializerMethodField()

    class Meta:
        model = Definition
        fields = ["public_id", "name", "kind", "in_force"]

    @extend_schema_field(VersionSerializer(allow_null=True))
    def get_in_force(self, definition: Definition) -> dict[str, Any] | None:
        published = list(definition.versions.all())
        return VersionSerializer(published[0]).data if published else None


class DefinitionViewSet(viewsets.ReadOnlyModelViewSet[Definition]):
    """What makes a qualified lead: every definition with the version in force."""

    serializer_class = DefinitionSerializer
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    filterset_fields = ["kind"]
    published = DefinitionVersion.objects.filter(state="published").prefetch_related("criteria")
    queryset = Definition.objects.prefetch_related(Prefetch("versions", queryset=published))
