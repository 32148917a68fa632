"""Next owners: to whom a lead may be given that somebody converts, and by when they would have to answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from leads.errors import Invalid, Refused
from leads.models import Team, TeamMembership, User
from scoring.models import Lane
from sla.clocks import policies, promising, targets
from sla.clocks.deadlines import NotCountable
from sla.handoffs import moves
from sla.models import Handoff, Leg, Rep, Target
from sla.people import calendars


class NotAbleToClose(Refused):
    """This person can't be the next owner now; the sentence says why."""

    code = "not_able_to_close"


class NextOwner(NamedTuple):
    """Who takes a converted lead from here, and in which team."""

    rep: Rep
    team: Team


@dataclass(frozen=True)
class Closer:
    """Somebody who may be chosen as the next owner. `due_at` is None where nothing is promised, or they are away."""

    user: User
    team: Team
    is_away: bool
    is_account_owner: bool
    due_at: datetime | None


def closers_for(handoff: Handoff, *, now: datetime) -> list[Closer]:
    """Who may take this lead from here: its account's owner first, then by name; who is away comes last.

    Whoever has it is left out.
    """
    reps = Rep.objects.filter(closes=True, is_active=True, user__is_active=True).exclude(user=handoff.user_id)
    found = list(reps.select_related("user").order_by("pk"))
    if not found:
        return []
    teams = _teams_of([rep.user_id for rep in found])
    away = moves.who_is_away([rep.pk for rep in found], now=now)
    account = handoff.episode.lead.account
    owner_id = account.owner_id if account is not None else None
    asked = [_leg(handoff, rep.user, teams[rep.user_id], now=now) for rep in found if rep.user_id in teams]
    dues = _dues(asked, now=now)
    away_users = {rep.user_id for rep in found if rep.pk in away}
    made = [
        Closer(
            leg.user,
            leg.team,
            is_away=leg.user_id in away_users,
            is_account_owner=leg.user_id == owner_id,
            due_at=due if leg.user_id not in away_users else None,
        )
        for leg, due in zip(asked, dues, strict=True)
    ]
    return sorted(made, key=lambda each: (each.is_away, not each.is_account_owner, str(each.user).lower()))


def lock(to: User, *, now: datetime) -> NextOwner:
    """This next owner, locked until the verb ends. Raises NotAbleToClose for who can't be one now."""
    rep = Rep.objects.select_for_update(of=("self",)).select_related("user").filter(user=to.pk).first()
    if rep is None or not rep.closes or not rep.is_active or not rep.user.is_active:
        raise NotAbleToClose(f"{to} takes no leads that others have converted. Choose somebody who closes.")
    if moves.is_away(rep, now=now):
        raise NotAbleToClose(f"{to} is away. Choose somebody else.")
    team = _teams_of([rep.user_id]).get(rep.user_id)
    if team is None:
        raise NotAbleToClose(f"{to} is in no team that has hours. Choose somebody else.")
    return NextOwner(rep, team)


def lock_other(to: User, handoff: Handoff, *, now: datetime) -> NextOwner:
    """The same, and somebody other than who has it."""
    if to.pk == handoff.user_id:
        raise Invalid(f"{to} has it already. Choose somebody else.", field="to")
    return lock(to, now=now)


def _teams_of(user_ids: list[int]) -> dict[int, Team]:
    """The first team with a desk of each of these people; who is in none is left out."""
    rows = TeamMembership.objects.filter(user__in=user_ids, team__desk__isnull=False).select_related("team")
    found: dict[int, Team] = {}
    for row in rows.order_by("team_id"):
        found.setdefault(row.user_id, row.team)
    return found


def _leg(handoff: Handoff, user: User, team: Team, *, now: datetime) -> Handoff:
    """The closing leg as it would be, never written."""
    return Handoff(
        episode=handoff.episode,
        user=user,
        team=team,
        leg=Leg.CLOSING,
        lane=Lane.NORMAL,
        tier=handoff.episode.tier,
        offered_at=now,
    )


def _dues(legs: list[Handoff], *, now: datetime) -> list[datetime | None]:
    """By when each of these would have to be answered; None where nothing is promised, or nothing can be counted."""
    if not legs:
        return []
    episode = legs[0].episode
    version = targets.policy(episode, episode.lead)
    line = policies.target_for(version, Target.ACCEPT, policies.heat_of(legs[0])) if version is not None else None
    if line is None:
        return [None] * len(legs)
    known, counted = calendars.Known(legs), dict[tuple[int, ...], datetime | None]()
    dues = []
    for leg in legs:
        versions = known.versions(leg, line.hours)
        key = tuple(versions)
        if key not in counted:
            try:
                counted[key] = promising.promise_in(versions, line, start_at=now).due_at
            except NotCountable:
                counted[key] = None
        dues.append(counted[key])
    return dues
