"""Taking a verdict back: by the rep within seconds, by a manager later and with a reason."""

from __future__ import annotations

from datetime import datetime

from leads import holding, lifecycle, nurture, outcomes
from leads.errors import Invalid, Refused
from leads.models import Lead, Outcome, Stage, Team, TeamMembership, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Phase
from sla import clocks
from sla.clocks import hops, targets
from sla.handoffs import making, moves, room, taking_back, turn_back
from sla.handoffs.answers import LONGEST_NOTE
from sla.handoffs.effects import NAMED_DATE, VERDICT
from sla.handoffs.moves import UNDO_FOR, Matter, NotYours, present, take
from sla.handoffs.sheets import followers
from sla.models import Clock, Handoff, HandoffChange, NextStepChange, Rep, State, Touch
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
VERDICT_STATES = (State.REJECTED, State.RETURNED, State.CONVERTED)


class CannotUndo(Refused):
    """There is nothing to undo, or something newer stands on it, or the time is over."""

    title = "Not undone"
    code = "cannot_undo"


class CannotReopen(Refused):
    """The verdict can't be taken back any more."""

    title = "Not reopened"
    code = "cannot_reopen"


@business
def undo(handoff_id: int, *, by: User | None, now: datetime, seen_version: int | None = None) -> Handoff:
    """Put everything back as it was before the last verdict: within 15 s of it, while nothing newer stands.

    Stage, hand-off, rest, evidence and clocks are as if nothing had happened: a running clock's due instant never
    moves. Handing over is undone likewise, while the colleague has not acted. Raises CannotUndo, CannotTakeBack,
    NotYours, AlreadyDecided for an old page.
    """
    matter = take(handoff_id, by=by, now=now, ended=True)
    matter.expect(*State.values, seen_version=seen_version)
    change = _changes(matter)[-1]
    if taking_back.is_handed_over(change):
        taking_back.withdraw_offer(matter, change, harmless=HARMLESS, by=by)
    else:
        change = _undoable(matter)
    was_closed = matter.handoff.closed_at is not None
    rep = _lock_holder(matter)
    here = room.load_of(rep) if rep is not None and was_closed else None
    if was_closed:
        turn_back.take_again(matter.handoff)
    _put_back(matter, change, by=by)
    if change.before["together"]:
        previous = _changes(matter)[-3]
        _put_back(matter, previous, by=by)
    if here is not None and rep is not None:
        room.pass_capacity(matter.handoff, rep, room=here, why="undo", now=matter.now)
    return matter.handoff


def _lock_holder(matter: Matter) -> Rep | None:
    """The rep who had it, locked; None for a signal, which takes nobody's room. Raises InactiveRep."""
    if not matter.is_signal:
        return moves.lock_rep(matter.handoff.user_id)
    moves.lock_person(matter.handoff.user_id)
    return None


def _changes(matter: Matter) -> list[HandoffChange]:
    return list(matter.handoff.changes.order_by("pk"))


def _undoable(matter: Matter) -> HandoffChange:
    """The verdict that may be undone, or why none may."""
    last = _changes(matter)[-1]
    state = present(matter.handoff)
    if last.is_undo or last.by_id is None or last.why not in (VERDICT, NAMED_DATE):
        raise CannotUndo("There is no verdict to undo here.", **state)
    if matter.now > last.at + UNDO_FOR:
        raise CannotUndo(
            f"Undo works for {UNDO_FOR.seconds} seconds. After that a manager can reopen it with a reason.", **state
        )
    newer_moves = HandoffChange.objects.filter(handoff__episode=matter.episode, pk__gt=last.pk)
    newer_changes = matter.episode.changes.filter(pk__gt=last.before["episode_change"]).exclude(what__in=HARMLESS)
    newer_touches = Touch.objects.filter(lead=matter.lead, pk__gt=last.before["touch"])
    moved_on = matter.lead.pk != matter.episode.lead_id or nurture.snapshot(matter.lead) != last.before["lead_after"]
    if moved_on or newer_moves.exists() or newer_changes.exists() or newer_touches.exists():
        raise CannotUndo("Something newer has happened since, so this stays as it is.", **state)
    return last


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
    for clock in _clocks(sheet["clocks_started"]):
        clocks.void(clock, why="undone", now=now)
    for clock in _clocks(sheet["clocks_ended"]):
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
    matter.record(by=by, why="undo", is_undo=True)
    events.taken_back(matter.handoff, to_state=change.to_state, version=_version_of(change), now=now)


def _version_of(change: HandoffChange) -> int:
    """The version the hand-off had by this change: it counts its moves."""
    return HandoffChange.objects.filter(handoff=change.handoff_id, pk__lte=change.pk).count()


def _clocks(ids: list[int]) -> list[Clock]:
    rows = Clock.objects.select_for_update(of=("self",)).select_related("episode", "handoff")
    return list(rows.filter(pk__in=ids).order_by("pk"))


