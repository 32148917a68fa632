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
from sla.models import Handoff, Leg, Rep, State, Target


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


def closers_for(handoff: Handoff, *, now: datetime, but: int | None = None) -> list[Closer]:
    """Who may take this lead from here: its account's owner first, then by name; who is away comes last.

    Whoever has it is left out; `but` as well.
    """
    reps = Rep.objects.filter(closes=True, is_active=True, user__is_active=True).exclude(user=handoff.user_id)
    found = list(reps.exclude(user=but).select_related("user").order_by("pk") if but else reps.select_related("user"))
    teams = _teams_of([rep.user_id for rep in found])
    away = moves.who_is_away([rep.pk for rep in found], now=now)
    account = handoff.episode.lead.account
    owner_id = account.owner_id if account is not None else None
    version = targets.policy(handoff.episode, handoff.episode.lead) or handoff.policy_version
    made = []
    for rep in found:
        team = teams.get(rep.user_id)
        if team is None:
            continue
        is_away = rep.pk in away
        leg = Handoff(
            episode=handoff.episode, user=rep.user, team=team, leg=Leg.CLOSING, lane=Lane.NORMAL,
            tier=handoff.episode.tier, policy_version=version, state=State.OFFERED, offered_at=now,
        )  # fmt: skip
        due_at = None if is_away else _due(leg, now=now)
        made.append(Closer(rep.user, team, is_away, rep.user_id == owner_id, due_at))
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


def _due(leg: Handoff, *, now: datetime) -> datetime | None:
    line = policies.target_for(leg.policy_version, Target.ACCEPT, policies.heat_of(leg))
    if line is None:
        return None
    try:
        return promising.promise(leg, line, start_at=now).due_at
    except NotCountable:
        return None
