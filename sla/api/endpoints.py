"""Endpoints over the API: which addresses outside are told of which events."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from leads import clock, endpoints
from leads.api.fields import OneOf, SomeOf
from leads.api.filters import YesNo
from leads.api.roles import RunsBaton
from leads.models import Endpoint, Team, User
from sla.telling.events import EVENTS

SECRET = serializers.CharField(
    read_only=True, help_text="Signs what is sent; shown this once. Empty for a chat, whose secret is its address."
)


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    """One endpoint, and how it fares."""

    url = serializers.CharField(source="shown_url", read_only=True, help_text="Its host and its last letters.")
    team = serializers.CharField(source="team.name", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Endpoint
        fields = [
            "public_id",
            "name",
            "kind",
            "url",
            "events",
            "team",
            "is_active",
            "created_at",
            "disabled_at",
            "disabled_why",
            "failures",
            "failing_since",
            "held_until",
            "last_error",
        ]
        read_only_fields = fields


class MadeEndpointSerializer(EndpointSerializer):
    """The same with its secret, right after it was made."""

    secret = SECRET

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "secret"]


class WantedEndpointSerializer(serializers.Serializer[Any]):
    """What it is told, and where."""

    name = serializers.CharField(max_length=endpoints.LONGEST_NAME)
    url = serializers.CharField(max_length=2000, help_text="A public https address; never shown whole again.")
    events = SomeOf([(each, each) for each in EVENTS], allow_empty=False)
    team = serializers.SlugRelatedField[Team](
        "name", queryset=Team.objects.all(), allow_null=True, required=False, help_text="By name; none is every team."
    )


class NewEndpointSerializer(WantedEndpointSerializer):
    """One to be added."""

    kind = OneOf(Endpoint.Kind.choices, default=Endpoint.Kind.STANDARD)


class ChangedEndpointSerializer(WantedEndpointSerializer):
    """What is left out stays; its kind stays always."""

    is_active = serializers.BooleanField(required=False, help_text="False switches it off; what waits is given up.")


class EndpointFilter(django_filters.FilterSet):
    kind = django_filters.MultipleChoiceFilter(choices=Endpoint.Kind.choices)
    is_active = YesNo()
    team = django_filters.CharFilter("team__name", label="Name of the team")

    class Meta:
        model = Endpoint
        fields: list[str] = []


class EndpointViewSet(viewsets.ReadOnlyModelViewSet[Endpoint]):
    """Who outside is told what, newest first. For RevOps and admins."""

    permission_classes = [*viewsets.ReadOnlyModelViewSet.permission_classes, RunsBaton]
    serializer_class = EndpointSerializer
    filterset_class = EndpointFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    queryset = Endpoint.objects.select_related("team")

    @extend_schema(request=NewEndpointSerializer, responses={201: MadeEndpointSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add one. Its signing secret is in this answer and in no other."""
        body = NewEndpointSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made, secret = endpoints.add(**body.validated_data, by=_person(request), now=clock.now())
        return Response(EndpointSerializer(made).data | {"secret": secret}, status=201)

    @extend_schema(request=ChangedEndpointSerializer, responses=EndpointSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change it, or switch it off (`is_active`) or on again; one that is on then starts afresh."""
        body = ChangedEndpointSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        wanted = cast(endpoints.Wanted, body.validated_data)
        changed = endpoints.change(self.get_object().pk, **wanted, by=_person(request), now=clock.now())
        return Response(EndpointSerializer(changed).data)

    @extend_schema(request=None, responses=inline_serializer("EndpointSecretSerializer", {"secret": SECRET}))
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make another secret; the former one signs beside it for a day."""
        return Response({"secret": endpoints.renew_secret(self.get_object(), by=_person(request), now=clock.now())})


def _person(request: Request) -> User:
    return cast(User, request.user)
