"""Undo of handing over: the offer to the colleague is withdrawn, as long as they have done nothing with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from leads import nurture, outbox
from leads.errors import Refused
from leads.models import Notification, User
from sla.handoffs.moves import UNDO_FOR, Matter, present
from sla.handoffs.offers import withdraw
from sla.models import Handoff, HandoffChange, ManagerAct, State, Touch

HANDED_OVER: Final = "handed over"
TAKEN_BACK: Final = "taken_back"


class CannotTakeBack(Refused):
    """The colleague has acted, something newer stands on it, or the time is over."""

    title = "Not undone"
    code = "cannot_undo"


def is_handed_over(change: HandoffChange) -> bool:
    """Whether this move gave the lead to a colleague by hand."""
    return change.why == HANDED_OVER and change.to_state == State.MOVED and change.by_id is not None


def hold_back(former: Handoff, made: Handoff, *, now: datetime) -> None:
    """What both would be told of it leaves when it can't be undone any more."""
    for handoff in (former, made):
        queued = Notification.objects.filter(effect_key__startswith=_effects(handoff), state="queued")
        queued.filter(not_before__lt=now + UNDO_FOR).update(not_before=now + UNDO_FOR)


def withdraw_offer(matter: Matter, change: HandoffChange, *, harmless: tuple[str, ...], by: User | None) -> None:
    """Withdraw the colleague's offer, so that the former hand-off may stand again.

    What was to be told of it is cancelled; a colleague who was told already hears that it was taken back. Lead and
    episode are locked by the caller, so whoever answers in this moment comes before or after. Raises CannotTakeBack.
    """
    made = _offer_of(matter, change, harmless=harmless)
    about = _effects(made)
    known = Notification.objects.filter(effect_key__startswith=about).exclude(state="cancelled")
    was_told = known.exclude(state="queued").exists()
    withdraw(made, why=TAKEN_BACK, now=matter.now, by=by, is_undone=True)
    if not was_told:
        outbox.cancel(about, now=matter.now)
    outbox.cancel(_effects(matter.handoff) + f"{HANDED_OVER.replace(' ', '_')}", now=matter.now)


def _offer_of(matter: Matter, change: HandoffChange, *, harmless: tuple[str, ...]) -> Handoff:
    """The colleague's offer, untouched; or why it stays theirs."""
    state: dict[str, Any] = present(matter.handoff)
    if matter.now > change.at + UNDO_FOR:
        raise CannotTakeBack(
            f"Handing over can be undone for {UNDO_FOR.seconds} seconds. Now only who has it can hand it back.", **state
        )
    made = Handoff.objects.filter(episode=matter.episode).select_related("user").order_by("-hop")[0]
    moves = list(made.changes.order_by("pk"))
    acted = (
        not made.is_open
        or len(moves) > 1
        or made.next_steps.filter(by__isnull=False).exists()
        or ManagerAct.objects.filter(handoff=made).exists()
    )
    if acted:
        raise CannotTakeBack(f"{made.user} has acted on it already, so it stays theirs.", **state)
    if _is_newer(matter, change, made, harmless=harmless):
        raise CannotTakeBack("Something newer has happened since, so this stays as it is.", **state)
    return made


def _is_newer(matter: Matter, change: HandoffChange, made: Handoff, *, harmless: tuple[str, ...]) -> bool:
    """Whether anything but the colleague's offer has come after it was handed over."""
    since = matter.episode.changes.filter(pk__gt=change.before["episode_change"]).exclude(what__in=harmless)
    offering = since.filter(detail__handoff=made.pk)
    moves = HandoffChange.objects.filter(handoff__episode=matter.episode, pk__gt=change.pk).exclude(handoff=made)
    touches = Touch.objects.filter(lead=matter.lead, pk__gt=change.before["touch"])
    return (
        matter.lead.pk != matter.episode.lead_id
        or nurture.snapshot(matter.lead) != change.before["lead_after"]
        or since.exclude(pk__in=offering).exists()
        or moves.exists()
        or touches.exists()
    )


def _effects(handoff: Handoff) -> str:
    """How the effect keys begin of what is told of a hand-off."""
    return f"handoff:{handoff.public_id}:"
