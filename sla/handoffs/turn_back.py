"""A turn that was none, such as a duplicate, is owed again to whoever got the lead by turn."""

from __future__ import annotations

from datetime import datetime

from sla.models import FairnessTurn, GivenBack, Handoff, Reason


def give(handoff: Handoff, reason: Reason, *, now: datetime) -> bool:
    """Owe the rep another turn where this reason says so and weights decided the lead. True if one is owed now."""
    if not reason.gives_turn_back:
        return False
    turn = FairnessTurn.objects.select_related("span").filter(handoff=handoff).first()
    if turn is None:
        return False
    _, new = GivenBack.objects.get_or_create(turn=turn, defaults={"pool_id": turn.span.pool_id, "at": now})
    return new


def take_again(handoff: Handoff) -> None:
    """Undo: the verdict is not given any more, so no turn is owed for it."""
    GivenBack.objects.filter(turn__handoff=handoff, span=None).delete()
