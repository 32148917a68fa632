"""The rep's answers: accept, reject, convert, return; each may be undone for a few seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leads import lifecycle
from leads.errors import Invalid
from leads.models import Outcome, Stage, User
from leads.transactions import business
from scoring import episodes
from scoring.models import ClosedAs, Phase
from sla.checklists import taken_along
from sla.clocks import targets
from sla.handoffs import closers, closing, effects, turn_back
from sla.handoffs.answers import Given, check_touched, given_date, given_no, given_note, given_reason
from sla.handoffs.effects import NAMED_DATE, VERDICT
from sla.handoffs.moves import FAST_LANE, UNDO_FOR, AlreadyDecided, Matter, how_it_stands, present, take
from sla.handoffs.writing import outcome
from sla.models import Handoff, NextStepChange, Reason, State, Target
from sla.nextsteps import keeping

__all__ = ["accept", "accept_by_hand_raise", "convert", "credit", "reject", "return_", "take_on"]

TOUCH = "touch"


@business
def accept(
    handoff_id: int,
    *,
    by: User | None,
    now: datetime,
    performed_by: User | None = None,
    seen_version: int | None = None,
) -> Handoff:
    """The rep takes the lead: stage SAL, the accept clock met, depth and qualify start.

    A closing leg, with its episode, closes as converted by it.

    Accepting what the same rep has accepted already answers with the present state. Raises NotYours; AlreadyDecided
    with the present state for every other one who comes too late.
    """
    matter = take(handoff_id, by=by, now=now, performed_by=performed_by)
    if matter.handoff.state == (State.CONVERTED if matter.is_closing else State.ACCEPTED):
        return matter.handoff
    matter.expect(State.OFFERED, seen_version=seen_version)
    take_on(matter, by=by, why=VERDICT)
    return matter.handoff


def take_on(matter: Matter, *, by: User | None, why: str) -> None:
    """Accept for the rep, as a verdict, with a touch, or on the way to a named date."""
    if matter.is_closing:
        closing.take_up(matter, by=by, why=why)
        return
    now = matter.now
    targets.meet(matter.handoff, Target.ACCEPT, at=now, now=now)
    _accepted(matter, by=by)
    for lead in matter.everyone:
        outcome(matter, lead, Outcome.Kind.ACCEPTED, by=by)
    matter.record(by=by, why=why)


def accept_by_hand_raise(matter: Matter) -> None:
    """The person asked for us: Baton accepts for the rep, and nobody has to answer the offer any more.

    No acceptance is recorded: the fast lane has no accept step.
    """
    targets.void(matter.handoff, Target.ACCEPT, why="hand-raise", now=matter.now)
    _accepted(matter, by=None)
    matter.record(by=None, why=FAST_LANE)


def _accepted(matter: Matter, *, by: User | None) -> None:
    now = matter.now
    matter.become(State.ACCEPTED, accepted_at=now)
    targets.start_accepted(matter.handoff, why="accepted", now=now, by=by)
    keeping.plan(matter.handoff, why=NextStepChange.Why.ACCEPTED, now=now, by=by)
    episodes.set_phase(matter.episode, Phase.ACCEPTED, now=now, by=by)
    for lead in [] if matter.is_signal else matter.everyone:
        lifecycle.move(lead, Stage.SAL, cause=VERDICT, now=now, by=by)


@business
def reject(
    handoff_id: int,
    *,
    reason: Reason | str,
    evidence: str = "",
    note: str = "",
    named_date: datetime | None = None,
    by: User | None,
    now: datetime,
    performed_by: User | None = None,
    seen_version: int | None = None,
) -> Handoff:
    """The lead did not meet the definition: the offer ends unaccepted, and what the reason says follows.

    A reason that comes back on a named date accepts, and returns with that date. A closing leg has reasons of its own
    and goes back to the rep who converted it. Raises Invalid for a reason that does not stand on reject and for
    evidence it asks for in vain, NotYours, AlreadyDecided.
    """
    matter = take(handoff_id, by=by, now=now, performed_by=performed_by)
    if matter.handoff.state == State.ACCEPTED:
        told = f"{how_it_stands(matter.handoff)} What is accepted is returned, not rejected."
        raise AlreadyDecided(told, **present(matter.handoff))
    matter.expect(State.OFFERED, seen_version=seen_version)
    why = given_reason(reason, on_reject=True, closing=matter.is_closing)
    if matter.is_closing:
        given_date(named_date, dated=False, now=matter.now)
        closing.reject(matter, reason=why, given=given_no(why, evidence=evidence, note=note), by=by)
        return matter.handoff
    if why.follows == Reason.Follows.DATE:
        _give_date(matter, why, given_no(why, evidence=evidence, note=note), named_date, by=by)
        return matter.handoff
    given_date(named_date, dated=False, now=matter.now)
    _no(matter, State.REJECTED, reason=why, given=given_no(why, evidence=evidence, note=note), named_date=None, by=by)
    return matter.handoff


@business
def return_(
    handoff_id: int,
    *,
    reason: Reason | str,
    evidence: str = "",
    note: str = "",
    named_date: datetime | None = None,
    by: User | None,
    now: datetime,
    performed_by: User | None = None,
    seen_version: int | None = None,
) -> Handoff:
    """What the conversation showed: the accepted lead goes back, and what the reason says follows.

    "Call me on 3 March" is a reason with a date; on an offer it accepts first. Raises Invalid for a reason that does
    not stand on return or a date that isn't ahead, NotTouchedYet, NotYours, AlreadyDecided.
    """
    matter = take(handoff_id, by=by, now=now, performed_by=performed_by)
    if matter.is_closing:
        raise Invalid("What somebody else has converted is accepted, or rejected with a reason.", field="reason")
    why = given_reason(reason, on_reject=False)
    dated = why.follows == Reason.Follows.DATE
    open_states = (State.OFFERED, State.ACCEPTED) if dated else (State.ACCEPTED,)
    matter.expect(*open_states, seen_version=seen_version)
    given = given_no(why, evidence=evidence, note=note)
    if dated:
        _give_date(matter, why, given, named_date, by=by)
        return matter.handoff
    given_date(named_date, dated=False, now=matter.now)
    check_touched(matter.handoff, why)
    _no(matter, State.RETURNED, reason=why, given=given, named_date=None, by=by)
    return matter.handoff


def _give_date(matter: Matter, reason: Reason, given: Given, named_date: datetime | None, *, by: User | None) -> None:
    """Return with the date the person named; what was only offered is accepted first, as one act."""
    if matter.is_signal:
        raise Invalid("A signal comes back on no date: choose another reason, and note the date.", field="reason")
    date = given_date(named_date, dated=True, now=matter.now)
    check_touched(matter.handoff, reason)
    together = matter.handoff.state == State.OFFERED
    if together:
        take_on(matter, by=by, why=NAMED_DATE)
    _no(matter, State.RETURNED, reason=reason, given=given, named_date=date, by=by, together=together)


@business
def convert(
    handoff_id: int,
    *,
    bant: dict[str, Any] | None = None,
    note: str = "",
    to: User | None = None,
    by: User | None,
    now: datetime,
    performed_by: User | None = None,
    seen_version: int | None = None,
) -> Handoff:
    """Sales-qualified: stage SQL, hand-off and episode close as converted; the rep keeps the lead, and who joined it.

    With a next owner the episode stays open until `to`, who is offered the closing leg, has taken it from here. A
    signal is dealt with by this, and no stage moves.
    `bant` holds answers to the checklist as short texts, by their keys; what was answered before is taken along.
    Raises Invalid, NotAbleToClose, NotYours, AlreadyDecided.
    """
    matter = take(handoff_id, by=by, now=now, performed_by=performed_by)
    matter.expect(State.ACCEPTED, seen_version=seen_version)
    if to is not None and matter.is_signal:
        raise Invalid("A signal stays with who knows the person: it has no next owner.", field="to")
    next_owner = closers.lock_other(to, matter.handoff, now=matter.now) if to is not None else None
    fields = taken_along(matter.episode, bant or {})
    credit(matter, by=by, bant=fields, note=given_note(note))
    for lead in matter.colleagues:
        outcome(matter, lead, Outcome.Kind.CONVERTED, by=by)
    for lead in [] if matter.is_signal else matter.everyone:
        lifecycle.move(lead, Stage.SQL, cause=VERDICT, now=matter.now, by=by)
    if next_owner is None:
        episodes.close(matter.episode, ClosedAs.CONVERTED, now=matter.now, by=by)
    else:
        told_at = matter.now + UNDO_FOR if by is not None else None
        closing.offer(matter, next_owner, why=closing.CONVERTED, by=by, not_before=told_at)
    matter.record(by=by, why=VERDICT)
    return matter.handoff


def credit(matter: Matter, *, by: User | None, bant: dict[str, str] | None = None, note: str = "") -> None:
    """The hand-off ends converted, by the rep's verdict or because the deal or the purchase came while they had it."""
    now = matter.now
    matter.become(State.CONVERTED, closed_at=now, bant=bant or {}, note=note)
    targets.meet(matter.handoff, Target.QUALIFY, at=now, now=now)
    targets.void(matter.handoff, why="converted", now=now)
    outcome(matter, matter.lead, Outcome.Kind.CONVERTED, by=by)


