"""By hand: a manager gives a waiting lead to one of their reps, where the rules found nobody or gave up."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from leads.errors import Refused
from leads.locks import lock_lead
from leads.models import Team, TeamMembership, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode, Phase
from sla import handoffs
from sla.clocks import policies
from sla.models import Handoff
from sla.routing import candidates
from sla.routing.desks import Desks
from sla.routing.past import Past
from sla.shadow import standing

BY_HAND: Final = "by hand"
OUT: Final = frozenset({candidates.INACTIVE, candidates.AWAY})


class CannotGive(Refused):
    """This lead can't be given to that rep now."""

    code = "cannot_give"


@business
def give(episode_id: int, *, rep: User, by: User, now: datetime) -> Handoff:
    """Offer a waiting episode to a rep whom `by` manages; it may pass capacity, with an override row that says so.

    Raises CannotGive where it no longer waits, the rep is away or works no more, or isn't of a team of this manager.
    """
    lead = lock_lead(Episode.objects.values_list("lead_id", flat=True).get(pk=episode_id))
    episode = episodes.lock(episode_id)
    episode.lead = lead
    if episode.phase != Phase.WAITING:
        raise CannotGive("This lead no longer waits for someone.")
    if standing.matter_of(episode_id) is not None:
        raise CannotGive("This lead is on paper: what would route it runs in shadow. End the shadow first.")
    team = _team(rep, by)
    version = policies.choose(episode, lead)
    desks = Desks(now)
    desks.lock([team.pk])
    roster = desks.roster(team, Past([(episode, lead)]).offers_of(episode))
    chosen = next((each for each in roster.candidates if each.rep.user_id == rep.pk), None) if roster else None
    if roster is None or chosen is None or chosen.code in OUT:
        why = candidates.IN_WORDS[chosen.code] if chosen is not None else "no rep of this team"
        raise CannotGive(f"{rep} is {why}. Choose somebody else.")
    trace = {"why": BY_HAND, "by": by.pk, "rules": [], "team": team.pk}
    return handoffs.offer(
        episode,
        rep=chosen.rep,
        team=team,
        rule=None,
        policy_version=version,
        now=max(now, episode.waiting_since or now),
        why=BY_HAND,
        trace=trace | roster.trace(chosen.rep, passes_capacity=True),
        override=BY_HAND if chosen.is_full else None,
    )


def _team(rep: User, by: User) -> Team:
    """The team in which `by` manages this rep."""
    managed = TeamMembership.objects.filter(user=by, is_manager=True).values("team")
    membership = TeamMembership.objects.filter(user=rep, team__in=managed, is_manager=False).select_related("team")
    found = membership.order_by("team_id").first()
    if found is None:
        raise CannotGive(f"{rep} is in no team that you manage.")
    return found.team
