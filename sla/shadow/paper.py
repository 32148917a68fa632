"""On paper: a matter goes there, is offered there, and leaves it. The caller has locked lead and episode."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leads.models import Team, User
from leads.transactions import business
from scoring.models import Episode
from sla import clocks
from sla.clocks import targets
from sla.models import PaperMatter, PaperOffer, PolicyVersion, RoutingRule, Shadow
from sla.shadow import standing, timing

EndedAs = PaperMatter.EndedAs
ON_PAPER = "on paper"


@business
def take(episode: Episode, shadow: Shadow, *, now: datetime) -> PaperMatter:
    """From now on this waiting episode stands on paper: its assign clock is voided, and nobody hears of it.

    Where it stands there already, nothing changes.
    """
    known = standing.matter_of(episode.pk)
    if known is not None:
        return known
    matter = PaperMatter.objects.create(episode=episode, shadow=shadow, began_at=now)
    assign = targets.running_assign(episode)
    if assign is not None:
        clocks.void(assign, why=ON_PAPER, now=now)
    return matter


@business
def offer(
    episode: Episode,
    shadow: Shadow,
    *,
    to: User,
    team: Team,
    rule: RoutingRule | None,
    policy_version: PolicyVersion,
    now: datetime,
    why: str,
    trace: dict[str, Any],
    override: str | None = None,
) -> PaperOffer:
    """Write to whom it would be offered now, with what that would promise. Nothing else happens, and nobody is told."""
    matter = take(episode, shadow, now=now)
    made = PaperOffer(
        matter=matter,
        user=to,
        team=team,
        rule=rule,
        policy_version=policy_version,
        lane=episode.lane,
        tier=episode.tier,
        why=why[:60],
        override=(override or "")[:60],
        trace=trace,
        decided_at=now,
    )
    promised = timing.promises_of(made, episode, now=now, arrived_at=episode.opened_at)
    made.load_until = max((promise.due_at for promise in promised.values()), default=None)
    made.save(force_insert=True)
    begun = max(episode.opened_at, matter.shadow.began_at)
    timing.keep(made, timing.to_assign(made, episode, start_at=min(begun, now)) | promised, why="offer", now=now)
    return made


@business
def nobody(
    episode: Episode, shadow: Shadow, *, ends: str, why: Mapping[str, Any], team: Team | None, now: datetime
) -> None:
    """Write that nobody could take it on paper at this moment, and why."""
    matter = take(episode, shadow, now=now)
    matter.nobody_looks += 1
    matter.nobody_since = matter.nobody_since or now
    matter.nobody_ends, matter.nobody_why, matter.nobody_team = ends, dict(why), team
    matter.save(update_fields=["nobody_looks", "nobody_since", "nobody_ends", "nobody_why", "nobody_team"])


@business
def leave(episode: Episode, *, ended_as: str, now: datetime) -> PaperMatter | None:
    """It stands on paper no more; None where it did not."""
    matter = standing.matter_of(episode.pk)
    if matter is None:
        return None
    matter.ended_at, matter.ended_as = max(now, matter.began_at), ended_as
    matter.save(update_fields=["ended_at", "ended_as"])
    PaperOffer.objects.filter(matter=matter, settled_at=None).update(settled_at=matter.ended_at)
    return matter


@business
def go_live(episode: Episode, *, ended_as: str, why: str, now: datetime) -> bool:
    """Where it stood on paper it waits for a rep from now on, with an assign clock from now. True if it did."""
    matter = leave(episode, ended_as=ended_as, now=now)
    if matter is not None:
        targets.start_assign(episode, episode.lead, cause=f"live:{matter.pk}", start_at=now, why=why, now=now)
    return matter is not None
