"""What a list shows of a hand-off, put into words once.

A list draws many of these, and a template that asks a plain dictionary for texts that are safe already draws one in a
fifth of the time it takes to ask a chain of objects. Every text is escaped here, whoever wrote it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from leads import addresses, moments
from leads.words import points
from scoring.models import Lane, Tier
from sla.models import State

if TYPE_CHECKING:
    from sla.models import Clock
    from sla.rows import Row

WHEN: Final = "D j M H:i"
RAISED: Final = (Lane.FAST, Lane.SIGNAL)


def in_inbox(row: Row) -> dict[str, Any]:
    """The texts of a row of an inbox, each safe to be put into a page, and what is so of it; the same keys always."""
    handoff, lead = row.handoff, row.lead
    why = str(handoff.reason) if handoff.reason_id is not None else ""
    own = _safe(
        stamp=row.timer.stamp,
        lead=lead.public_id,
        email=lead.email or "",
        title=lead.title,
        source=handoff.source,
        colleagues=row.colleagues or "",
        why=why,
        next=handoff.next_step or "Follow up",
        happened=row.happened,
    )
    return {
        **_of_each(row),
        **own,
        "is_open": handoff.is_open,
        "is_offered": handoff.state == State.OFFERED,
        "is_signal": handoff.lane == Lane.SIGNAL,
        "is_adrift": row.is_adrift,
        "is_accepted": handoff.is_open and handoff.accepted_at is not None,
        "step": _moment(handoff.next_step_at),
        "back": _moment(handoff.snoozed_until) if row.is_snoozed else None,
        "reasons": [] if why or not handoff.is_open else [conditional_escape(_reason(each)) for each in row.reasons],
    }


def on_board(row: Row, clock: Clock | None) -> dict[str, Any]:
    """The same of a line of the board, with the clock that is due next."""
    handoff, lead = row.handoff, row.lead
    own = _safe(
        rep=handoff.user,
        hop=handoff.hop if handoff.hop > 1 else "",
        target=row.timer.what,
        clock=clock.pk if clock is not None else "",
        due=moments.said(clock.due_at, WHEN) if clock is not None else "",
        sum=addresses.of("board-due", row.key),
        promise=addresses.of("lead-promise", lead.public_id),
    )
    return _of_each(row) | own


def _of_each(row: Row) -> dict[str, Any]:
    handoff, lead = row.handoff, row.lead
    return {
        **_safe(
            key=row.key,
            version=handoff.version,
            address=addresses.of("lead", lead.public_id),
            name=lead.name,
            account=lead.account or "",
            tier=handoff.tier,
            called=Tier(handoff.tier).label if handoff.tier else "",
            total=points(row.total) if row.total is not None else "",
            state=State(handoff.state).label,
        ),
        "is_closing": handoff.is_closing,
        "is_raised": handoff.lane in RAISED,
    }


def _safe(**texts: object) -> dict[str, SafeString]:
    return {name: conditional_escape(str(text)) for name, text in texts.items()}


def _moment(at: datetime | None) -> dict[str, Any] | None:
    """A moment as a program reads it and as it is said to whoever looks."""
    if at is None:
        return None
    there = timezone.localtime(at)
    return {"at": SafeString(there.isoformat()), "said": conditional_escape(moments.said(at, WHEN))}


def _reason(reason: dict[str, Any]) -> str:
    """A criterion that gave much, with how often where it was more than once."""
    count = reason.get("count") or 0
    return f"{reason.get('label', '')} × {floatformat(count)}" if count > 1 else str(reason.get("label", ""))
