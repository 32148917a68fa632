"""Pulling: a rep with room asks for the next one, and gets the top of the pool among what they may take."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Final

from django.db import transaction

from leads.errors import Refused
from leads.models import Lead, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode
from sla import handoffs
from sla.clocks import policies
from sla.handoffs import moves, room
from sla.models import Absence, Handoff, Rep
from sla.people import absences
from sla.routing import candidates, pool
from sla.routing.candidates import Asked, Candidate, Numbers
from sla.routing.desks import Desks
from sla.routing.past import Past
from sla.routing.pool import Way

PULLED: Final = "pulled"
NOTHING: Final = "Nothing in the pool is for you right now. New leads come to you by themselves."
# More are not counted: a button says "99+".
COUNTED: Final = 100


class CannotPull(Refused):
    """This rep can't take one more now; the sentence says why, and what to do first."""

    code = "cannot_pull"


class _Busy(Exception):
    """Somebody else is at this lead at this moment."""


@business
def take_next(rep_user: User, *, now: datetime, by: User) -> Handoff | None:
    """Offer this rep the top of the pool among what they may take; None where nothing there is for them.

    Hand-raises first, then the hottest, then the longest waiting: nobody picks. It is offered, not accepted, for nobody
    judges a lead unseen; in the fast lane Baton accepts as always. It counts as load, and is nobody's turn. Two who ask
    at once get two. Raises CannotPull for who is away, receives no leads, has no room, or asks for somebody else.
    """
    if by.pk != rep_user.pk:
        raise CannotPull("Reps ask for the next one themselves. Give them a waiting lead from the board.")
    rep = _with_room(rep_user, now=now)
    busy: list[Way] = []
    for way in pool.line(rep, now=now):
        try:
            handoff = _take(way, rep, now=now, wait=False)
        except _Busy:
            busy.append(way)
            continue
        if handoff is not None:
            return handoff
    # What somebody was at is not lost: they may have left it there. One at a time, so that nobody waits in a ring.
    taken = (_take(way, rep, now=now, wait=True) for way in busy)
    return next((handoff for handoff in taken if handoff is not None), None)


def waits_for(rep_user: User, *, now: datetime) -> int | None:
    """How many wait in the pool that this rep may take, room aside, counted to 100; None for who receives no leads."""
    rep = candidates.reps_at(now).filter(user=rep_user, is_active=True).first()
    return sum(1 for _ in islice(pool.line(rep, now=now), COUNTED)) if rep is not None else None


def _with_room(user: User, *, now: datetime) -> Rep:
    """The rep, who could take one more by the look of it. Raises CannotPull."""
    rep = candidates.reps_at(now).filter(user=user).first()
    if rep is None:
        raise CannotPull("You receive no leads. Ask whoever manages your team to make you a rep.")
    today = room.offered_since(room.midnight(now), [user.pk]) if rep.daily_cap is not None else {}
    _refuse(candidates.judge(rep, Numbers(room.loads([user.pk]), today), Asked()), now=now)
    return rep


def _refuse(here: Candidate, *, now: datetime) -> None:
    """Raise CannotPull with the sentence for who can't take any lead."""
    rep = here.rep
    if here.code == candidates.INACTIVE:
        raise CannotPull("You receive no leads any more. Ask whoever manages your team.")
    if here.code == candidates.AWAY:
        away = Absence.objects.select_related("rep__user").filter(rep=rep, starts_at__lte=now, ends_at__gt=now).first()
        raise CannotPull(f"You are away{f': {absences.said(away)}' if away else ''}. End your time off first.")
    if here.code == candidates.FULL:
        raise CannotPull(f"You have no room: {here.load} open of {rep.capacity}. Answer one first.")
    if here.code == candidates.DAY_FULL:
        raise CannotPull(f"You have no room: {here.today} offers today, at most {rep.daily_cap} a day. Ask tomorrow.")


def _take(way: Way, rep: Rep, *, now: datetime, wait: bool) -> Handoff | None:
    """This one, if it is still there and theirs; else its locks are let go. Raises _Busy unless it is to wait."""
    with transaction.atomic():
        handoff = _offer(way, rep, now=now, wait=wait)
        if handoff is None:
            transaction.set_rollback(True)
        return handoff


def _locked(way: Way, *, wait: bool) -> Episode | None:
    """Its lead and then its episode, locked; None where the lead was merged away or erased."""
    lead = Lead.objects.select_for_update(skip_locked=not wait).filter(pk=way.lead_id).first()
    if lead is None and not wait:
        raise _Busy
    if lead is None or lead.merged_into_id is not None or lead.erased_at is not None:
        return None
    episode = episodes.lock(way.episode_id)
    if episode.lead_id != lead.pk:
        return None
    episode.lead = lead
    return episode


def _offer(way: Way, rep: Rep, *, now: datetime, wait: bool) -> Handoff | None:
    episode = _locked(way, wait=wait)
    # Asked again under the locks: it may have been taken, and the rules may have changed.
    found = next(pool.line(rep, now=now, only=episode.pk), None) if episode is not None else None
    if episode is None or found is None:
        return None
    desks = Desks(now)
    desks.lock([found.team.pk])
    try:
        version = policies.choose(episode, episode.lead)
    except policies.NoPolicy:
        return None
    locked = moves.lock_rep(rep.user_id)
    roster = desks.roster(found.team, Past([(episode, episode.lead)]).offers_of(episode), found.asked)
    here = roster.of(locked) if roster is not None else None
    if roster is None or here is None:
        return None
    _refuse(here, now=now)
    if here.code not in pool.THEIRS:
        return None
    trace = {"why": PULLED, "by": rep.user_id, "rules": [each.as_trace() for each in found.tried]}
    return handoffs.offer(
        episode,
        rep=locked,
        team=found.team,
        rule=found.rule,
        policy_version=version,
        now=max(now, episode.waiting_since or now),
        why=PULLED,
        trace=trace | {"team": found.team.pk} | roster.trace(locked, passes_capacity=False),
    )
