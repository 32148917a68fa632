"""To whom a signal goes: whoever holds the lead, else the account's owner, else a manager of the team that would.

Capacity and rotation speak of reps who take on new leads; who is known already has somebody.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from leads.locks import lock_lead
from leads.models import Lead, Team, TeamMembership, User
from leads.transactions import business
from scoring.models import Episode, Lane
from sla import handoffs, matching
from sla.clocks import targets
from sla.models import Handoff, Rep
from sla.people import absences
from sla.querysets import managers_of
from sla.shadow import paper, standing

HOLDER: Final = "holds the lead"
OWNER: Final = "owns the account"
MANAGER: Final = "manages the team"
GONE: Final = "gone"


class Person(NamedTuple):
    """Somebody who may be given a signal."""

    user: User
    team: Team
    why: str


def hand_over(episode: Episode, lead: Lead, *, now: datetime) -> Handoff | None:
    """Offer a waiting signal to the first in line; None where nobody is there, or no policy holds: then it waits;
    and where its team runs in shadow.

    Who is away, works here no more, or had this signal before is passed over. The caller has locked lead and episode.
    """
    version = targets.policy(episode, lead)
    found = next_in_line(episode, lead, now=now)
    if found is None or version is None:
        return None
    chosen = {"user": found.user.pk}
    trace = {"why": found.why, "rules": [], "team": found.team.pk, "chosen": chosen, "next": [], "others": []}
    shadow = standing.read().of(None, found.team.pk)
    if shadow is not None and not standing.began_live(episode.pk):
        paper.offer(
            episode,
            shadow,
            to=found.user,
            team=found.team,
            rule=None,
            policy_version=version,
            now=now,
            why=found.why,
            trace=trace,
        )
        return None
    paper.go_live(episode, ended_as=paper.EndedAs.LIVE, why="live", now=now)
    return handoffs.offer_signal(
        episode, to=found.user, team=found.team, policy_version=version, now=now, why=found.why, trace=trace
    )


def next_in_line(episode: Episode, lead: Lead, *, now: datetime) -> Person | None:
    """Whose this signal would be now."""
    return next(_line(episode, lead, now=now), None)


def take_back(*, now: datetime) -> int:
    """Move on the open signals of people who work here no more; returns how many. Each in its own transaction."""
    held = Handoff.objects.open().filter(lane=Lane.SIGNAL, user__is_active=False).order_by("episode__lead_id", "id")
    return sum(_take_back(handoff_id, now=now) for handoff_id in held.values_list("id", flat=True))


@business
def _take_back(handoff_id: int, *, now: datetime) -> bool:
    handoff = Handoff.objects.select_related("episode").get(pk=handoff_id)
    lock_lead(handoff.episode.lead_id)
    handoff.refresh_from_db(fields=["state"])
    if not handoff.is_open:
        return False
    handoffs.move_on(handoff, why=GONE, now=now)
    return True


def _line(episode: Episode, lead: Lead, *, now: datetime) -> Iterator[Person]:
    """Everyone whose it may be, in order."""
    passed = set(Handoff.objects.filter(episode=episode.pk).values_list("user_id", flat=True))
    passed |= set(Rep.objects.filter(pk__in=absences.away(now=now)).values_list("user_id", flat=True))
    home = lead.holder_team or matching.team_of(episode)
    owner = lead.account.owner if lead.account is not None else None
    for user, why in ((lead.holder, HOLDER), (owner, OWNER)):
        if user is None or not user.is_active or user.pk in passed:
            continue
        team = (lead.holder_team if why == HOLDER else None) or _team_of(user) or home
        if team is not None:
            yield Person(user, team, why)
    for manager in managers_of(home):
        team = home or _team_of(manager)
        if manager.pk not in passed and team is not None:
            yield Person(manager, team, MANAGER)


def _team_of(user: User) -> Team | None:
    membership = TeamMembership.objects.filter(user=user).select_related("team").order_by("team_id").first()
    return membership.team if membership is not None else None
