"""The rep who should have a lead first: who has a colleague, promised to call, had it before, owns its account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from leads.models import Stage, Team
from scoring.models import Episode, OpenedBy
from sla.models import Rep, RoutingRule
from sla.routing.matters import Matter

NAMED_DATE: Final = "named date"
PREVIOUS_REP: Final = "previous rep"
OWNER: Final = "account owner"
SAME_COMPANY: Final = "same company"


class Former(NamedTuple):
    """Who should have it, in which team, and why."""

    rep: Rep
    team: Team
    why: str


def rep_of(matter: Matter) -> Former | None:
    """The active rep who should have this lead again, before anybody else was offered the episode."""
    if matter.lead.pk is None or matter.offers:
        return None
    user_id, why = matter.past.beside(matter.episode, matter.lead), SAME_COMPANY
    if user_id is None and _comes_back(matter.episode):
        if matter.episode.opened_by == OpenedBy.DATE:
            user_id, why = matter.past.promised_by(matter.lead), NAMED_DATE
        else:
            user_id, why = matter.past.last_of(matter.lead, matter.episode), PREVIOUS_REP
    return _as_rep(user_id, matter, why) if user_id is not None else None


def firsts(rule: RoutingRule, matter: Matter) -> Iterator[Former]:
    """Whom a rule puts first: who owns the account, then who had this person last, unless they rejected them."""
    account = matter.lead.account
    if rule.owner_first and account is not None and account.owner_id is not None:
        found = _as_rep(account.owner_id, matter, OWNER, prefers=rule.team)
        if found is not None:
            yield found
    if rule.previous == RoutingRule.Previous.FIRST:
        user_id = matter.past.last_of(matter.lead, matter.episode)
        found = _as_rep(user_id, matter, PREVIOUS_REP) if user_id is not None else None
        if found is not None:
            yield found


def _comes_back(episode: Episode) -> bool:
    raised = episode.opened_by == OpenedBy.HAND_RAISE and episode.stage_before == Stage.NURTURE
    return raised or bool(episode.opened_by == OpenedBy.DATE)


def _as_rep(user_id: int, matter: Matter, why: str, *, prefers: Team | None = None) -> Former | None:
    rep = matter.desks.rep_of(user_id)
    team = _team_of(user_id, matter, prefers=prefers) if rep is not None else None
    return Former(rep, team, why) if rep is not None and team is not None else None


def _team_of(user_id: int, matter: Matter, *, prefers: Team | None) -> Team | None:
    """The team in which this person gets the lead: the one preferred or had it in, else their first with a desk."""
    teams = matter.desks.teams_of(user_id)
    if prefers is not None and prefers in teams:
        return prefers
    last = matter.past.team_in(matter.lead, user_id)
    return next((team for team in teams if team.pk == last), teams[0] if teams else None)
