"""Deciding: a manager of the rep's team upholds a contested rejection, or overturns it; either is final."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from leads import nurture, outcomes
from leads.errors import Invalid, Refused
from leads.locks import LeadGone
from leads.models import Lead, Outcome, Role, Team, User
from leads.transactions import business
from leads.wake import wake
from scoring import episodes
from scoring.models import Phase
from sla import routing
from sla.clocks import targets
from sla.contests.consequences import Consequence, foresee
from sla.contests.contesting import given
from sla.handoffs import turn_back
from sla.handoffs.moves import Matter, NotYours, take
from sla.handoffs.sheets import followers
from sla.models import Contest, Handoff, State
from sla.querysets import managed_teams
from sla.routing import standins
from sla.telling import contests as letters
from sla.telling import events

OVERTURNED: Final = "overturned"
Became, Decision = Contest.Became, Contest.Decision


class AlreadyContested(Refused):
    """Somebody has decided already, or what overturning would do is not what the page said any more."""

    title = "Not decided"
    code = "already_decided"


class _Locked(NamedTuple):
    """An open contest with its matter, locked; no matter where the person was erased."""

    contest: Contest
    matter: Matter | None
    now: datetime


@business
def uphold(contest_id: int, *, why: str, by: User, now: datetime) -> Contest:
    """The rejection stands, for good: nothing changes, and the rep and who contested it are told.

    Raises NotYours for who doesn't decide for that team, AlreadyContested, Invalid without a reason.
    """
    here = _lock(contest_id, by=by, now=now)
    return _decide(here, Decision.UPHELD, why=given(why, "why"), by=by)


@business
def overturn(contest_id: int, *, why: str, to: User | None, by: User, now: datetime, seen: str = "") -> Contest:
    """The rejection no longer counts; the rest it brought ends, what it spent counts again, and the lead is offered.

    To this rep, who may be the one who rejected it, or by the rules (None), which pass that rep over; its matter opens
    again, its clocks start now, and who joined it follows. Where the lead has moved on only the record is corrected.
    `seen` is what the page said would become of it. Raises NotYours, AlreadyContested, NotAble with why that rep can't
    take it, Invalid.
    """
    here = _lock(contest_id, by=by, now=now)
    reason, handoff = given(why, "why"), here.contest.handoff
    will = foresee(handoff, now=here.now)
    if seen and seen != will.became:
        raise AlreadyContested(f"Things have changed since you saw this, so nothing was done. {will}")
    outcomes.withdraw(matter=handoff.episode.public_id, now=here.now, kinds=[Outcome.Kind.REJECTED])
    turn_back.take_again(handoff)
    hop, became = None, will.became
    if here.matter is not None and became != Became.RECORDED:
        hop = _give_back(here.matter, will, to=to, by=by)
    if will.offers and hop is None:
        became = Became.WAITS
    return _decide(here, Decision.OVERTURNED, why=reason, by=by, became=became, hop=hop)


def _lock(contest_id: int, *, by: User, now: datetime) -> _Locked:
    """Lead, episode, hand-off, then the contest itself."""
    known = Contest.objects.filter(pk=contest_id).decidable_by(by).first()
    if known is None:
        raise NotYours("There is no such contest, or it isn’t yours to decide.")
    try:
        matter = take(known.handoff_id, by=None, now=now, ended=True)
    except LeadGone:
        matter = None
    contest = Contest.objects.select_for_update(of=("self",)).get(pk=contest_id)
    contest.handoff = Handoff.objects.select_related("user", "team", "episode", "reason").get(pk=known.handoff_id)
    if not contest.is_open:
        done = contest.get_decision_display().lower()
        raise AlreadyContested(f"{contest.decided_by} has {done} it already.", decision=contest.decision)
    return _Locked(contest, matter, max(now, contest.at, matter.now if matter is not None else now))


def _decide(
    here: _Locked, decision: str, *, why: str, by: User, became: str = "", hop: Handoff | None = None
) -> Contest:
    contest = here.contest
    contest.decision, contest.why, contest.became, contest.hop = decision, why, became, hop
    contest.decided_by, contest.decided_at = by, here.now
    contest.save(update_fields=["decision", "why", "became", "hop", "decided_by", "decided_at"])
    letters.decided(contest)
    events.tell("rejection.decided", handoff=contest.handoff, contest=contest, now=here.now)
    return contest


def _give_back(matter: Matter, will: Consequence, *, to: User | None, by: User) -> Handoff | None:
    """Everything as before the rejection, for whoever followed it as well; and, where that may be, the next offer."""
    now, episode = matter.now, matter.episode
    verdict = matter.handoff.changes.filter(to_state=State.REJECTED, is_undo=False).latest("pk")
    back = [(matter.lead, verdict.before), *followers(episode, verdict.before)]
    if will.offers:
        joined = [lead for lead, _ in back[1:]]
        episodes.reopen(episode, phase=Phase.WAITING, now=now, by=by, cause=OVERTURNED, colleagues=joined)
    for lead, was in back:
        stage = was["lead"]["stage"] if will.offers else _stage_before(matter, lead)
        nurture.restore(lead, was["lead"] | {"stage": stage}, now=now, by=by, cause=OVERTURNED)
    return _offer(matter, to=to, by=by) if will.offers else None


def _stage_before(matter: Matter, lead: Lead) -> str:
    """Where the person stood before this matter began: MQL is only who is in an open one."""
    return matter.episode.members.filter(lead=lead).latest("joined_at").stage_before


def _offer(matter: Matter, *, to: User | None, by: User) -> Handoff | None:
    """The next hop, to this rep or by the rules; None where these find nobody yet, and it waits."""
    now, handoff, episode = matter.now, matter.handoff, matter.episode
    targets.start_assign(episode, matter.lead, cause=f"hop:{handoff.hop}", start_at=now, why=OVERTURNED, now=now, by=by)
    if to is None:
        made = routing.route(episode.pk, now=now)
        if made is None:
            wake("route")
        return made
    if not to.is_active:
        raise Invalid(f"{to} works here no more. Choose somebody else.", field="to")
    teams = Team.objects.all() if by.has_role(Role.ADMIN) else managed_teams(by)
    team = standins.team_of(to, teams, first=handoff.team)
    again = to.pk == handoff.user_id
    return standins.offer(episode, to, team, why=OVERTURNED, by=by, now=now, though_they_said_no=again)
