"""The rep's answers: accept, reject, convert, return; each may be undone for a few seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from leads import holding, lifecycle, nurture, outcomes
from leads.errors import Invalid, Refused
from leads.models import Outcome, Stage, User
from leads.transactions import business
from scoring import episodes
from scoring.models import ClosedAs, Phase
from sla import targets
from sla.models import Handoff, PolicyTarget, Reason, State, Target
from sla.moves import UNDO_FOR, Matter, take

BANT = ("budget", "authority", "need", "timing")
LONGEST_BANT = 500
LONGEST_NOTE = 2000
FARTHEST_DATE = timedelta(days=3 * 366)

VERDICT = "verdict"
NAMED_DATE = "named date"
TOUCH = "touch"


class NotTouchedYet(Refused):
    """The reason asks for a touch, or for the full follow-up, before the lead may be returned."""

    code = "not_touched_yet"


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

    Accepting what the same rep has accepted already answers with the present state. Raises NotYours; AlreadyDecided
    with the present state for every other one who comes too late.
    """
    matter = take(handoff_id, by=by, now=now, performed_by=performed_by)
    if matter.handoff.state == State.ACCEPTED:
        return matter.handoff
    matter.expect(State.OFFERED, seen_version=seen_version)
    take_on(matter, by=by, why=VERDICT)
    return matter.handoff


def take_on(matter: Matter, *, by: User | None, why: str) -> None:
    """Accept for the rep, as a verdict, with a touch, or on the way to a named date."""
    now = matter.now
    targets.meet(matter.handoff, Target.ACCEPT, at=now, now=now)
    _accepted(matter, by=by)
    _outcome(matter, Outcome.Kind.ACCEPTED, by=by)
    matter.record(by=by, why=why)


def accept_by_hand_raise(matter: Matter) -> None:
    """The person asked for us: Baton accepts for the rep, and nobody has to answer the offer any more.

    No acceptance is recorded: the fast lane has no accept step.
    """
    targets.void(matter.handoff, Target.ACCEPT, why="hand-raise", now=matter.now)
    _accepted(matter, by=None)
    matter.record(by=None, why="fast lane")


def _accepted(matter: Matter, *, by: User | None) -> None:
    now = matter.now
    matter.become(State.ACCEPTED, accepted_at=now)
    targets.start_accepted(matter.handoff, why="accepted", now=now, by=by)
    episodes.set_phase(matter.episode, Phase.ACCEPTED, now=now, by=by)
    lifecycle.move(matter.lead, Stage.SAL, cause=VERDICT, now=now, by=by)


@business
def reject(
    handoff_id: int,
    *,
    reason: Reason | str,
    note: str = "",
    by: User | None,
    now: datetime,
    performed_by: User | None = None,
    seen_version: int | None = None,
) -> Handoff:
    """The lead did not meet the definition: the offer ends unaccepted, and what the reason says follows.

    Raises Invalid for a reason that does not stand on reject, NotYours, AlreadyDecided.
    """
    matter = take(handoff_id, by=by, now=now, performed_by=performed_by)
    matter.expect(State.OFFERED, seen_version=seen_version)
    why = _reason(reason, on_reject=True)
    if why.follows == Reason.Follows.DATE:
        raise Invalid("This reason needs the date the person named: return the lead with that date.")
    _no(matter, State.REJECTED, reason=why, note=check_note(note), named_date=None, by=by)
    return matter.handoff


