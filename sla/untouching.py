"""Taking a touch back within seconds: everything is as if nobody had reached out."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from leads.models import User
from leads.transactions import business
from scoring import episodes
from sla import clocks
from sla.handoffs import room, sheets
from sla.handoffs.moves import UNDO_FOR, Matter, present, take
from sla.handoffs.undo import (
    CannotUndo,
    changes_of,
    changes_since,
    clocks_of,
    has_moved_on,
    lock_holder,
    revert,
)
from sla.models import HandoffChange, State, TakenBackTouch, Touch
from sla.nextsteps import keeping
from sla.shadow import answering
from sla.touches import NotTheirs

NEWER: Final = "Something newer has happened since, so this touch stays recorded."

# What of it stays known: nothing that anybody wrote.
KEPT: Final = (
    *("pk", "public_id", "lead_id", "handoff_id", "performed_by_id", "occurred_at", "recorded_at"),
    *("means", "direction", "outcome"),
)


@business
def take_back(touch_id: int, *, by: User, now: datetime) -> TakenBackTouch:
    """Take back a touch that this user recorded by hand: within 15 s of it, while nothing newer stands on it.

    The touch is gone, and a row says that there was one. Clocks that it met run again with the same due instant, the
    next step is the former one, and what it accepted, or answered on paper, waits for an answer again. Whoever comes
    second is told what the first one did. Raises NotTheirs for everybody else, CannotUndo, InactiveRep.
    """
    known = Touch.objects.filter(pk=touch_id, recorded_by=by).first()
    if known is None:
        return _taken(touch_id, by=by)
    matter = _matter(known, now=now)
    now = matter.now if matter is not None else max(now, known.recorded_at)
    touch = Touch.objects.select_for_update(of=("self",)).filter(pk=touch_id).first()
    if touch is None:
        return _taken(touch_id, by=by)
    _check(touch, now=now)
    if matter is not None:
        _revert(matter, touch, by=by)
    elif touch.before and not answering.untouched(touch.before):
        raise CannotUndo(NEWER)
    return _go(touch, by=by, now=now)


def _taken(touch_id: int, *, by: User) -> TakenBackTouch:
    """What they took back a moment ago."""
    found = TakenBackTouch.objects.filter(pk=touch_id, by=by).first()
    if found is None:
        raise NotTheirs("There is no such touch, or it isn't yours to take back.")
    return found


def _matter(touch: Touch, *, now: datetime) -> Matter | None:
    """Lock what it has changed: the hand-off whose promises it kept, or the lead alone where it kept none."""
    if touch.handoff_id is not None and touch.before:
        return take(touch.handoff_id, by=None, now=now, ended=True)
    episodes.lock_matter(touch.lead_id)
    return None


def _check(touch: Touch, *, now: datetime) -> None:
    """Whether it may be taken back at all."""
    if touch.by_machine or touch.automated:
        raise CannotUndo("A touch that a machine brought stays recorded.")
    if now > touch.recorded_at + UNDO_FOR:
        raise CannotUndo(f"A touch can be taken back for {UNDO_FOR.seconds} seconds. Now it stays recorded.")
    if Touch.objects.filter(lead=touch.lead_id, pk__gt=touch.pk).exists():
        raise CannotUndo(NEWER)


def _revert(matter: Matter, touch: Touch, *, by: User) -> None:
    """Clocks, counts, next step and acceptance as before it. What it accepted is undone as a verdict is."""
    sheet, handoff, now = touch.before, matter.handoff, matter.now
    accepted = changes_of(matter)[-1] if sheet["accepted"] else None
    if _is_newer(matter, touch, accepted):
        raise CannotUndo(NEWER, **present(handoff))
    # Untouched again it takes the rep's room again.
    is_untouched = sheet["first_touched_at"] is None and handoff.state == State.ACCEPTED and not matter.is_closing
    rep = lock_holder(matter) if is_untouched else None
    here = room.load_of(rep) if rep is not None else None
    for clock in clocks_of(sheet["clocks_ended"]):
        clocks.unmeet(clock, now=now)
    first = sheet["first_touched_at"]
    handoff.first_touched_at, handoff.touches = datetime.fromisoformat(first) if first else None, sheet["touches"]
    handoff.save(update_fields=["first_touched_at", "touches"])
    if accepted is not None:
        revert(matter, accepted, by=by)
    else:
        keeping.put_back(handoff, sheet["next_step"], now=now, by=by)
    if here is not None and rep is not None:
        room.pass_capacity(handoff, rep, room=here, why="undo", now=now)


def _is_newer(matter: Matter, touch: Touch, accepted: HandoffChange | None) -> bool:
    """Whether anything has happened since that rests on it."""
    return (
        matter.lead.pk != touch.lead_id
        or sheets.marks(matter.before, matter.handoff) != touch.before["after"]
        or changes_since(matter.episode, touch.before["episode_change"]).exists()
        or (accepted is not None and has_moved_on(matter, accepted))
    )


def _go(touch: Touch, *, by: User, now: datetime) -> TakenBackTouch:
    """The touch goes, with what was written with it; that there was one is history."""
    taken = TakenBackTouch.objects.create(**{name: getattr(touch, name) for name in KEPT}, by=by, at=now)
    touch.delete()
    return taken
