"""Handing over: whoever has a lead gives it to a colleague, and says why; a manager may do so for their reps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from leads.errors import Invalid
from leads.models import Team, TeamMembership, User
from leads.transactions import business
from scoring import episodes
from sla import handoffs
from sla.handoffs import closers, closing, moves, room
from sla.handoffs.answers import LONGEST_NOTE
from sla.handoffs.taking_back import HANDED_OVER, hold_back
from sla.models import OPEN_STATES, Handoff, Rep
from sla.routing import standins
from sla.telling import mails


@dataclass(frozen=True)
class Colleague:
    """Somebody to whom a lead may be handed over, with what they have to do."""

    user: User
    load: int
    capacity: int
    is_away: bool

    @property
    def is_full(self) -> bool:
        return self.load >= self.capacity


@business
def hand_over(
    handoff_id: int, *, to: User, why: str, by: User, now: datetime, seen_version: int | None = None
) -> Handoff:
    """Give an open lead to a colleague of the rep's teams: it moves, and is offered to them; both are told by mail.

    Its clocks start afresh; what was late stays missed. Only a manager passes the colleague's capacity, with an
    override row that says so. A closing leg goes to another next owner, whoever that is. It can be undone for a few
    seconds, and both are told after them. Raises Invalid without a reason, NotAble for who can't take it, OverCapacity,
    NotYours, AlreadyDecided.
    """
    matter = moves.take(handoff_id, by=by, now=now)
    matter.expect(*OPEN_STATES, seen_version=seen_version)
    reason, handoff = given_why(why), matter.handoff
    if matter.is_closing:
        next_owner = closers.lock_other(to, handoff, now=matter.now)
        passed = closing.pass_on(matter, next_owner, why=HANDED_OVER, note=reason, by=by)
        if by.pk != handoff.user_id:
            mails.news(handoff, "handed_over", now=matter.now)
        hold_back(handoff, passed, now=matter.now)
        return passed
    if to.pk == handoff.user_id:
        raise Invalid(f"{to} has it already. Choose a colleague.", field="to")
    if matter.is_signal:
        raise standins.NotAble("A signal stays with who knows the person; deal with it, or return it.")
    manages = moves.manages(handoff, by)
    team = standins.team_of(to, teams_for(handoff, by), first=handoff.team)
    standins.check(team, to, matter.episode, now=matter.now)
    handoffs.move_on(handoff, why=HANDED_OVER, note=reason, now=matter.now, by=by)
    episode = episodes.lock(matter.episode.pk)
    episode.lead = matter.lead
    made = standins.offer(
        episode, to, team, why=HANDED_OVER, by=by, now=matter.now, passes_capacity=manages and by.pk != handoff.user_id
    )
    if by.pk != handoff.user_id:
        mails.news(handoff, "handed_over", now=matter.now)
    hold_back(handoff, made, now=matter.now)
    return made


def given_why(why: str) -> str:
    """The reason as it is kept. Raises Invalid where there is none, or too much of it."""
    reason = why.replace("\x00", "").strip()
    if not reason or len(reason) > LONGEST_NOTE:
        raise Invalid(f"Say in a sentence of at most {LONGEST_NOTE:,} characters why you hand it over.", field="why")
    return reason


def colleagues_for(handoff: Handoff, by: User, *, now: datetime) -> list[Colleague]:
    """To whom `by` may hand this lead over, those with most room first; who is away comes last.

    Of a closing leg these are the others who close, and their room does not matter.
    """
    if handoff.is_closing:
        return [
            Colleague(each.user, load=0, capacity=1, is_away=each.is_away)
            for each in closers.closers_for(handoff, now=now)
        ]
    return colleagues_in(teams_for(handoff, by), but=handoff.user_id, now=now)


def colleagues_in(teams: QuerySet[Team], *, but: int, now: datetime) -> list[Colleague]:
    """The active reps of these teams with what they have to do, in three questions."""
    reps = Rep.objects.filter(is_active=True, user__is_active=True, user__memberships__team__in=teams)
    found = list(reps.exclude(user=but).select_related("user").distinct().order_by("pk"))
    loads, away = room.loads([rep.user_id for rep in found]), moves.who_is_away([rep.pk for rep in found], now=now)
    made = [Colleague(rep.user, loads.get(rep.user_id, 0), rep.capacity, rep.pk in away) for rep in found]
    return sorted(made, key=lambda each: (each.is_away, each.is_full, str(each.user).lower()))


def teams_for(handoff: Handoff, by: User) -> QuerySet[Team]:
    """The teams among whose reps `by` may choose: those of the rep who has it, and those that `by` manages."""
    member = Q(user=handoff.user_id) | Q(user=by, is_manager=True)
    return Team.objects.filter(desk__isnull=False, pk__in=TeamMembership.objects.filter(member).values("team"))
