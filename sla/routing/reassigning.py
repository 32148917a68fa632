"""Reassigning: a manager takes an open hand-off from one of their reps and gives it to another, or to the rules."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from leads.errors import Invalid, Refused
from leads.models import Team, TeamMembership, User
from leads.transactions import business
from leads.wake import wake
from leads.words import one_line
from scoring import episodes
from scoring.models import Episode
from sla import handoffs
from sla.clocks import targets
from sla.handoffs import closers, closing, moves
from sla.handoffs.moves import Matter
from sla.models import Handoff, ManagerAct, Rep, State
from sla.querysets import managed_teams
from sla.routing import standins
from sla.telling import mails

REASSIGNED: Final = "reassigned"
TAKEN: Final = "taken over"
LONGEST_REASON: Final = 200
What = ManagerAct.What


class CannotReassign(Refused):
    """This hand-off can't change hands so; the sentence says why, and what can be done instead."""

    code = "cannot_reassign"


@business
def reassign(
    handoff_id: int, *, to: User | None, reason: str, by: User, now: datetime, seen_version: int | None = None
) -> Handoff | None:
    """Take an open hand-off away from its rep, and offer it to this one, or by the rules (None): the next hop.

    It counts against nobody, and its clocks start afresh. A named rep may be full, with an override row that says so.
    Returns the new hand-off; of one given back to the rules None, since routing is what comes next. Raises NotYours,
    AlreadyDecided where the page was old, CannotReassign, NotAble with why that rep can't take it, Invalid.
    """
    matter = take_from(handoff_id, by=by, now=now, seen_version=seen_version)
    if to is not None:
        return _pass_on(matter, to, What.REASSIGNED, reason=given(reason), by=by)
    if matter.is_closing:
        raise CannotReassign(
            "No rule says who closes. Choose who is to, or reject it with a reason for the next owner."
        )
    _take_away(matter, None, What.ROUTED, reason=given(reason), by=by)
    wake("route")
    return None


@business
def take_over(handoff_id: int, *, reason: str, by: User, now: datetime, seen_version: int | None = None) -> Handoff:
    """A manager who receives leads themself takes one from a member: theirs from now on, and accepted.

    Raises what reassigning raises; who receives no leads can't hold one, and acts for the rep instead.
    """
    if not Rep.objects.filter(user=by, is_active=True).exists():
        raise CannotReassign(
            "You receive no leads yourself, so none can be yours. Act for the rep on the lead’s page, or reassign it."
        )
    matter = take_from(handoff_id, by=by, now=now, seen_version=seen_version)
    taken = _pass_on(matter, by, What.TAKEN, reason=given(reason), by=by)
    if taken.state == State.OFFERED:
        taken = handoffs.accept(taken.pk, by=by, now=taken.offered_at)
    return taken


def take_from(handoff_id: int, *, by: User, now: datetime, seen_version: int | None) -> Matter:
    """The matter, locked, of an open hand-off of a team that `by` manages, as they saw it."""
    matter = moves.take(handoff_id, by=by, now=now)
    if not TeamMembership.objects.filter(user=by, team=matter.handoff.team_id, is_manager=True).exists():
        raise moves.NotYours("There is no such hand-off, or it isn’t yours to give away.")
    matter.expect(State.OFFERED, State.ACCEPTED, seen_version=seen_version)
    return matter


def given(reason: str) -> str:
    """The reason in one line. Raises Invalid where there is none, or too much of it."""
    text = one_line(reason, at_most=LONGEST_REASON + 1)
    if not text or len(text) > LONGEST_REASON:
        raise Invalid(f"Say why, in at most {LONGEST_REASON} characters.", field="reason")
    return text


def _pass_on(matter: Matter, to: User, what: What, *, reason: str, by: User) -> Handoff:
    if to.pk == matter.handoff.user_id:
        raise CannotReassign(f"{to} has it already. Choose somebody else.")
    if matter.is_closing:
        return _to_next_owner(matter, to, what, reason=reason, by=by)
    team = standins.team_of(to, managed_teams(by), first=matter.handoff.team)
    if not matter.is_signal:
        standins.check(team, to, matter.episode, now=matter.now)
    why = _take_away(matter, to, what, reason=reason, by=by)
    episode = episodes.lock(matter.episode.pk)
    episode.lead = matter.lead
    if matter.is_signal:
        return _signal(episode, to, team, why=why, by=by, now=matter.now)
    return standins.offer(episode, to, team, why=why, by=by, now=matter.now)


def _take_away(matter: Matter, to: User | None, what: What, *, reason: str, by: User) -> str:
    """The hop ends, and who did that, and why, is kept. Returns the word for it."""
    why = TAKEN if what == What.TAKEN else REASSIGNED
    handoffs.move_on(matter.handoff, why=why, now=matter.now, by=by)
    _keep(matter, to, what, reason=reason, by=by)
    return why


def _keep(matter: Matter, to: User | None, what: What, *, reason: str, by: User) -> None:
    """Who did what, and why, is kept; and whoever had the lead is told."""
    rep = matter.handoff.user
    ManagerAct.objects.create(what=what, handoff=matter.handoff, rep=rep, to=to, by=by, at=matter.now, reason=reason)
    if by.pk != rep.pk:
        mails.news(matter.handoff, "handed_over" if to is not None else "routed_anew", now=matter.now)


def _to_next_owner(matter: Matter, to: User, what: What, *, reason: str, by: User) -> Handoff:
    """A closing leg goes to another who closes; it takes nobody's room."""
    next_owner = closers.lock_other(to, matter.handoff, now=matter.now)
    why = TAKEN if what == What.TAKEN else REASSIGNED
    made = closing.pass_on(matter, next_owner, why=why, by=by)
    _keep(matter, to, what, reason=reason, by=by)
    return made


def _signal(episode: Episode, to: User, team: Team, *, why: str, by: User, now: datetime) -> Handoff:
    """A signal takes nobody's room: whoever is active may have it."""
    version = targets.policy(episode, episode.lead)
    if version is None:
        raise CannotReassign("No policy holds for this signal any more, so it can’t be promised to anybody.")
    chosen = {"user": to.pk}
    trace = {"why": why, "by": by.pk, "rules": [], "team": team.pk, "chosen": chosen, "next": [], "others": []}
    return handoffs.offer_signal(episode, to=to, team=team, policy_version=version, now=now, why=why, trace=trace)
