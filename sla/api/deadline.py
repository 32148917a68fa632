"""Working time over the API, for anyone who wants to check us: when is it due, and how much has passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leads.api.parsers import UniqueKeysJSONParser
from leads.errors import Invalid
from sla import worktime
from sla.api import deadline_schema as schema
from sla.models import Calendar, CalendarVersion
from sla.people import calendars
from sla.worktime import Deadline, Elapsed, Hours, Limits, WorktimeError, questions

# What keeps the dearest lawful question near a second of work.
LIMITS = Limits(years=10, lines=20_000)


class DeadlineView(APIView):
    """When a promise made at `start` falls due."""

    parser_classes = [UniqueKeysJSONParser]

    @extend_schema(
        operation_id="deadline",
        tags=["working time"],
        request=schema.DEADLINE,
        responses={200: schema.DEADLINE_ANSWER, 400: schema.PROBLEM, 422: schema.PROBLEM},
        examples=schema.DEADLINE_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        """The first instant at which the working time since `start` equals the budget, and how it was counted.

        Ending exactly at closing time is due at closing time; a start outside hours counts from the next opening; 0
        seconds are due there. `business_days` are the open seconds of the next n local dates, after that of `start`,
        that have any. Changes nothing; anyone with a key or a session may ask.
        """
        with _refusing():
            asked = questions.read_deadline(request.data)
            hours, version = _hours(asked.calendar)
            answer = worktime.due(
                hours,
                asked.start,
                seconds=asked.seconds,
                business_days=asked.business_days,
                pauses=asked.pauses,
                limits=LIMITS,
            )
            said = {"due_at": _said(answer.due_at), "seconds": answer.budget_seconds}
            return Response(said | _sum(answer) | {"calendar_version": version})


class ElapsedView(APIView):
    """How much working time lies between two moments."""

    parser_classes = [UniqueKeysJSONParser]

    @extend_schema(
        operation_id="elapsed",
        tags=["working time"],
        request=schema.ELAPSED,
        responses={200: schema.ELAPSED_ANSWER, 400: schema.PROBLEM, 422: schema.PROBLEM},
        examples=schema.ELAPSED_EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        """The working seconds from `start` until `end`, and how they were counted.

        A pause without an end (`null`) still runs and is cut at `end`. Changes nothing; anyone with a key or a session
        may ask.
        """
        with _refusing():
            asked = questions.read_elapsed(request.data)
            hours, version = _hours(asked.calendar)
            answer = worktime.elapsed(hours, asked.start, asked.end, asked.pauses, limits=LIMITS)
            return Response({"seconds": answer.seconds} | _sum(answer) | {"calendar_version": version})


@contextmanager
def _refusing() -> Iterator[None]:
    """What working time refuses, as this API says no: 422, the field, and the way out."""
    try:
        yield
    except WorktimeError as refusal:
        raise Invalid(str(refusal), field=refusal.field) from None


def _hours(calendar: questions.CalendarAsked) -> tuple[Hours, int | None]:
    """The hours asked for, and the number of the version in force where they are a stored calendar's.

    Hours are no secret: every user may count by every calendar.
    """
    if isinstance(calendar, Hours):
        return calendar, None
    try:
        found = Calendar.objects.get(pk=calendar) if isinstance(calendar, int) else _by_public_id(calendar)
        version = found.current()
    except (Calendar.DoesNotExist, CalendarVersion.DoesNotExist, ValueError):
        told = "calendar: no calendar has this id. GET /api/v1/calendars/ lists them; or give one inline."
        raise Invalid(told, field="calendar") from None
    return calendars.hours_of_versions([version.pk]), version.number


def _by_public_id(text: str) -> Calendar:
    return Calendar.objects.get(public_id=UUID(text))


def _sum(answer: Deadline | Elapsed) -> dict[str, list[dict[str, Any]]]:
    return {
        "counted": [{"from": _said(a), "to": _said(b), "seconds": seconds} for a, b, seconds in answer.counted],
        "uncounted": [{"from": _said(a), "to": _said(b), "why": why} for a, b, why in answer.uncounted],
    }


def _said(at: datetime) -> str:
    """2026-03-02T14:00:00Z."""
    return at.isoformat().replace("+00:00", "Z")
