"""Dead letters over the API: what was given up, why, and sent again under the same id."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from leads import clock, outbox
from leads.api.filters import OfLead
from leads.api.roles import RunsBaton
from leads.errors import Invalid
from leads.models import DeliveryStep, Notification, User

AT_ONCE = 500
DEAD = Notification.State.DEAD
REPLAYED = inline_serializer(
    "ReplayedSerializer", {"queued": serializers.IntegerField(help_text="How many were queued again.")}
)


class DeliveryStepSerializer(serializers.ModelSerializer[DeliveryStep]):
    """One thing that became of it."""

    by = serializers.CharField(source="by.email", read_only=True, default=None)

    class Meta:
        model = DeliveryStep
        fields = ["at", "what", "attempt", "status", "said", "by"]


class DeadLetterSerializer(serializers.ModelSerializer[Notification]):
    """One message that was given up; its words stay in the outbox, for a mail's links answer for its recipient."""

    recipient = serializers.CharField(source="to_address", read_only=True, help_text="Empty for an endpoint.")
    endpoint = serializers.UUIDField(source="endpoint.public_id", read_only=True, default=None)
    endpoint_name = serializers.CharField(source="endpoint.name", read_only=True, default=None)
    lead = serializers.UUIDField(source="lead.public_id", read_only=True, default=None)
    given_up_at = serializers.DateTimeField(source="settled_at", read_only=True)

    class Meta:
        model = Notification
        fields = [
            "public_id",
            "kind",
            "topic",
            "recipient",
            "endpoint",
            "endpoint_name",
            "lead",
            "subject",
            "created_at",
            "attempts",
            "last_error",
            "given_up_at",
        ]
        read_only_fields = fields


class DeadLetterWithSteps(DeadLetterSerializer):
    """The same with what became of it, attempt by attempt."""

    steps = DeliveryStepSerializer(many=True, read_only=True)

    class Meta(DeadLetterSerializer.Meta):
        fields = [*DeadLetterSerializer.Meta.fields, "steps"]


class DeadLetterFilter(django_filters.FilterSet):
    """By where it was to go, of what kind it is, about whom, and when it was given up."""

    endpoint = django_filters.UUIDFilter("endpoint__public_id", label="Id of the endpoint")
    recipient = django_filters.CharFilter("to_address", "iexact", label="E-mail of the person")
    kind = django_filters.CharFilter("kind", label="new lead, breach, clock.breached …")
    lead = OfLead("lead", label="Id of the lead")
    given_up_after = django_filters.IsoDateTimeFilter("settled_at", "gte")
    given_up_before = django_filters.IsoDateTimeFilter("settled_at", "lt")

    class Meta:
        model = Notification
        fields: list[str] = []


class ReplaySerializer(serializers.Serializer[Any]):
    """Which ones."""

    ids = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=AT_ONCE, help_text=f"At most {AT_ONCE}."
    )


class DeadLetterViewSet(viewsets.ReadOnlyModelViewSet[Notification]):
    """What was given up, newest first. For RevOps and admins."""

    permission_classes = [*viewsets.ReadOnlyModelViewSet.permission_classes, RunsBaton]
    filterset_class = DeadLetterFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    queryset = Notification.objects.filter(state=DEAD).select_related("endpoint", "lead")

    def get_serializer_class(self) -> type[DeadLetterSerializer]:
        return DeadLetterWithSteps if self.action == "retrieve" else DeadLetterSerializer

    def get_queryset(self) -> QuerySet[Notification]:
        rows = super().get_queryset()
        return rows.prefetch_related("steps__by") if self.action == "retrieve" else rows

    @extend_schema(operation_id="dead_letters_replay", request=None, responses=REPLAYED)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Try this one again, as if it were new and under the same id."""
        return _again(request, [self.get_object().pk])

    @extend_schema(operation_id="dead_letters_replay_many", request=ReplaySerializer, responses=REPLAYED)
    @action(detail=False, methods=["post"], url_path="replay", url_name="replay-many", filterset_class=None)
    def replay_many(self, request: Request) -> Response:
        """Try these again: all of them, or none where one is not among the dead letters."""
        body = ReplaySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = set(body.validated_data["ids"])
        found = dict(self.get_queryset().filter(public_id__in=wanted).values_list("public_id", "pk"))
        missing = sorted(str(each) for each in wanted - found.keys())
        if missing:
            raise Invalid(f"ids: {missing[0]} is no dead letter; leave it out.", field="ids", missing=missing)
        return _again(request, list(found.values()))


def _again(request: Request, ids: list[int]) -> Response:
    user: User = request.user  # type: ignore[assignment]
    return Response({"queued": outbox.requeue(ids, now=clock.now(), by=user)})
