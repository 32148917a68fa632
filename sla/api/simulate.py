"""Where a lead would go, over the API: nothing is written, and nobody is told."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads import clock
from leads.api.parsers import UniqueKeysJSONParser
from leads.errors import Invalid
from leads.models import Lead, Role, User
from sla import simulating

MAY_ASK: Final = (Role.MANAGER, Role.REVOPS, Role.ADMIN)
ASKED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "lead": {"type": "string", "format": "uuid", "description": "A stored lead, by its id."},
        "attributes": {
            "type": "object",
            "additionalProperties": True,
            "description": "Or a lead on paper: fields as conditions name them, such as lead.country or trait.plan.",
        },
        "at": {"type": "string", "format": "date-time", "description": "The instant; without it, now."},
    },
    "additionalProperties": False,
}
EXAMPLE: Final = OpenApiExample(
    "A lead on paper",
    value={"attributes": {"lead.country": "France", "account.employees": 40, "episode.tier": "hot"}},
    request_only=True,
)


class SimulateView(APIView):
    """Where a lead would go."""

    parser_classes = [UniqueKeysJSONParser]

    @extend_schema(
        operation_id="simulate",
        tags=["routing"],
        request={"application/json": ASKED},
        responses={200: {"type": "object", "additionalProperties": True}},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Rules tried and why each did not hold, the team's reps with their numbers, the policy, due times with sums.

        With the load as it is now; calendars and absences as they are known for that instant. For managers, RevOps
        and admins.
        """
        user = request.user
        if not isinstance(user, User) or not user.has_role(*MAY_ASK):
            raise PermissionDenied("Managers, RevOps and admins may ask where a lead would go.")
        return Response(simulating.as_json(simulating.simulate(_asked(request.data, user))))


def _asked(body: Any, user: User) -> simulating.Asked:
    if not isinstance(body, dict) or set(body) - {"lead", "attributes", "at"}:
        raise Invalid("Give lead or attributes, and at; nothing else is known.", field="body")
    if ("lead" in body) == ("attributes" in body):
        raise Invalid("Give either lead, the id of a stored one, or attributes.", field="lead")
    at = simulating.read_instant(str(body.get("at") or ""), now=clock.now(), zone="UTC")
    if "attributes" in body:
        return simulating.on_paper(body["attributes"], at=at)
    try:
        public_id = UUID(str(body["lead"]))
    except ValueError:
        raise Http404 from None
    visible = Lead.objects.visible_to(user).live().select_related("account")
    return simulating.asked_of(get_object_or_404(visible, public_id=public_id), at=at)