@business
def return_(
    handoff_id: int,
    *,
    reason: Reason | str,
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
    why = _reason(reason, on_reject=False)
    dated = why.follows == Reason.Follows.DATE
    open_states = (State.OFFERED, State.ACCEPTED) if dated else (State.ACCEPTED,)
    matter.expect(*open_states, seen_version=seen_version)
    date = _date(named_date, dated=dated, now=matter.now)
    text = check_note(note)
    together = matter.handoff.state == State.OFFERED
    _check_touched(matter.handoff, why)
    if together:
        take_on(matter, by=by, why=NAMED_DATE)
    _no(matter, State.RETURNED, reason=why, note=text, named_date=date, by=by, together=together)
    return matter.handoff


@business
def convert(
    handoff_id: int,
    *,
    bant: dict[str, Any] | None = None,
    note: str = "",
    by: User | None,
    now: datetime,
    performed_by: User | None = None,
    seen_version: int | None = None,
) -> Handoff:
    """Sales-qualified: stage SQL, hand-off and episode close as converted; the rep keeps the lead.

    `bant` may hold budget, authority, need and timing as short texts. Raises Invalid, NotYours, AlreadyDecided.
    """
    matter = take(handoff_id, by=by, now=now, performed_by=performed_by)
    matter.expect(State.ACCEPTED, seen_version=seen_version)
    fields = _bant(bant or {})
    credit(matter, by=by, bant=fields, note=check_note(note))
    lifecycle.move(matter.lead, Stage.SQL, cause=VERDICT, now=matter.now, by=by)
    episodes.close(matter.episode, ClosedAs.CONVERTED, now=matter.now, by=by)
    matter.record(by=by, why=VERDICT)
    return matter.handoff


def credit(matter: Matter, *, by: User | None, bant: dict[str, str] | None = None, note: str = "") -> None:
    """The hand-off ends converted, by the rep's verdict or because the deal or the purchase came while they had it."""
    now = matter.now
    matter.become(State.CONVERTED, closed_at=now, bant=bant or {}, note=note)
    targets.meet(matter.handoff, Target.QUALIFY, at=now, now=now)
    targets.void(matter.handoff, why="converted", now=now)
    _outcome(matter, Outcome.Kind.CONVERTED, by=by)


def _no(
    matter: Matter,
    state: str,
    *,
    reason: Reason,
    note: str,
    named_date: datetime | None,
    by: User | None,
    together: bool = False,
) -> None:
    """Close the hand-off with its verdict; a reroute leaves the episode waiting, every other no ends it."""
    now, handoff = matter.now, matter.handoff
    matter.become(state, closed_at=now, reason=reason, note=note, named_date=named_date)
    answered = Target.ACCEPT if state == State.REJECTED else Target.QUALIFY
    targets.meet(handoff, answered, at=now, now=now)
    targets.void(handoff, why=state, now=now)
    holding.hold(matter.lead, user=None, team=None, now=now)
    if reason.follows == Reason.Follows.REROUTE:
        episodes.set_phase(matter.episode, Phase.WAITING, now=now, by=by, route_not_before=now + UNDO_FOR)
        targets.start_assign(
            matter.episode, matter.lead, cause=f"hop:{handoff.hop}", start_at=now, why="rerouted", now=now, by=by
        )
    else:
        closed_as = ClosedAs.REJECTED if state == State.REJECTED else ClosedAs.RETURNED
        kind = Outcome.Kind.REJECTED if state == State.REJECTED else Outcome.Kind.RETURNED
        _outcome(matter, kind, by=by, reason=reason)
        _follow(matter, reason, named_date, by=by)
        episodes.close(matter.episode, closed_as, now=now, by=by)
    matter.record(by=by, why=NAMED_DATE if named_date else VERDICT, together=together)


def _follow(matter: Matter, reason: Reason, named_date: datetime | None, *, by: User | None) -> None:
    """What follows from a no that ends the episode: a rest, a date, or disqualification; evidence is spent."""
    lead, now = matter.lead, matter.now
    if reason.follows == Reason.Follows.DISQUALIFY:
        nurture.spend(lead, now=now, by=by, cause=VERDICT)
        lifecycle.move(lead, Stage.DISQUALIFIED, cause=VERDICT, now=now, by=by, note=reason.label)
    elif named_date is not None:
        nurture.promise_callback(lead, at=named_date, user=matter.handoff.user, now=now, by=by, cause=NAMED_DATE)
    else:
        rest_until = now + timedelta(days=reason.rest_days or 0)
        nurture.recycle(lead, rest_until=rest_until, spend=True, now=now, by=by, cause=VERDICT)


def _outcome(matter: Matter, kind: str, *, by: User | None, reason: Reason | None = None) -> None:
    """Write downwards what became of the lead: scoring learns from nothing else."""
    outcomes.record(
        matter.lead,
        kind,
        at=matter.now,
        now=matter.now,
        via=Outcome.Via.VERDICT,
        by=by,
        reason_code=reason.code if reason else "",
        reason_label=reason.label if reason else "",
        matter=matter.episode.public_id,
    )


def _reason(reason: Reason | str, *, on_reject: bool) -> Reason:
    """The reason by its code, where it is in use and stands on this verdict."""
    stands = Reason.objects.filter(is_active=True, **({"on_reject": True} if on_reject else {"on_return": True}))
    code = reason.code if isinstance(reason, Reason) else reason
    found = stands.filter(code=code).first()
    if found is None:
        verdict = "rejecting" if on_reject else "returning"
        codes = ", ".join(stands.values_list("code", flat=True))
        raise Invalid(f"Choose a reason for {verdict}; one of {codes or 'none in use'}.", field="reason")
    return found


def _check_touched(handoff: Handoff, reason: Reason) -> None:
    """Before a return the reason may ask for a touch, or for as many as the policy promises."""
    needed = 0
    if reason.needs == Reason.Needs.TOUCH:
        needed = 1
    elif reason.needs == Reason.Needs.DEPTH:
        needed = depth_of(handoff)
    if handoff.touches < needed:
        times = "once" if needed == 1 else f"{needed} times"
        raise NotTouchedYet(
            f"“{reason.label}” needs you to have reached out {times} first; {handoff.touches} so far.",
            touches=handoff.touches,
            needed=needed,
        )


def depth_of(handoff: Handoff) -> int:
    """How many touches full follow-up is, by the timing its clock counts by; one where nothing was promised."""
    clock = handoff.clocks.filter(target=Target.DEPTH).order_by("-pk").first()
    timing = clock.timings.order_by("-number").first() if clock is not None else None
    if timing is None:
        return 1
    promised = PolicyTarget.objects.filter(
        version=timing.policy_version_id, target=Target.DEPTH, heat=timing.target_amount_of
    ).first()
    return (promised.touches if promised is not None else None) or 1


def _date(named_date: datetime | None, *, dated: bool, now: datetime) -> datetime | None:
    if not dated:
        if named_date is not None:
            raise Invalid("Only a reason that comes back on a named date takes one.", field="named_date")
        return None
    if named_date is None:
        raise Invalid("Give the date the person named.", field="named_date")
    if named_date.tzinfo is None or named_date <= now:
        raise Invalid("The named date must be in the future.", field="named_date")
    if named_date > now + FARTHEST_DATE:
        raise Invalid("The named date must lie within three years.", field="named_date")
    return named_date


def check_note(note: str) -> str:
    """A note as it is kept: without NUL, trimmed. Raises Invalid where it is too long."""
    text = note.replace("\x00", "").strip()
    if len(text) > LONGEST_NOTE:
        raise Invalid(f"A note has at most {LONGEST_NOTE:,} characters.", field="note")
    return text


def _bant(bant: dict[str, Any]) -> dict[str, str]:
    """Budget, authority, need, timing: any of the four, each a short text."""
    if not isinstance(bant, dict) or set(bant) - set(BANT):
        raise Invalid(f"BANT has the fields {', '.join(BANT)}.", field="bant")
    kept = {}
    for name in BANT:
        value = bant.get(name, "")
        if not isinstance(value, str) or len(value) > LONGEST_BANT:
            raise Invalid(f"{name.capitalize()} is a text of at most {LONGEST_BANT} characters.", field="bant")
        text = value.replace("\x00", "").strip()
        if text:
            kept[name] = text
    return kept
