"""Beside a colleague's matter: one rep for one company, so that nobody there is called by two of us."""

from __future__ import annotations

from datetime import datetime

from scoring.models import Episode
from sla import handoffs
from sla.clocks import targets
from sla.models import OPEN_STATES, Handoff, Rep
from sla.routing.former import SAME_COMPANY
from sla.routing.past import Past


def offer(episode: Episode, *, now: datetime) -> Handoff | None:
    """Offer a new episode to the rep who has the colleague's matter it stands beside; they may be full.

    None where it stands beside none, nobody has that one, or its rep is away, works no more, or rejected this person
    before: then it waits for the rules. Lead and colleague are locked by the caller.
    """
    held = (
        Handoff.objects.filter(episode=episode.split_from_id, state__in=OPEN_STATES)
        .select_related("user", "team")
        .first()
        if episode.split_from_id is not None
        else None
    )
    version = targets.policy(episode, episode.lead) if held is not None else None
    rep = _able(held, episode, now=now) if held is not None else None
    if held is None or rep is None or version is None:
        return None
    load = handoffs.open_load(rep)
    chosen = {"rep": rep.pk, "user": rep.user_id, "load": load, "capacity": rep.capacity, "position": 1}
    trace = {"why": SAME_COMPANY, "rules": [], "team": held.team_id, "beside": held.episode_id}
    return handoffs.offer(
        episode,
        rep=rep,
        team=held.team,
        rule=None,
        policy_version=version,
        now=now,
        why=SAME_COMPANY,
        trace=trace | {"chosen": chosen, "next": [], "others": []},
        override=SAME_COMPANY,
    )


def _able(held: Handoff, episode: Episode, *, now: datetime) -> Rep | None:
    """The rep of that hand-off, locked, where they may be given this person as well."""
    rep = Rep.objects.select_for_update(of=("self",)).select_related("user").filter(user=held.user_id).first()
    if rep is None or not (rep.is_active and rep.user.is_active) or handoffs.is_away(rep, now=now):
        return None
    return None if held.user_id in Past([(episode, episode.lead)]).who_rejected(episode.lead) else rep
