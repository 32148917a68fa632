"""Which clocks an episode and its hand-offs start, meet and void at each move."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from leads.models import Lead, User
from scoring.models import Episode
from sla import clocks
from sla.clocks import hops, policies, promising
from sla.models import Clock, Handoff, PolicyTarget, PolicyVersion, State, Target
from sla.telling import events


def running(handoff: Handoff, *targets: str) -> list[Clock]:
    """The hand-off's running clocks, locked in key order; of these targets only, where some are named."""
    rows = Clock.objects.select_for_update(of=("self",)).filter(handoff=handoff, verdict="").order_by("pk")
    return list(rows.filter(target__in=targets) if targets else rows)


def running_assign(episode: Episode) -> Clock | None:
    """The episode's running assign clock, locked."""
    return next(iter(running_assigns([episode])), None)


def running_assigns(episodes: Iterable[Episode]) -> list[Clock]:
    """The running assign clocks of these episodes, locked in key order."""
    rows = Clock.objects.select_for_update(of=("self",)).filter(episode__in=list(episodes), target=Target.ASSIGN)
    return list(rows.filter(verdict="").order_by("pk"))


def start(
    handoff: Handoff, target: str, *, cause: str, start_at: datetime, why: str, now: datetime, by: User | None = None
) -> Clock | None:
    """Start one clock of a hand-off, where its policy promises this target for its heat."""
    line = policies.target_for(handoff.policy_version, target, policies.heat_of(handoff))
    if line is None:
        return None
    made = promising.promise(handoff, line, start_at=start_at)
    if target in promising.ONE_BY_ONE:
        # What a rep does in one go is promised one lead after another.
        hops.lock_queues([handoff])
        (made,) = promising.one_by_one(handoff, [made], now=now)
    used = set(Clock.objects.filter(handoff=handoff, target=target).values_list("cause", flat=True))
    return clocks.start(
        episode=handoff.episode,
        handoff=handoff,
        target=target,
        cause=_fresh(cause, used),
        start_at=start_at,
        policy_target=line,
        why=why,
        now=now,
        by=by,
        promise=made,
    )


def start_accepted(handoff: Handoff, *, why: str, now: datetime, by: User | None = None) -> None:
    """Follow-up depth and qualify run from the moment of accepting; a signal promises an answer alone."""
    for target in hops.on_accept(handoff):
        start(handoff, target, cause="accept", start_at=now, why=why, now=now, by=by)


def meet(handoff: Handoff, target: str, *, at: datetime, now: datetime) -> None:
    """The promise was kept at this instant; clocks that started later are not answered by it."""
    kept = [(clock, at) for clock in running(handoff, target) if clock.started_at <= at]
    clocks.meet_all(kept, now=now)


def void(handoff: Handoff, *targets: str, why: str, now: datetime, as_of: datetime | None = None) -> None:
    """Nobody needs these any more (all, where none is named); one past due by then stays missed."""
    clocks.void_all(running(handoff, *targets), why=why, now=now, as_of=as_of)


def start_assign(
    episode: Episode, lead: Lead, *, cause: str, start_at: datetime, why: str, now: datetime, by: User | None = None
) -> Clock | None:
    """The episode waits for a rep: the assign clock of the policy that holds for it now."""
    events.tell("episode.waiting", episode=episode, once=cause, now=now, not_before=episode.route_not_before)
    policy_target = _assign_target(episode, lead)
    if policy_target is None:
        return None
    used = set(Clock.objects.filter(episode=episode, target=Target.ASSIGN).values_list("cause", flat=True))
    return clocks.start(
        episode=episode,
        handoff=None,
        target=Target.ASSIGN,
        cause=_fresh(cause, used),
        start_at=start_at,
        policy_target=policy_target,
        why=why,
        now=now,
        by=by,
    )


def tighten(handoff: Handoff, *only: str, why: str, cause: str, now: datetime) -> None:
    """The hand-off stands hotter: each unmet target is due no later than a fresh one would be; none is loosened.

    A target that was not promised before starts now. `only` narrows it to some.
    """
    heat = policies.heat_of(handoff)
    hops.lock_queues([handoff])
    unmet = {clock.target: clock for clock in running(handoff)}
    wanted = hops.on_offer(handoff)
    if handoff.state == State.ACCEPTED:
        wanted += hops.on_accept(handoff)
    for target in only or wanted:
        policy_target = policies.target_for(handoff.policy_version, target, heat)
        if target in unmet:
            clocks.tighten(unmet[target], policy_target, why=why, now=now)
        elif not Clock.objects.filter(handoff=handoff, target=target).exists():
            start(handoff, target, cause=cause, start_at=now, why=why, now=now)


def policy(episode: Episode, lead: Lead) -> PolicyVersion | None:
    """The policy that holds now; None where none is published that does, so that nothing is promised."""
    try:
        return policies.choose(episode, lead)
    except policies.NoPolicy:
        return None


def tighten_assign(episode: Episode, lead: Lead, *, why: str, now: datetime) -> None:
    """The waiting episode stands hotter: it is to be assigned no later than a fresh one would be."""
    clock = running_assign(episode)
    if clock is None:
        start_assign(episode, lead, cause=why, start_at=now, why=why, now=now)
    else:
        clocks.tighten(clock, _assign_target(episode, lead), why=why, now=now)


def _assign_target(episode: Episode, lead: Lead) -> PolicyTarget | None:
    version = policy(episode, lead)
    return policies.target_for(version, Target.ASSIGN, policies.heat_of(episode)) if version is not None else None


def _fresh(cause: str, used: set[str]) -> str:
    """One clock per cause: what starts again after an undo is counted."""
    name, number = cause, 1
    while name in used:
        number += 1
        name = f"{cause}:{number}"
    return name