def _no(
    matter: Matter,
    state: str,
    *,
    reason: Reason,
    given: Given,
    named_date: datetime | None,
    by: User | None,
    together: bool = False,
) -> None:
    """Close the hand-off with its verdict; a reroute leaves the episode waiting, every other no ends it."""
    now, handoff = matter.now, matter.handoff
    matter.become(state, closed_at=now, reason=reason, note=given.note, evidence=given.evidence, named_date=named_date)
    answered = Target.ACCEPT if state == State.REJECTED else Target.QUALIFY
    targets.meet(handoff, answered, at=now, now=now)
    targets.void(handoff, why=state, now=now)
    turn_back.give(handoff, reason, now=now)
    matter.hold(None, None)
    if reason.follows == Reason.Follows.REROUTE:
        episodes.set_phase(matter.episode, Phase.WAITING, now=now, by=by, route_not_before=now + UNDO_FOR)
        targets.start_assign(
            matter.episode, matter.lead, cause=f"hop:{handoff.hop}", start_at=now, why="rerouted", now=now, by=by
        )
    else:
        closed_as = ClosedAs.REJECTED if state == State.REJECTED else ClosedAs.RETURNED
        kind = Outcome.Kind.REJECTED if state == State.REJECTED else Outcome.Kind.RETURNED
        effect = effects.of(reason, now=now, named_date=named_date, is_signal=matter.is_signal, turn_of=None)
        for lead in [] if matter.is_signal else matter.everyone:
            outcome(matter, lead, kind, by=by, reason=reason)
            calls_back = handoff.user if named_date is not None and lead.pk == matter.lead.pk else None
            effects.follow(effect, lead, calls_back=calls_back, now=now, by=by)
        episodes.close(matter.episode, closed_as, now=now, by=by)
    matter.record(by=by, why=NAMED_DATE if named_date else VERDICT, together=together)
