"""Give me the next one, over the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads import clock
from leads.models import User
from sla import routing
from sla.api.handoffs import HandoffSerializer
from sla.api.idempotency import idempotent
from sla.models import Handoff
from sla.routing.pulling import NOTHING


class PullSerializer(serializers.Serializer[Any]):
    """What came of it: the hand-off, or null and a sentence."""

    handoff = HandoffSerializer(allow_null=True)
    sentence = serializers.CharField(allow_null=True)


class PullView(APIView):
    """The top of the pool."""

    @extend_schema(
        operation_id="pull", tags=["routing"], request=None, responses={201: PullSerializer, 200: PullSerializer}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Take the next one of the pool that is yours by the rules; it is offered to you, and you answer it.

        Where nothing is for you the hand-off is null. Refused with 409 for who is away, has no room, or is no rep.
        """
        user: User = request.user  # type: ignore[assignment]
        handoff = routing.take_next(user, now=clock.now(), by=user)
        if handoff is None:
            return Response({"handoff": None, "sentence": NOTHING})
        fresh = Handoff.objects.select_related("episode__lead", "episode__qualification", "user", "team", "reason")
        return Response({"handoff": HandoffSerializer(fresh.get(pk=handoff.pk)).data, "sentence": None}, status=201)
