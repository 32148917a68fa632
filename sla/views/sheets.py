"""The sheets on which an answer is given: each reason with what would follow from it, and what was typed before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scoring.models import Lane
from sla.handoffs import closing, effects
from sla.handoffs.answers import reasons_for
from sla.handoffs.effects import Effect
from sla.models import Handoff, Reason, State
from sla.views.once import Draft


@dataclass(frozen=True)
class Choice:
    """One reason as the sheet offers it."""

    reason: Reason
    effect: Effect
    # What must come first; empty where nothing must.
    needs: str = ""
    evidence: str = ""
    is_chosen: bool = False

    @property
    def evidence_name(self) -> str:
        """Each reason has its own field, so that a sheet works without scripts."""
        return evidence_name(self.reason.code)


def evidence_name(code: str) -> str:
    """The field in which a reason asks for its evidence."""
    return f"evidence-{code}"


def choices(handoff: Handoff, draft: Draft, *, now: datetime) -> list[Choice]:
    """The reasons that may be given where the hand-off stands, each with its effect if it were given now."""
    offered, is_signal = handoff.state == State.OFFERED, handoff.lane == Lane.SIGNAL
    reasons = reasons_for(on_reject=offered, closing=handoff.is_closing)
    sales = closing.sales_leg(handoff.episode) if handoff.is_closing else None
    if is_signal:
        reasons = reasons.exclude(follows=Reason.Follows.DATE)
    turn_of = effects.turn_of(handoff)
    return [
        Choice(
            reason,
            effects.of(
                reason,
                now=now,
                is_signal=is_signal,
                turn_of=turn_of,
                back_to=sales.user if sales is not None else None,
            ),
            needs=_needs(reason, offered=offered),
            evidence=draft.values.get(evidence_name(reason.code), ""),
            is_chosen=draft.values.get("reason") == reason.code,
        )
        for reason in reasons
    ]


def _needs(reason: Reason, *, offered: bool) -> str:
    if offered:
        return "Accepts it first." if reason.follows == Reason.Follows.DATE else ""
    return f"Needs {reason.get_needs_display().lower()} first." if reason.needs != Reason.Needs.NOTHING else ""
