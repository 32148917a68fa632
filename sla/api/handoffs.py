"""Hand-offs over the API: lists, and the verdicts as actions."""

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
from leads.models import Lead, User
from sla import handoffs, touches
from sla.api import contests
from sla.api.bodies import (
    ConvertSerializer,
    HandOverSerializer,
    RejectSerializer,
    ReturnSerializer,
    SeenSerializer,
    SplitSerializer,
    TouchActionSerializer,
)
from sla.api.clocks import ClockActions, counted, uncounted
from sla.api.idempotency import idempotent
from sla.api.touches import TouchSerializer
from sla.handoffs import verdicts
from sla.handoffs.moves import NotYours, may_act
from sla.models import Clock, Handoff, Leg, Reason, State
from sla.routing import handing_over


class ClockSerializer(serializers.ModelSerializer[Clock]):
    """One promise: when it is due, and how it ended. `counted` and `uncounted` are the sum of the deadline."""

    counted = serializers.SerializerMethodField()
    uncounted = serializers.SerializerMethodField()

    class Meta:
        model = Clock
        fields = [
            "target",
            "cause",
            "started_at",
            "due_at",
            "next_step_at",
            "breached_at",
            "met_at",
            "voided_at",
            "void_reason",
            "verdict",
            "counted",
            "uncounted",
        ]

    def get_counted(self, row: Clock) -> list[dict[str, Any]] | None:
        """From, to and seconds of each interval that counted; only where one hand-off is asked for."""
        return counted(row) if self.context.get("with_sums") else None

    def get_uncounted(self, row: Clock) -> list[dict[str, Any]] | None:
        """From, to and why of each interval that did not count."""
        return uncounted(row) if self.context.get("with_sums") else None


class HandoffSerializer(serializers.ModelSerializer[Handoff]):
    """One offer of one lead to one rep."""

    lead = serializers.UUIDField(source="episode.lead.public_id", read_only=True)
    lead_email = serializers.CharField(source="episode.lead.email", read_only=True)
    episode = serializers.UUIDField(source="episode.public_id", read_only=True)
    opened_by = serializers.CharField(source="episode.opened_by", read_only=True)
    rep = serializers.CharField(source="user.email", read_only=True)
    team = serializers.CharField(source="team.name", read_only=True)
    reason = serializers.SlugRelatedField[Reason]("code", read_only=True, allow_null=True)
    colleagues = serializers.SerializerMethodField()
    why = serializers.CharField(source="episode.qualification.sentence", read_only=True, default="")
    clocks = ClockSerializer(many=True, read_only=True)

    class Meta:
        model = Handoff
        fields = [
            "public_id",
            "lead",
            "lead_email",
            "colleagues",
            "episode",
            "opened_by",
            "rep",
            "team",
            "leg",
            "hop",
            "state",
            "version",
            "tier",
            "lane",
            "why",
            "offered_at",
            "accepted_at",
            "first_touched_at",
            "closed_at",
            "reason",
            "evidence",
            "note",
            "named_date",
            "clocks",
        ]

    def get_colleagues(self, row: Handoff) -> list[str]:
        """Ids of the leads of the same company that joined the matter and are still in it."""
        members = [member for member in row.episode.members.all() if member.left_at is None]
        return [str(member.lead.public_id) for member in members if member.lead_id != row.episode.lead_id]


class HandoffFilter(django_filters.FilterSet):
    lead = OfLead("episode__lead")
    lead_email = django_filters.CharFilter(method="by_email", label="E-mail of the lead, present or former")
    rep = django_filters.CharFilter("user__email", "iexact", label="E-mail of the rep")
    state = django_filters.MultipleChoiceFilter(choices=State.choices)
    leg = django_filters.ChoiceFilter(choices=Leg.choices)

    class Meta:
        model = Handoff
        fields: list[str] = []

    def by_email(self, queryset: QuerySet[Handoff], name: str, value: str) -> QuerySet[Handoff]:
        leads = Lead.objects.filter(identities__kind="email", identities__value=value.strip().lower())
        return queryset.filter(episode__lead__in=leads)


def _colleague(email: str) -> User:
    found = User.objects.filter(email__iexact=email, is_active=True).first()
    if found is None:
        raise Invalid("There is no such colleague.", field="to")
    return found


