"""Standing in: a lead goes to one named rep, past the rules, because they cover for somebody or a manager says so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from leads.errors import Refused
from leads.models import Team, TeamMembership, User
from scoring.models import Episode
from sla import handoffs
from sla.clocks import policies
from sla.models import Handoff
from sla.routing import candidates
from sla.routing.candidates import Candidate, Roster
from sla.routing.desks import Desks
from sla.routing.past import Past

NEVER: Final = frozenset({candidates.INACTIVE, candidates.AWAY, candidates.SAID_NO})


class NotAble(Refused):
    """This rep can't take it now; the sentence says why."""

    code = "not_able"


def team_of(user: User, teams: Iterable[Team] | QuerySet[Team] | None = None, *, first: Team | None = None) -> Team:
    """The team in which this rep can stand in: `first` if they are in it, else any that has a desk. Raises NotAble."""
    found = TeamMembership.objects.filter(user=user, team__desk__isnull=False).select_related("team")
    if teams is not None:
        found = found.filter(team__in=teams)
    rows = sorted(found, key=lambda row: (first is None or row.team_id != first.pk, row.team_id))
    if not rows:
        raise NotAble(f"{user} is in no team that could take it.")
    return rows[0].team


def check(team: Team, user: User, episode: Episode, *, now: datetime) -> None:
    """Raise NotAble where this rep can't take this lead now: away, gone, or said no to it. Being full is no reason."""
    _able(Desks(now).roster(team, Past([(episode, episode.lead)]).offers_of(episode)), user)


def offer(
    episode: Episode,
    user: User,
    team: Team,
    *,
    why: str,
    by: User | None,
    now: datetime,
    passes_capacity: bool = True,
    though_they_said_no: bool = False,
) -> Handoff:
    """Offer a waiting episode to this rep; over capacity, where that may be, with an override row that says why.

    `though_they_said_no`: they are to have it again, because their no was overturned. Lead and episode are locked by
    the caller. Raises NotAble, OverCapacity.
    """
    desks = Desks(now)
    desks.lock([team.pk])
    roster = desks.roster(team, Past([(episode, episode.lead)]).offers_of(episode))
    chosen, roster = _able(roster, user, never=NEVER - {candidates.SAID_NO} if though_they_said_no else NEVER)
    trace: dict[str, Any] = {"why": why, "by": by.pk if by is not None else None, "rules": [], "team": team.pk}
    return handoffs.offer(
        episode,
        rep=chosen.rep,
        team=team,
        rule=None,
        policy_version=policies.choose(episode, episode.lead),
        now=max(now, episode.waiting_since or now),
        why=why,
        trace=trace | roster.trace(chosen.rep, passes_capacity=True),
        override=why if chosen.is_full and passes_capacity else None,
    )


def _able(roster: Roster | None, user: User, *, never: frozenset[str] = NEVER) -> tuple[Candidate, Roster]:
    chosen = next((each for each in roster.candidates if each.rep.user_id == user.pk), None) if roster else None
    if roster is None or chosen is None or chosen.code in never:
        why = candidates.IN_WORDS[chosen.code] if chosen is not None else "no rep of that team"
        raise NotAble(f"{user} is {why}.".replace("is said", "said"))
    return chosen, roster
