"""The time of a meeting that was booked: as it is typed, and as it is told what became of it."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from leads import moments
from leads.errors import Invalid
from sla.models import Handoff, State, Touch
from sla.nextsteps import cadence


def given(request: HttpRequest) -> datetime | None:
    """When the meeting is, as it was typed in the viewer's zone; None where the box is empty."""
    text = request.POST.get("meeting_at", "").strip()
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid("Give the time of the meeting as the field asks for it.", field="meeting_at") from error
    return timezone.make_aware(at) if at is not None and at.tzinfo is None else at


def said(touch: Touch) -> str:
    """What the meeting has done to the next step, as a sentence to go on with; "" where none was booked for a time."""
    if touch.meeting_at is None or touch.handoff_id is None:
        return ""
    handoff = Handoff.objects.get(pk=touch.handoff_id)
    if handoff.state != State.ACCEPTED or handoff.next_step_at is None:
        return ""
    when = moments.said(handoff.next_step_at, "D j M H:i")
    if handoff.next_step_at == touch.meeting_at and handoff.next_step == cadence.MEETING:
        return f" Next step: the meeting, {when}."
    return f" The next step stays {handoff.next_step or cadence.FOLLOW_UP}, {when}."
