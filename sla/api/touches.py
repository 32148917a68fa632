"""Touches over the API: by hand, or brought by a dialler or sequencer."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from leads import clock
from leads.api.fields import OneOf
from leads.api.filters import OfLead
from leads.errors import Invalid
from leads.models import ExternalId, Identity, Lead, User
from sla import last_minute, touches
from sla.models import Touch
from sla.querysets import managed_teams


class TouchSerializer(serializers.ModelSerializer[Touch]):
    """One time that somebody of ours reached out."""

    lead = serializers.SlugRelatedField[Lead]("public_id", read_only=True)
    handoff = serializers.SlugRelatedField[Any]("public_id", read_only=True, allow_null=True)
    performed_by = serializers.CharField(source="performed_by.email", read_only=True)

    class Meta:
        model = Touch
        fields = [
            "public_id",
            "lead",
            "handoff",
            "means",
            "direction",
            "outcome",
            "performed_by",
            "occurred_at",
            "recorded_at",
            "counts_at",
            "logged_later",
            "automated",
            "by_machine",
            "external_id",
            "note",
            "meeting_at",
        ]


class NewTouchSerializer(serializers.Serializer[Any]):
    """What is known of the touch. The lead by its public id, e-mail, or external id as `system:value`.

    A touch told again under its `external_id` is answered as the first time, and changes nothing; another touch under
    the same id is refused with 409.
    """

    lead = serializers.UUIDField(required=False)
    lead_email = serializers.EmailField(required=False)
    lead_external_id = serializers.CharField(
        required=False, help_text="The user id by which your product knows the person, as `identify` told it."
    )
    performed_by = serializers.EmailField(required=False, help_text="The rep's e-mail; by default the caller.")
    means = OneOf(Touch.Means.choices)
    direction = OneOf(Touch.Direction.choices, default=Touch.Direction.OUTBOUND)
    outcome = OneOf(Touch.Outcome.choices)
    occurred_at = serializers.DateTimeField(required=False)
    automated = serializers.BooleanField(default=False)
    external_id = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)
    meeting_at = serializers.DateTimeField(
        required=False, help_text="With the outcome booked: when the meeting is. It becomes the lead's next step."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in ("lead", "lead_email", "lead_external_id")) != 1:
            raise serializers.ValidationError("Name the lead by one of lead, lead_email and lead_external_id.")
        return attrs


class LastMinuteSerializer(serializers.Serializer[Any]):
    """One promise that was met in its last minute, and after which nobody reached out again."""

    lead = serializers.UUIDField(source="lead.public_id")
    rep = serializers.CharField(source="clock.handoff.user.email")
    target = serializers.CharField(source="clock.target")
    due_at = serializers.DateTimeField(source="clock.due_at")
    met_at = serializers.DateTimeField(source="clock.met_at")
    seconds_before = serializers.FloatField()
    means = serializers.CharField(source="touch.means")
    outcome = serializers.CharField(source="touch.outcome")
    state = serializers.CharField(source="clock.handoff.state", help_text="What has become of the hand-off since.")


class TouchFilter(django_filters.FilterSet):
    lead = OfLead("lead")
    lead_email = django_filters.CharFilter(method="by_email", label="E-mail of the lead, present or former")
    performed_by = django_filters.CharFilter("performed_by__email", "iexact")

    class Meta:
        model = Touch
        fields: list[str] = []

    def by_email(self, queryset: QuerySet[Touch], name: str, value: str) -> QuerySet[Touch]:
        return queryset.filter(lead__identities__kind="email", lead__identities__value=value.strip().lower())


class TouchViewSet(mixins.ListModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet[Touch]):
    """Touches of the leads that the user may read; a repeated `external_id` of the same caller is taken in once."""

    serializer_class = TouchSerializer
    filterset_class = TouchFilter
    queryset = Touch.objects.none()

    def get_queryset(self) -> QuerySet[Touch]:
        user: User = self.request.user  # type: ignore[assignment]
        readable = Lead.objects.live().visible_to(user)
        return Touch.objects.filter(lead__in=readable).select_related("lead", "handoff", "performed_by")

    @extend_schema(request=NewTouchSerializer, responses={201: TouchSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Record a touch; it meets the promise if a person made it."""
        body = NewTouchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        user: User = request.user  # type: ignore[assignment]
        now, told = clock.now(), touches.taken_in_before(user, data["external_id"])
        made = touches.record(
            _lead(user, data, told).pk,
            means=data["means"],
            outcome=data["outcome"],
            direction=data["direction"],
            performed_by=_performer(user, data.get("performed_by"), told),
            recorded_by=user,
            occurred_at=data.get("occurred_at"),
            automated=data["automated"],
            by_machine=request.auth is not None,
            external_id=data["external_id"],
            note=data["note"],
            meeting_at=data.get("meeting_at"),
            now=now,
        )
        return Response(TouchSerializer(made).data, status=201)

    @extend_schema(responses=LastMinuteSerializer(many=True))
    @action(detail=False, methods=["get"], url_path="last-minute", pagination_class=None, filterset_class=None)
    def last_minute(self, request: Request) -> Response:
        """Touches that met a promise in its last minute, with no second one after: for managers, of 30 days."""
        user: User = request.user  # type: ignore[assignment]
        teams = managed_teams(user)
        if not teams.exists():
            raise touches.NotTheirs("There is no team of yours to report on.")
        found = last_minute.of_teams(teams, since=clock.now() - last_minute.LOOKS_BACK)
        return Response(LastMinuteSerializer(found, many=True).data)


def _lead(user: User, data: dict[str, Any], told: Touch | None) -> Lead:
    """The lead that was named, if the caller may read it or has told of this very touch before."""
    found = Lead.objects.live()
    if "lead" in data:
        found = found.known_as(data["lead"])
    elif "lead_email" in data:
        bound = Identity.objects.filter(kind="email", value=data["lead_email"].strip().lower())
        found = found.filter(pk__in=bound.values("lead"))
    else:
        given = data["lead_external_id"]
        system, _, value = given.partition(":")
        bound = Identity.objects.filter(kind="user_id", value=given)
        of_system = ExternalId.objects.filter(system=system, value=value)
        found = found.filter(pk__in=bound.values("lead").union(of_system.values("lead"), all=True))
    lead = (found.filter(pk=told.lead_id) if told is not None else found.visible_to(user)).first()
    if lead is None and told is not None:
        raise touches.TouchConflict(touches.USED, field="external_id", touch=str(told.public_id))
    if lead is None:
        raise Invalid("No lead of yours is known by that. Check the address or id.")
    return lead


def _performer(user: User, email: str | None, told: Touch | None) -> User:
    if email is None:
        return user
    if told is not None and told.performed_by.email == email.strip().lower():
        return told.performed_by
    found = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if found is None:
        raise Invalid(f"performed_by: nobody here has the address {email}.")
    return found
