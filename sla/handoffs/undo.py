"""Taking a verdict back within seconds: everything is as if it had not been given."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from leads import holding, nurture, outcomes
from leads.errors import Refused
from leads.models import Lead, Outcome, Team, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode, EpisodeChange, Phase
from sla import clocks
from sla.clocks import targets
from sla.handoffs import closing, graces, moves, room, taking_back, turn_back
from sla.handoffs.effects import NAMED_DATE, VERDICT
from sla.handoffs.moves import UNDO_FOR, Matter, present, take
from sla.handoffs.sheets import followers
from sla.models import Clock, Handoff, HandoffChange, Rep, State, Touch
from sla.nextsteps import keeping
from sla.telling import events, mails

# What may be written about an episode after a verdict without standing in the way of its undo.
HARMLESS = ("cooled", "warm_again", "qualified", "definition_added")
KIND_OF = {
    State.ACCEPTED: Outcome.Kind.ACCEPTED,
    State.REJECTED: Outcome.Kind.REJECTED,
    State.RETURNED: Outcome.Kind.RETURNED,
    State.CONVERTED: Outcome.Kind.CONVERTED,
}


class CannotUndo(Refused):
    """There is nothing to undo, or something newer stands on it, or the time is over."""

    title = "Not undone"
    code = "cannot_undo"


@business
def undo(handoff_id: int, *, by: User | None, now: datetime, seen_version: int | None = None) -> Handoff:
    """Put everything back as it was before the last verdict: within 15 s of it, while nothing newer stands.

    Stage, hand-off, rest, evidence and clocks are as if nothing had happened: a running clock's due instant never
    moves. Handing over is undone likewise, while the colleague has not acted. Raises CannotUndo, CannotTakeBack,
    NotYours, AlreadyDecided for an old page.
    """
    matter = take(handoff_id, by=by, now=now, ended=True)
    matter.expect(*State.values, seen_version=seen_version)
    change = changes_of(matter)[-1]
    if taking_back.is_handed_over(change):
        taking_back.withdraw_offer(matter, change, harmless=HARMLESS, by=by)
    else:
        change = _undoable(matter)
    revert(matter, change, by=by)
    return matter.handoff


def revert(matter: Matter, change: HandoffChange, *, by: User | None) -> None:
    """Reverse this newest move of the hand-off, with the room it takes and what was to be told of it.

    Raises CannotUndo where its rep is away and would be offered it again, InactiveRep.
    """
    was_closed = matter.handoff.closed_at is not None
    rep = lock_holder(matter)
    if rep is not None and change.from_state == State.OFFERED and moves.is_away(rep, now=matter.now):
        raise CannotUndo(f"{rep} is away, so nothing can be on offer to them again.", **present(matter.handoff))
    takes_room = was_closed and not matter.is_closing
    here = room.load_of(rep) if rep is not None and takes_room else None
    if was_closed:
        turn_back.take_again(matter.handoff)
    if matter.is_closing and (sales := closing.sales_leg(matter.episode)) is not None:
        mails.take_back_news(sales, "taken_up", now=matter.now)
    if change.before.get("made") is not None and not taking_back.is_handed_over(change):
        _take_away(change.before["made"], matter, by=by)
    _put_back(matter, change, by=by)
    if change.before["together"]:
        previous = changes_of(matter)[-3]
        _put_back(matter, previous, by=by)
    if here is not None and rep is not None:
        room.pass_capacity(matter.handoff, rep, room=here, why="undo", now=matter.now)
    if rep is not None and matter.handoff.state == State.ACCEPTED:
        graces.begin_where_away(matter.handoff, rep, now=matter.now)


def lock_holder(matter: Matter, user_id: int | None = None) -> Rep | None:
    """The rep who had it, or who is to have it, locked; None for a signal, which takes nobody's room.

    Raises InactiveRep.
    """
    if not matter.is_signal:
        return moves.lock_rep(user_id or matter.handoff.user_id)
    moves.lock_person(user_id or matter.handoff.user_id)
    return None


def changes_of(matter: Matter) -> list[HandoffChange]:
    return list(matter.handoff.changes.order_by("pk"))


def _undoable(matter: Matter) -> HandoffChange:
    """The verdict that may be undone, or why none may."""
    last = changes_of(matter)[-1]
    state = present(matter.handoff)
    if last.is_undo or last.by_id is None or last.why not in (VERDICT, NAMED_DATE):
        raise CannotUndo("There is no verdict to undo here.", **state)
    if matter.now > last.at + UNDO_FOR:
        raise CannotUndo(
            f"Undo works for {UNDO_FOR.seconds} seconds. After that a manager can reopen it with a reason.", **state
        )
    newer_moves = HandoffChange.objects.filter(handoff__episode=matter.episode, pk__gt=last.pk)
    newer_changes = changes_since(matter.episode, last.before["episode_change"])
    newer_touches = Touch.objects.filter(lead=matter.lead, pk__gt=last.before["touch"])
    if has_moved_on(matter, last) or newer_moves.exists() or newer_changes.exists() or newer_touches.exists():
        raise CannotUndo("Something newer has happened since, so this stays as it is.", **state)
    return last


def changes_since(episode: Episode, newest_then: int) -> QuerySet[EpisodeChange]:
    """What has been written about the episode since this was the newest row, and stands in the way of undo."""
    return episode.changes.filter(pk__gt=newest_then).exclude(what__in=HARMLESS)


def has_moved_on(matter: Matter, change: HandoffChange) -> bool:
    """Whether the lead stands elsewhere than where this move has left it."""
    is_other = matter.lead.pk != matter.episode.lead_id
    return is_other or nurture.snapshot(matter.lead) != change.before["lead_after"]


def _put_back(matter: Matter, change: HandoffChange, *, by: User | None) -> None:
    """Reverse one move by a compensating one."""
    sheet, now, to_state = change.before, matter.now, change.from_state
    keeping.put_back(matter.handoff, sheet.get("next_step", 0), now=now, by=by)
    matter.become(
        to_state,
        closed_at=None,
        accepted_at=matter.handoff.accepted_at if to_state == State.ACCEPTED else None,
        reason=None,
        evidence="",
        note="",
        named_date=None,
        bant={},
    )
    for clock in clocks_of(sheet["clocks_started"]):
        clocks.void(clock, why="undone", now=now)
    for clock in clocks_of(sheet["clocks_ended"]):
        clocks.unmeet(clock, now=now)
    keeping.cut(matter.handoff, now=now)
    phase = Phase.ACCEPTED if to_state == State.ACCEPTED else Phase.OFFERED
    back = followers(matter.episode, sheet)
    if matter.episode.closed_at is not None:
        joined = [lead for lead, _ in back]
        episodes.reopen(matter.episode, phase=phase, now=now, by=by, cause="undo", colleagues=joined)
    else:
        episodes.set_phase(matter.episode, phase, now=now, by=by, detail={"cause": "undo"})
    for lead, was in [(matter.lead, sheet), *back]:
        nurture.restore(lead, was["lead"], now=now, by=by, cause="undo")
        _hold_again(lead, was["holder"], was["holder_team"], now=now)
    matter.colleagues = [lead for lead, _ in back]
    if sheet["outcomes"]:
        outcomes.withdraw(matter=matter.episode.public_id, now=now, kinds=[KIND_OF[State(change.to_state)]])
    outcomes.stand_again(sheet.get("outcomes_withdrawn", []), now=now)
    matter.record(by=by, why="undo", is_undo=True)
    events.taken_back(matter.handoff, to_state=change.to_state, version=_version_of(change), now=now)


def _take_away(handoff_id: int, matter: Matter, *, by: User | None) -> None:
    """The hop that the verdict has made goes with it; whom nobody has told of it hears nothing."""
    handoff = Handoff.objects.select_for_update(of=("self",)).select_related("user", "team").get(pk=handoff_id)
    made = Matter.of(matter.lead, matter.episode, handoff, now=matter.now)
    told = events.heard_of(handoff)
    events.silence(handoff, now=made.now)
    made.become(State.WITHDRAWN, closed_at=made.now, is_undone=True)
    targets.void(handoff, why="undone", now=made.now)
    made.record(by=by, why="undo", performed_by=False)
    if not told:
        events.silence(handoff, now=made.now)


def _version_of(change: HandoffChange) -> int:
    """The version the hand-off had by this change: it counts its moves."""
    return HandoffChange.objects.filter(handoff=change.handoff_id, pk__lte=change.pk).count()


def clocks_of(ids: list[int]) -> list[Clock]:
    """The clocks of these ids, locked in key order."""
    rows = Clock.objects.select_for_update(of=("self",)).select_related("episode", "handoff")
    return list(rows.filter(pk__in=ids).order_by("pk"))


def _hold_again(lead: Lead, holder_id: int | None, team_id: int | None, *, now: datetime) -> None:
    user = User.objects.filter(pk=holder_id).first() if holder_id else None
    team = Team.objects.filter(pk=team_id).first() if team_id else None
    holding.hold(lead, user=user, team=team, now=now)
