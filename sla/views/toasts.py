"""Toasts: a short message about what was just done, and undo for as many seconds as are left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from leads.viewer import viewer_of
from sla.handoffs import UNDO_FOR
from sla.handoffs.taking_back import is_handed_over
from sla.models import Handoff, HandoffChange, State, TakenBackTouch, Touch
from sla.rows import what_happened
from sla.views import meetings
from sla.views.naming import key_of
from sla.views.once import new_key

SAID = {
    State.OFFERED: "Back on offer",
    State.ACCEPTED: "Accepted",
    State.CONVERTED: "Converted",
    State.RETURNED: "Returned",
    State.REJECTED: "Rejected",
    State.MOVED: "Handed over",
}
# The lead has gone on: nothing of it is drawn anew for whoever had it.
FINAL = (State.MOVED, State.WITHDRAWN)


@dataclass(frozen=True)
class Toast:
    """A short message, and undo for some seconds where something can be taken back."""

    text: str
    undo: str = ""  # the address that takes it back
    lead: UUID | None = None  # whose promise it draws anew
    version: int | None = None  # of the hand-off, as the page saw it
    seconds: int = 0
    is_bad: bool = False
    key: str = field(default_factory=new_key)


def of_verdict(handoff: Handoff, *, now: datetime, again: bool = False) -> Toast:
    """What the last verdict was; `again`: it had been sent before, and is told as such."""
    last = handoff.changes.order_by("-at", "-id").first()
    name = handoff.episode.lead.name
    if last is not None and last.is_undo:
        return Toast(f"Undone: {name}")
    text = f"{what_happened(handoff, now=now) if last and again else _what(handoff, last)}: {name}"
    if last is None or (handoff.state in FINAL and not is_handed_over(last)):
        return Toast(text)
    to = reverse("handoff-undo", args=[handoff.public_id])
    lead = handoff.episode.lead.public_id
    return Toast(text, to, lead, version=handoff.version, seconds=_seconds_left(last.at, now=now))


def of_touch(touch: Touch, *, now: datetime) -> Toast:
    """What came of reaching out and with whom; when it counts, and what a meeting has done to the next step."""
    later = " It was logged late, so it counts from now." if touch.logged_later else ""
    beside = later + meetings.said(touch)
    text = f"{touch.get_outcome_display()}: {touch.lead.name}" + (f".{beside}" if beside else "")
    to = reverse("touch-undo", args=[touch.public_id])
    return Toast(text, to, touch.lead.public_id, seconds=_seconds_left(touch.recorded_at, now=now))


def of_taken_back(taken: TakenBackTouch) -> Toast:
    """The touch is gone."""
    return Toast(f"Undone: {taken.lead.name}")


def toast_after(request: HttpRequest, *, now: datetime) -> Toast | None:
    """On the page after a verdict or a touch given without scripts: the toast, while undo still works."""
    if touched := key_of(request.GET.get("touched", "")):
        return _after_touch(request, touched, now=now)
    done = key_of(request.GET.get("done", ""))
    handoff = Handoff.objects.visible_to(viewer_of(request)).filter(public_id=done).first() if done else None
    again = request.GET.get("again") == "yes"
    return of_verdict(handoff, now=now, again=again) if handoff is not None else None


def _after_touch(request: HttpRequest, public_id: UUID, *, now: datetime) -> Toast | None:
    """Of the viewer's own touch, or that it was taken back."""
    viewer = viewer_of(request)
    touch = Touch.objects.filter(recorded_by=viewer, public_id=public_id).select_related("lead").first()
    if touch is not None:
        return of_touch(touch, now=now)
    taken = TakenBackTouch.objects.filter(by=viewer, public_id=public_id).select_related("lead").first()
    return of_taken_back(taken) if taken is not None else None


def _what(handoff: Handoff, last: HandoffChange | None) -> str:
    """What was done, in a word or two; of a conversion, who was asked to take it from here."""
    if handoff.is_closing and handoff.state == State.CONVERTED:
        return SAID[State.ACCEPTED]
    made = last.before.get("made") if last is not None else None
    if handoff.state == State.CONVERTED and made is not None:
        asked = Handoff.objects.select_related("user").get(pk=made).user
        return f"Converted, {asked} is asked to close"
    return SAID.get(State(handoff.state), "Done")


def _seconds_left(at: datetime, *, now: datetime) -> int:
    """How long undo still works, in whole seconds."""
    return max(0, int((at + UNDO_FOR - now).total_seconds()))
