"""Promises over the API: each with its sum, for anyone who wants to check us; pauses and extensions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from leads import clock
from leads.api.fields import OneOf
from leads.models import User
from sla import clocks
from sla.api.idempotency import idempotent
from sla.clocks import pausing
from sla.handoffs.moves import NotYours, may_act
from sla.models import CalendarVersion, Clock, ClockPause, ClockTiming, Handoff, Target


class PauseSerializer(serializers.ModelSerializer[ClockPause]):
    """One agreed pause."""

    by = serializers.CharField(source="by.email", read_only=True)

    class Meta:
        model = ClockPause
        fields = ["from_at", "until_at", "ended_at", "reason", "by"]


class TimingSerializer(serializers.ModelSerializer[ClockTiming]):
    """All that a deadline was counted from; the last timing counts."""

    policy = serializers.CharField(source="policy_version.policy.name", read_only=True)
    policy_version = serializers.IntegerField(source="policy_version.number", read_only=True)
    calendars = serializers.SerializerMethodField()
    by = serializers.CharField(source="by.email", read_only=True, default=None)

    class Meta:
        model = ClockTiming
        fields = [
            "number",
            "why",
            "told",
            "start_at",
            "budget_seconds",
            "business_days",
            "calendars",
            "policy",
            "policy_version",
            "target_amount_of",
            "due_at",
            "at",
            "by",
        ]

    def get_calendars(self, row: ClockTiming) -> list[dict[str, Any]]:
        """The calendar versions in all of which time must be open; none is round the clock."""
        versions = CalendarVersion.objects.filter(pk__in=row.calendar_versions).select_related("calendar")
        return [{"id": str(v.calendar.public_id), "name": v.calendar.name, "version": v.number} for v in versions]


def counted(row: Clock) -> list[dict[str, Any]]:
    """The intervals that counted towards this deadline."""
    return [{"from": i.from_at, "to": i.until_at, "seconds": i.seconds} for i in clocks.explain(row).counted]


def uncounted(row: Clock) -> list[dict[str, Any]]:
    """What lay between them, and why it did not count."""
    return [{"from": i.from_at, "to": i.until_at, "why": i.why} for i in clocks.explain(row).uncounted]


class ClockDetailSerializer(serializers.ModelSerializer[Clock]):
    """One promise with its sum: what was counted and what was not, gapless from start to due."""

    timings = TimingSerializer(many=True, read_only=True)
    pauses = PauseSerializer(many=True, read_only=True)
    extended = serializers.SerializerMethodField()
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
            "timings",
            "pauses",
            "extended",
            "counted",
            "uncounted",
        ]

    def get_extended(self, row: Clock) -> dict[str, Any] | None:
        """By how much a manager extended it, and why."""
        made = getattr(row, "extension", None)
        if made is None:
            return None
        return {"seconds": made.seconds, "reason": made.reason, "by": made.by.email, "at": made.at}

    def get_counted(self, row: Clock) -> list[dict[str, Any]]:
        """From, to and seconds of each interval that counted."""
        return counted(row)

    def get_uncounted(self, row: Clock) -> list[dict[str, Any]]:
        """From, to and why of each interval that did not count."""
        return uncounted(row)


class TargetSerializer(serializers.Serializer[Any]):
    """Which promise of the hand-off."""

    target = OneOf(Target.choices)


class NewPauseSerializer(TargetSerializer):
    until = serializers.DateTimeField(help_text="The end of the pause.")
    reason = serializers.CharField(max_length=200)


class ExtendSerializer(TargetSerializer):
    seconds = serializers.IntegerField(help_text="Of working time, in the hours of the promise.")
    reason = serializers.CharField(max_length=200)


class ClockActions:
    """What may be asked of, and agreed upon for, the promises of one hand-off. Mixed into the hand-offs' view set."""

    @extend_schema(responses=ClockDetailSerializer(many=True))
    @action(detail=True, methods=["get"], url_path="clocks", pagination_class=None, filterset_class=None)
    def clocks(self, request: Request, public_id: UUID) -> Response:
        """The promises of a hand-off and of its episode, each with timings, pauses and sum."""
        return Response(ClockDetailSerializer(_clocks_of(self._handoff()), many=True).data)

    @extend_schema(request=NewPauseSerializer, responses=ClockDetailSerializer(many=True))
    @action(detail=True, methods=["post"], pagination_class=None, filterset_class=None)
    @idempotent
    def pause(self, request: Request, public_id: UUID) -> Response:
        """Let depth or qualify stand still until a moment."""
        promise, data, by = self._promise(request, NewPauseSerializer)
        pausing.pause(promise.pk, until_at=data["until"], reason=data["reason"], by=by, now=clock.now())
        return self._clocks_now()

    @extend_schema(request=TargetSerializer, responses=ClockDetailSerializer(many=True))
    @action(detail=True, methods=["post"], pagination_class=None, filterset_class=None)
    @idempotent
    def resume(self, request: Request, public_id: UUID) -> Response:
        """End a pause before its time."""
        promise, _, by = self._promise(request, TargetSerializer)
        pausing.end_pause(promise.pk, by=by, now=clock.now())
        return self._clocks_now()

    @extend_schema(request=ExtendSerializer, responses=ClockDetailSerializer(many=True))
    @action(detail=True, methods=["post"], pagination_class=None, filterset_class=None)
    @idempotent
    def extend(self, request: Request, public_id: UUID) -> Response:
        """Give one promise more working time, once, as a manager."""
        promise, data, by = self._promise(request, ExtendSerializer)
        pausing.extend(promise.pk, seconds=data["seconds"], reason=data["reason"], by=by, now=clock.now())
        return self._clocks_now()

    def _handoff(self) -> Handoff:
        return self.get_object()  # type: ignore[attr-defined,no-any-return]

    def _promise(
        self, request: Request, serializer: type[serializers.Serializer[Any]]
    ) -> tuple[Clock, dict[str, Any], User]:
        """The promise that runs, or the last that did, if the hand-off is the caller's; and the checked body."""
        handoff, by = self._handoff(), request.user
        if not may_act(handoff, by):  # type: ignore[arg-type]
            raise NotYours("There is no such hand-off, or it isn't yours to decide.")
        body = serializer(data=request.data)
        body.is_valid(raise_exception=True)
        found = _clocks_of(handoff).filter(target=body.validated_data["target"]).order_by("verdict", "-pk").first()
        if found is None:
            raise NotYours("This hand-off has no such promise.")
        return found, body.validated_data, by  # type: ignore[return-value]

    def _clocks_now(self) -> Response:
        return Response(ClockDetailSerializer(_clocks_of(self._handoff()), many=True).data)


def _clocks_of(handoff: Handoff) -> Any:
    """Those of the hand-off, and the episode's to find somebody."""
    own = Clock.objects.filter(handoff=handoff) | Clock.objects.filter(episode=handoff.episode_id, handoff=None)
    related = ("timings__policy_version__policy", "timings__by", "pauses__by")
    return own.select_related("extension__by").prefetch_related(*related).order_by("started_at", "pk")