class HandoffViewSet(ClockActions, viewsets.ReadOnlyModelViewSet[Handoff]):
    """Hand-offs of the leads that the user may read. Verdicts are the rep's, or their manager's on their behalf."""

    serializer_class = HandoffSerializer
    filterset_class = HandoffFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    queryset = Handoff.objects.none()

    def get_queryset(self) -> QuerySet[Handoff]:
        user: User = self.request.user  # type: ignore[assignment]
        related = ("episode__lead", "episode__qualification", "user", "team", "reason")
        return (
            Handoff.objects.visible_to(user)
            .select_related(*related)
            .prefetch_related("clocks", "episode__members__lead")
        )

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "with_sums": self.action != "list"}

    @extend_schema(request=SeenSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def accept(self, request: Request, public_id: UUID) -> Response:
        """Take the lead on."""
        handoff, data = self._asked(request, SeenSerializer)
        verdicts.accept(handoff.pk, **self._actors(handoff), now=clock.now(), seen_version=data["version"])
        return self._present()

    @extend_schema(request=RejectSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def reject(self, request: Request, public_id: UUID) -> Response:
        """Say no before accepting: the lead did not meet the definition."""
        handoff, data = self._asked(request, RejectSerializer)
        verdicts.reject(
            handoff.pk,
            reason=data["reason"],
            evidence=data["evidence"],
            note=data["note"],
            named_date=data["named_date"],
            **self._actors(handoff),
            now=clock.now(),
            seen_version=data["version"],
        )
        return self._present()

    @extend_schema(request=ReturnSerializer)
    @action(detail=True, methods=["post"], url_path="return")
    @idempotent
    def return_lead(self, request: Request, public_id: UUID) -> Response:
        """Give an accepted lead back: what the conversation showed."""
        handoff, data = self._asked(request, ReturnSerializer)
        verdicts.return_(
            handoff.pk,
            reason=data["reason"],
            evidence=data["evidence"],
            note=data["note"],
            named_date=data["named_date"],
            **self._actors(handoff),
            now=clock.now(),
            seen_version=data["version"],
        )
        return self._present()

    @extend_schema(request=ConvertSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def convert(self, request: Request, public_id: UUID) -> Response:
        """Sales-qualified: the conversation found a deal to work on. A next owner gets a closing leg to accept."""
        handoff, data = self._asked(request, ConvertSerializer)
        to = _colleague(data["to"]) if data["to"] else None
        verdicts.convert(
            handoff.pk,
            bant=data["bant"],
            note=data["note"],
            to=to,
            **self._actors(handoff),
            now=clock.now(),
            seen_version=data["version"],
        )
        return self._present()

    @extend_schema(request=HandOverSerializer)
    @action(detail=True, methods=["post"], url_path="hand-over")
    @idempotent
    def hand_over(self, request: Request, public_id: UUID) -> Response:
        """Give it to a colleague of the rep's teams; answers with this hand-off, which has moved."""
        handoff, data = self._asked(request, HandOverSerializer)
        to = _colleague(data["to"])
        by: User = request.user  # type: ignore[assignment]
        handing_over.hand_over(handoff.pk, to=to, why=data["why"], by=by, now=clock.now(), seen_version=data["version"])
        return self._present()

    @extend_schema(request=SplitSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def split(self, request: Request, public_id: UUID) -> Response:
        """Give somebody who joined this matter one of their own; answers with the matter they leave."""
        handoff, data = self._asked(request, SplitSerializer)
        lead = Lead.objects.visible_to(request.user).filter(public_id=data["lead"]).first()  # type: ignore[arg-type]
        handoffs.split(
            handoff.pk,
            lead.pk if lead is not None else 0,
            anew=data["anew"],
            **self._actors(handoff),
            now=clock.now(),
            seen_version=data["version"],
        )
        return self._present()

    @extend_schema(request=TouchActionSerializer, responses={201: TouchSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def touch(self, request: Request, public_id: UUID) -> Response:
        """Record that the rep reached out; it accepts what was only offered."""
        handoff, data = self._asked(request, TouchActionSerializer)
        now = clock.now()
        made = touches.record(
            handoff.episode.lead_id,
            means=data["means"],
            outcome=data["outcome"],
            direction=data["direction"],
            occurred_at=data["occurred_at"] or now,
            performed_by=handoff.user,
            recorded_by=request.user,  # type: ignore[arg-type]
            note=data["note"],
            meeting_at=data["meeting_at"],
            now=now,
        )
        return Response(TouchSerializer(made).data, status=201)

    @extend_schema(request=contests.ContestedSerializer, responses={201: contests.ContestSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def contest(self, request: Request, public_id: UUID) -> Response:
        """Marketing holds this rejection to be wrong: once, and a manager of the rep's team decides."""
        return contests.contest(request, self.get_object())

    def _asked(self, request: Request, serializer: type[serializers.Serializer[Any]]) -> tuple[Handoff, dict[str, Any]]:
        """The hand-off, if it is the caller's to decide, and the checked body."""
        handoff = self.get_object()
        if not may_act(handoff, request.user):  # type: ignore[arg-type]
            raise NotYours("There is no such hand-off, or it isn't yours to decide.")
        body = serializer(data=request.data)
        body.is_valid(raise_exception=True)
        return handoff, body.validated_data

    def _actors(self, handoff: Handoff) -> dict[str, User]:
        return {"by": self.request.user, "performed_by": handoff.user}  # type: ignore[dict-item]

    def _present(self) -> Response:
        return Response(self.get_serializer(self.get_object()).data)
