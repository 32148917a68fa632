"""The closing leg: the next owner of a converted lead is asked to take it from here, and answers.

While it is on offer the stage is SQL and the episode is *offered*; only the accept clock runs, by the tier's target of
the policy that holds. It takes no room, no turn, and no rule routes it. docs/closing.md has the table of what happens
to it by every verb and event; tests/sla/test_closing.py has a case for each line.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from leads import lifecycle, outcomes
from leads.models import Lead, Outcome, Stage, Team, TeamMembership, User
from scoring import episodes
from scoring.models import ClosedAs, Episode, Lane, Phase
from sla.clocks import hops, targets
from sla.handoffs import making, moves, room, writing
from sla.handoffs.answers import Given
from sla.handoffs.closers import NextOwner
from sla.handoffs.effects import VERDICT
from sla.handoffs.moves import UNDO_FOR, Matter
from sla.models import Handoff, Leg, NextStepChange, Reason, Rep, RoutingTrace, State, Target
from sla.nextsteps import keeping
from sla.telling import mails

CONVERTED: Final = "converted"
GIVEN_BACK: Final = "given back"


def offer(matter: Matter, to: NextOwner, *, why: str, by: User | None, not_before: datetime | None = None) -> Handoff:
    """Ask this next owner, who is locked: theirs to answer, and to hold, from now on. Told at `not_before`."""
    now, episode = matter.now, matter.episode
    sales = sales_leg(episode)
    leg = making.create(
        episode,
        to=to.rep.user,
        state=State.OFFERED,
        now=now,
        by=by,
        why=why,
        not_before=not_before,
        team=to.team,
        leg=Leg.CLOSING,
        lane=Lane.NORMAL,
        policy_version=targets.policy(episode, matter.lead) or matter.handoff.policy_version,
    )
    _trace(leg, why=why, by=by)
    promised = hops.start_offered([leg], why="closing", by=by)
    matter.hold(to.rep.user, to.team)
    episodes.set_phase(episode, Phase.OFFERED, now=now, by=by, detail={"handoff": leg.pk, "leg": Leg.CLOSING})
    matter.made = leg
    mails.closing(leg, promised, sales=sales, now=now, not_before=not_before)
    return leg


def take_up(matter: Matter, *, by: User | None, why: str) -> None:
    """The next owner says yes: leg and episode close as converted, as one act. Who converted it is told."""
    now = matter.now
    _answer(matter, by=by, why=why)
    episodes.close(matter.episode, ClosedAs.CONVERTED, now=now, by=by)
    matter.record(by=by, why=why, together=True)
    if (sales := sales_leg(matter.episode)) is not None:
        told_at = now + UNDO_FOR if by is not None else None
        once = f"hop{matter.handoff.hop}:v{matter.handoff.version}"
        mails.news(sales, "taken_up", now=now, once=once, not_before=told_at)


def credit(matter: Matter, *, why: str) -> None:
    """A deal or a purchase answers for the next owner, while the leg was on offer: it counts as theirs."""
    _answer(matter, by=None, why=why)
    matter.record(by=None, why=why)


def _answer(matter: Matter, *, by: User | None, why: str) -> None:
    """Accepted, and in the same moment converted: what the sales leg had converted is not counted again."""
    now, handoff = matter.now, matter.handoff
    targets.meet(handoff, Target.ACCEPT, at=now, now=now)
    matter.become(State.ACCEPTED, accepted_at=now)
    matter.record(by=by, why=why)
    matter.become(State.CONVERTED, closed_at=now)
    targets.void(handoff, why="converted", now=now)


def reject(matter: Matter, *, reason: Reason, given: Given, by: User | None) -> None:
    """The next owner says no: whoever converted it has it again, accepted. Nothing rests, nothing is spent."""
    now, handoff = matter.now, matter.handoff
    matter.become(State.REJECTED, closed_at=now, reason=reason, note=given.note, evidence=given.evidence)
    targets.meet(handoff, Target.ACCEPT, at=now, now=now)
    targets.void(handoff, why=State.REJECTED, now=now)
    _back_to_sales(matter, by=by, told_at=now + UNDO_FOR if by is not None else None, said=reason.label)
    matter.record(by=by, why=VERDICT)


def give_back(matter: Matter, *, why: str, by: User | None, as_of: datetime | None = None, note: str = "") -> None:
    """The next owner is away, gone, or has it taken from them: it goes back likewise, and counts against nobody."""
    handoff = matter.handoff
    matter.become(State.MOVED, closed_at=matter.now, note=note or handoff.note)
    targets.void(handoff, why=f"moved: {why}", now=matter.now, as_of=as_of)
    _back_to_sales(matter, by=by, told_at=None, said=why)
    matter.record(by=by, why=why[:60], performed_by=False)


def pass_on(matter: Matter, to: NextOwner, *, why: str, by: User | None, note: str = "") -> Handoff:
    """Another next owner, who is locked, is asked instead: the next hop of the closing leg, with a fresh clock."""
    handoff = matter.handoff
    matter.become(State.MOVED, closed_at=matter.now, note=note or handoff.note)
    targets.void(handoff, why=f"moved: {why}", now=matter.now)
    made = offer(matter, to, why=why, by=by)
    matter.record(by=by, why=why[:60], performed_by=False)
    return made


def sales_leg(episode: Episode) -> Handoff | None:
    """The converted sales leg that a closing leg follows; acceptance reads this one."""
    legs = Handoff.objects.filter(episode=episode, leg=Leg.SALES, state=State.CONVERTED)
    found = legs.select_related("user", "team", "rule", "policy_version").order_by("-hop").first()
    if found is not None:
        found.episode = episode
    return found


def join(matter: Matter, lead: Lead, *, now: datetime) -> None:
    """A colleague qualified while a next owner is asked: they stand where the matter stands, converted."""
    note = "Joined what was converted"
    lifecycle.move(lead, Stage.SAL, cause=VERDICT, now=now, note=note)
    lifecycle.move(lead, Stage.SQL, cause=VERDICT, now=now, note=note)
    writing.outcome(matter, lead, Outcome.Kind.CONVERTED, by=None)


def _back_to_sales(matter: Matter, *, by: User | None, told_at: datetime | None, said: str) -> None:
    """A new, accepted sales hop of the former rep; where they are away or gone it waits for the next rep."""
    now, episode = matter.now, matter.episode
    outcomes.withdraw(matter=episode.public_id, now=now, kinds=[Outcome.Kind.CONVERTED])
    for lead in matter.everyone:
        lifecycle.move(lead, Stage.SAL, cause=VERDICT, now=now, by=by, note="Given back by the next owner")
    sales = sales_leg(episode)
    rep = _former(sales, now=now) if sales is not None else None
    if sales is None or rep is None:
        matter.hold(None, None)
        episodes.set_phase(episode, Phase.WAITING, now=now, by=by, detail={"why": GIVEN_BACK}, route_not_before=told_at)
        cause = f"hop:{matter.handoff.hop}"
        targets.start_assign(episode, matter.lead, cause=cause, start_at=now, why=GIVEN_BACK, now=now, by=by)
        return
    here = room.room_of(rep, now=now)
    hop = making.create(
        episode,
        to=sales.user,
        state=State.ACCEPTED,
        now=now,
        by=by,
        why=GIVEN_BACK,
        not_before=told_at,
        team=sales.team,
        rule=sales.rule,
        policy_version=targets.policy(episode, matter.lead) or sales.policy_version,
    )
    _trace(hop, why=GIVEN_BACK, by=by)
    room.pass_capacity(hop, rep, room=here, why=GIVEN_BACK, now=now)
    hops.start_offered([hop], why=GIVEN_BACK, by=by)
    keeping.plan(hop, why=NextStepChange.Why.ACCEPTED, now=now, by=by)
    matter.hold(sales.user, sales.team)
    episodes.set_phase(episode, Phase.ACCEPTED, now=now, by=by, detail={"handoff": hop.pk, "why": GIVEN_BACK})
    matter.made = hop
    mails.given_back(hop, closer=matter.handoff.user, said=said, now=now, not_before=told_at)


def _former(sales: Handoff, *, now: datetime) -> Rep | None:
    """Who converted it, locked, if they can have it again: at work, and still in that team."""
    if not _is_in(sales.team, sales.user):
        return None
    try:
        rep = moves.lock_rep(sales.user_id)
    except moves.InactiveRep:
        return None
    return None if moves.is_away(rep, now=now) else rep


def _is_in(team: Team, user: User) -> bool:
    return TeamMembership.objects.filter(team=team, user=user).exists()


def _trace(handoff: Handoff, *, why: str, by: User | None) -> None:
    """Whom a person chose, or who had it before: no rule was asked."""
    chosen = {"user": handoff.user_id}
    trace: dict[str, Any] = {"why": why, "by": by.pk if by is not None else None, "rules": [], "team": handoff.team_id}
    RoutingTrace.objects.create(handoff=handoff, trace=trace | {"chosen": chosen, "next": [], "others": []})
