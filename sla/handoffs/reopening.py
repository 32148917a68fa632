"""Reopening: a manager takes a verdict back later, and with a reason."""

from __future__ import annotations

from datetime import datetime

from leads import lifecycle, nurture, outcomes
from leads.errors import Invalid, Refused
from leads.models import Outcome, Stage, TeamMembership, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Phase
from sla import clocks
from sla.clocks import hops, targets
from sla.handoffs import closing, graces, making, room
from sla.handoffs.answers import LONGEST_NOTE
from sla.handoffs.moves import Matter, NotYours, present, take
from sla.handoffs.sheets import followers
from sla.handoffs.undo import KIND_OF, changes_of, lock_holder
from sla.models import Handoff, HandoffChange, NextStepChange, State
from sla.nextsteps import keeping
from sla.telling import mails

VERDICT_STATES = (State.REJECTED, State.RETURNED, State.CONVERTED)


class CannotReopen(Refused):
    """The verdict can't be taken back any more."""

    title = "Not reopened"
    code = "cannot_reopen"


@business
def reopen(handoff_id: int, *, by: User, why: str, now: datetime) -> Handoff:
    """A manager takes a verdict back, with a reason: the same rep gets the lead again, as a new, accepted hop.

    The rest ends, stage and evidence are as before the verdict, its Outcome is withdrawn; the clocks of the new hop
    start now, and so does the grace of its policy where that rep is away. Raises NotYours for whoever isn't a manager
    of the team, CannotReopen where no verdict stands, a rep has it again, or the lead has moved on since.
    """
    matter = take(handoff_id, by=by, now=now, ended=True)
    handoff, now = matter.handoff, matter.now
    if not TeamMembership.objects.filter(user=by, team_id=handoff.team_id, is_manager=True).exists():
        raise NotYours("There is no such hand-off, or it isn't yours to reopen.")
    reason = why.replace("\x00", "").strip()
    if not reason or len(reason) > LONGEST_NOTE:
        raise Invalid(f"Say in a sentence of at most {LONGEST_NOTE:,} characters why it is reopened.", field="why")
    verdict = _standing_verdict(matter)
    # What a next owner has taken goes back to the rep who had converted it.
    goes_to = closing.sales_leg(matter.episode) if matter.is_closing else handoff
    if goes_to is None:
        raise CannotReopen("Nobody had converted this.", **present(handoff))
    rep = lock_holder(matter, goes_to.user_id)
    here = room.room_of(rep, now=now) if rep is not None else None
    _open_again(matter, verdict, by=by)
    hop = making.create(
        matter.episode,
        to=goes_to.user,
        state=State.ACCEPTED,
        now=now,
        by=by,
        why="reopened",
        team=goes_to.team,
        rule=goes_to.rule,
        policy_version=targets.policy(matter.episode, matter.lead) or goes_to.policy_version,
        note=reason,  # erasable, as every free text about a person
    )
    if rep is not None and here is not None:
        room.pass_capacity(hop, rep, room=here, why="reopened", now=now)
        graces.begin_where_away(hop, rep, now=now)
    hops.start_offered([hop], why="reopened", by=by)
    keeping.plan(hop, why=NextStepChange.Why.ACCEPTED, now=now, by=by)
    matter.hold(goes_to.user, goes_to.team)
    mails.news(hop, "reopened", now=now)
    _count_as_accepted(matter, by=by)
    return hop


def _count_as_accepted(matter: Matter, *, by: User) -> None:
    """What is accepted again counts as accepted, unless it has done so all along; a signal never does."""
    key = matter.episode.public_id
    accepted = Outcome.objects.filter(matter=key, kind=Outcome.Kind.ACCEPTED, withdrawn_at=None)
    if matter.is_signal or accepted.exists():
        return
    for lead in matter.everyone:
        outcomes.record(
            lead,
            Outcome.Kind.ACCEPTED,
            at=matter.now,
            now=matter.now,
            via=Outcome.Via.VERDICT,
            by=by,
            matter=key,
            is_colleague=lead.pk != matter.lead.pk,
        )


def _standing_verdict(matter: Matter) -> HandoffChange:
    """The verdict that reopening takes back, or why it can't."""
    handoff, state = matter.handoff, present(matter.handoff)
    newest = Handoff.objects.filter(episode=matter.episode).last_in_play().first()
    if handoff.state not in VERDICT_STATES or newest != handoff:
        raise CannotReopen("Only the last verdict on an episode can be reopened.", **state)
    verdict = [change for change in changes_of(matter) if change.to_state == handoff.state][-1]
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
        if lead.stage in (Stage.MQL, Stage.SQL):
            lifecycle.move(lead, Stage.SAL, cause="reopen", now=now, by=by)
    if verdict.before["outcomes"] or matter.is_closing:
        outcomes.withdraw(matter=episode.public_id, now=now, kinds=[KIND_OF[State(verdict.to_state)]])
