"""The manager's numbers over the API: as the page has them, with its filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads import clock
from leads.models import User
from scoring.models import Tier
from sla.attainment import counting, reporting
from sla.attainment.counting import Counted
from sla.attainment.pictures import shares
from sla.models import Target
from sla.views.looking import Look

FILTERS = [
    OpenApiParameter("week", str, description="A date of the week, such as 2026-03-10; without it, this week."),
    OpenApiParameter("target", str, enum=Target.values, description="Which promise `by` is of; first_touch without."),
    OpenApiParameter("team", int, description="A team's id."),
    OpenApiParameter("rep", str, description="A person's public id."),
    OpenApiParameter("tier", str, enum=Tier.values),
    OpenApiParameter("source", str, description="Where the lead came from first; (none) where nobody knows."),
    OpenApiParameter("definition", str, description="A definition's public id."),
]


class CountedSerializer(serializers.Serializer[Any]):
    """Promises: met and missed fell due; early and running did not yet; out ended before they were due."""

    met = serializers.IntegerField()
    missed = serializers.IntegerField()
    early = serializers.IntegerField()
    running = serializers.IntegerField()
    out = serializers.IntegerField()
    percent = serializers.IntegerField(allow_null=True, help_text="met ÷ (met + missed), rounded down.")


class WeekSerializer(serializers.Serializer[Any]):
    week = serializers.DateField()
    targets = serializers.DictField(child=CountedSerializer())


class GroupSerializer(CountedSerializer):
    value = serializers.CharField(help_text="As the filter of this name takes it.")
    name = serializers.CharField(help_text="As people read it.")


class OwnerSerializer(serializers.Serializer[Any]):
    owner = serializers.CharField()
    whose = serializers.CharField()
    what = serializers.CharField()
    seconds = serializers.FloatField()


class SpeedSerializer(serializers.Serializer[Any]):
    """From the receipt of what qualified them to the first touch by a person; in seconds."""

    reached = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Open, and nobody has reached out: not in the numbers.")
    ended_untouched = serializers.IntegerField()
    is_cut = serializers.BooleanField(help_text="Of the newest 5,000 alone.")
    wall_median = serializers.FloatField(allow_null=True)
    wall_p90 = serializers.FloatField(allow_null=True)
    working_median = serializers.FloatField(allow_null=True)
    working_p90 = serializers.FloatField(allow_null=True)
    wall_total = serializers.FloatField(help_text="What the owners sum up to.")
    owners = OwnerSerializer(many=True)


class AttainmentSerializer(serializers.Serializer[Any]):
    """One week."""

    from_at = serializers.DateTimeField()
    until_at = serializers.DateTimeField()
    counted_at = serializers.DateTimeField()
    target = serializers.CharField()
    goal = serializers.IntegerField(allow_null=True)
    targets = serializers.DictField(child=CountedSerializer())
    by = serializers.DictField(child=GroupSerializer(many=True))
    weeks = WeekSerializer(many=True)
    speed = SpeedSerializer()


class AttainmentView(APIView):
    """What was promised and kept in a week."""

    @extend_schema(
        operation_id="attainment", tags=["attainment"], parameters=FILTERS, responses={200: AttainmentSerializer}
    )
    def get(self, request: Request) -> Response:
        """The promises that fell due in a week, twelve weeks of them, how fast a person reached out, and whose time
        it was: of your teams for managers, your own for reps, of everybody for RevOps, admins and marketing (for
        marketing without people). A filter that can't be read narrows nothing.
        """
        user: User = request.user  # type: ignore[assignment]
        look = Look.of(request.query_params, user, now=clock.now())
        told = reporting.report(look.asked, look.week, target=look.target, now=look.now)
        return Response(AttainmentSerializer(_told(told)).data)


def _told(told: reporting.Report) -> dict[str, Any]:
    speed = told.speed
    return {
        "from_at": told.week.from_at,
        "until_at": told.week.until_at,
        "counted_at": told.now,
        "target": told.target,
        "goal": told.goal,
        "targets": _by_target([*told.targets], [*told.targets.values()]),
        "by": {
            name: [{"value": each.value, "name": each.label, **_counted(each.counted)} for each in rows]
            for name, rows in told.groups.items()
        },
        "weeks": [
            {"week": week.first, "targets": _by_target([*told.by_week], [each[at] for each in told.by_week.values()])}
            for at, week in enumerate(told.weeks)
        ],
        "speed": {
            "reached": len(speed.lines),
            "waiting": speed.waiting,
            "ended_untouched": speed.ended,
            "is_cut": speed.is_cut,
            "wall_median": speed.wall_at(0.5),
            "wall_p90": speed.wall_at(0.9),
            "working_median": speed.working_at(0.5),
            "working_p90": speed.working_at(0.9),
            "wall_total": speed.wall / 1_000_000,
            "owners": [
                {"owner": each.key, "whose": each.whose, "what": each.what, "seconds": each.seconds}
                for each in shares(speed)
            ],
        },
    }


def _by_target(names: Sequence[str], counted: Sequence[Counted]) -> dict[str, dict[str, int | None]]:
    return {name: _counted(each) for name, each in zip(names, counted, strict=True)}


def _counted(each: Counted) -> dict[str, int | None]:
    return {name: getattr(each, name) for name in (*counting.VERDICTS, "percent")}
