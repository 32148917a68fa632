"""One row of an inbox or a board: a hand-off with its timer, its strongest reasons, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from leads.models import Lead
from leads.words import ago
from sla import at_hand, shown, timers
from sla.models import Handoff, NextStepChange, State
from sla.timers import Timer

STRONGEST = 2
HAPPENED = {
    State.OFFERED: "put this back on offer",
    State.ACCEPTED: "accepted this",
    State.CONVERTED: "converted this",
    State.RETURNED: "returned this",
    State.REJECTED: "rejected this",
}


@dataclass(frozen=True)
class Row:
    """A hand-off as a list shows it."""

    handoff: Handoff
    timer: Timer
    happened: str = ""
    is_adrift: bool = False
    is_snoozed: bool = False

    @property
    def key(self) -> UUID:
        """What the hand-off is called in addresses."""
        return self.handoff.public_id

    @property
    def lead(self) -> Lead:
        return self.handoff.episode.lead

    @cached_property
    def shown(self) -> dict[str, Any]:
        """What an inbox shows of it, in safe texts."""
        return shown.in_inbox(self)

    @property
    def colleagues(self) -> int:
        """How many of the same company joined the open matter."""
        return getattr(self.handoff, "colleagues", 0) or 0

    @property
    def total(self) -> int | None:
        """The score with which it qualified, in thousandths."""
        qualification = self.handoff.episode.qualification
        return qualification.total if qualification is not None else None

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The criteria that gave most."""
        qualification = self.handoff.episode.qualification
        return strongest(qualification.reasons if qualification is not None else [])


def strongest(reasons: list[dict[str, Any]], limit: int = STRONGEST) -> list[dict[str, Any]]:
    """The reasons that gave most points, raised hands first; of equals the one named first."""
    given = [each for each in reasons if each.get("points", 0) > 0 or each.get("hand_raise")]
    return sorted(given, key=lambda each: (not each.get("hand_raise"), -each.get("points", 0)))[:limit]


def rows(handoffs: Iterable[Handoff], *, now: datetime) -> list[Row]:
    """Rows of these hand-offs, in their order; their clocks in one question where they are not at hand."""
    shown = list(handoffs)
    at_hand.bring_clocks([each for each in shown if "clocks_at_hand" not in vars(each)])
    return [
        Row(
            handoff,
            timers.of_handoff(handoff, now=now),
            is_adrift=handoff.state == State.ACCEPTED and (handoff.next_step_at is None or handoff.next_step_at < now),
            is_snoozed=handoff.is_open and handoff.snoozed_until is not None and handoff.snoozed_until > now,
        )
        for handoff in shown
    ]


def what_happened(handoff: Handoff, *, now: datetime) -> str:
    """Who brought the hand-off where it stands, and how long ago: "Ben Keller accepted this 3 s ago"."""
    last = handoff.changes.select_related("by", "performed_by").order_by("-at", "-id").first()
    if last is None:
        return ""
    state = State(handoff.state)
    slept = handoff.next_steps.order_by("-pk").first()
    if slept is not None and slept.at >= last.at and handoff.is_open:
        # It went out of sight, or came back, after its last move.
        hidden = handoff.snoozed_until is not None and handoff.snoozed_until > now
        if hidden or slept.snoozed_until is not None or slept.why == NextStepChange.Why.WOKEN:
            return f"{slept.by or 'Baton'} put this off {ago(slept.at, now)}" if hidden else "This is back in sight"
    when = ago(last.at, now)
    if state == State.MOVED:
        return f"This moved on to another rep {when}"
    if state == State.WITHDRAWN:
        return f"This was withdrawn {when}"
    state = State.ACCEPTED if handoff.is_closing and state == State.CONVERTED else state
    return f"{last.performed_by or last.by or 'Baton'} {HAPPENED[state]} {when}"