def _hold_again(lead: Lead, holder_id: int | None, team_id: int | None, *, now: datetime) -> None:
    user = User.objects.filter(pk=holder_id).first() if holder_id else None
    team = Team.objects.filter(pk=team_id).first() if team_id else None
    holding.hold(lead, user=user, team=team, now=now)


@business
def reopen(handoff_id: int, *, by: User, why: str, now: datetime) -> Handoff:
    """A manager takes a verdict back, with a reason: the same rep gets the lead again, as a new, accepted hop.

    The rest ends, stage and evidence are as before the verdict, its Outcome is withdrawn; the clocks of the new hop
    start now. Raises NotYours for whoever isn't a manager of the team, CannotReopen where no verdict stands, a rep
    has it again, or the lead has moved on since.
    """
    matter = take(handoff_id, by=by, now=now, ended=True)
    handoff, now = matter.handoff, matter.now
    if not TeamMembership.objects.filter(user=by, team_id=handoff.team_id, is_manager=True).exists():
        raise NotYours("There is no such hand-off, or it isn't yours to reopen.")
    reason = why.replace("\x00", "").strip()
    if not reason or len(reason) > LONGEST_NOTE:
        raise Invalid(f"Say in a sentence of at most {LONGEST_NOTE:,} characters why it is reopened.", field="why")
    verdict = _standing_verdict(matter)
    rep = _lock_holder(matter)
    here = room.room_of(rep, now=now) if rep is not None else None
    _open_again(matter, verdict, by=by)
    hop = making.create(
        matter.episode,
        to=handoff.user,
        state=State.ACCEPTED,
        now=now,
        by=by,
        why="reopened",
        team=handoff.team,
        rule=handoff.rule,
        policy_version=targets.policy(matter.episode, matter.lead) or handoff.policy_version,
        note=reason,  # erasable, as every free text about a person
    )
    if rep is not None and here is not None:
        room.pass_capacity(hop, rep, room=here, why="reopened", now=now)
    hops.start_offered([hop], why="reopened", by=by)
    keeping.plan(hop, why=NextStepChange.Why.ACCEPTED, now=now, by=by)
    matter.hold(handoff.user, handoff.team)
    accepted = Outcome.objects.filter(
        matter=matter.episode.public_id, kind=Outcome.Kind.ACCEPTED, withdrawn_at=None
    ).exists()
    mails.news(hop, "reopened", now=now)
    for lead in [] if accepted or matter.is_signal else matter.everyone:
        outcomes.record(
            lead,
            Outcome.Kind.ACCEPTED,
            at=now,
            now=now,
            via=Outcome.Via.VERDICT,
            by=by,
            matter=matter.episode.public_id,
            is_colleague=lead.pk != matter.lead.pk,
        )
    return hop


def _standing_verdict(matter: Matter) -> HandoffChange:
    """The verdict that reopening takes back, or why it can't."""
    handoff, state = matter.handoff, present(matter.handoff)
    newest = Handoff.objects.filter(episode=matter.episode).last_in_play().first()
    if handoff.state not in VERDICT_STATES or newest != handoff:
        raise CannotReopen("Only the last verdict on an episode can be reopened.", **state)
    verdict = [change for change in _changes(matter) if change.to_state == handoff.state][-1]
    if verdict.by_id is None:
        raise CannotReopen("A deal or a purchase ended this, not a verdict.", **state)
    after = verdict.before["lead_after"]["stage"]
    if matter.lead.pk != matter.episode.lead_id or matter.lead.stage != after:
        raise CannotReopen(f"The lead has moved on since: it stands at {matter.lead.get_stage_display()}.", **state)
    return verdict


def _open_again(matter: Matter, verdict: HandoffChange, *, by: User) -> None:
    """Episode, stage, rest, evidence and Outcome as before the verdict; the new hop is an accepted one."""
    now, episode = matter.now, matter.episode
    back = followers(matter.episode, verdict.before)
    matter.colleagues = [lead for lead, _ in back]
    if episode.closed_at is not None:
        episodes.reopen(episode, phase=Phase.ACCEPTED, now=now, by=by, cause="reopen", colleagues=matter.colleagues)
    else:
        # A reroute left it waiting.
        assign = targets.running_assign(episode)
        if assign is not None:
            clocks.meet(assign, at=now, now=now)
        episodes.set_phase(episode, Phase.ACCEPTED, now=now, by=by, detail={"cause": "reopen"})
    for lead, was in [(matter.lead, verdict.before), *back]:
        nurture.restore(lead, was["lead"], now=now, by=by, cause="reopen")
        if lead.stage == Stage.MQL:
            lifecycle.move(lead, Stage.SAL, cause="reopen", now=now, by=by)
    if verdict.before["outcomes"]:
        outcomes.withdraw(matter=episode.public_id, now=now, kinds=[KIND_OF[State(verdict.to_state)]])
