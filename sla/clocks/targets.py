"""Which clocks an episode and its hand-offs start, meet and void at each move."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from leads.models import Lead, User
from scoring.models import Episode, Lane
from sla import clocks
from sla.clocks import policies, promising
from sla.clocks.promising import Promise
from sla.models import Clock, Handoff, PolicyTarget, PolicyVersion, Rep, State, Target
from sla.telling import events

ON_ACCEPT = (Target.DEPTH, Target.QUALIFY)


def running(handoff: Handoff, *targets: str) -> list[Clock]:
    """The hand-off's running clocks, locked in key order; of these targets only, where some are named."""
    rows = Clock.objects.select_for_update(of=("self",)).filter(handoff=handoff, verdict="").order_by("pk")
    return list(rows.filter(target__in=targets) if targets else rows)


def running_assign(episode: Episode) -> Clock | None:
    """The episode's running assign clock, locked."""
    return (
        Clock.objects.select_for_update(of=("self",)).filter(episode=episode, target=Target.ASSIGN, verdict="").first()
    )


def start(
    handoff: Handoff, target: str, *, cause: str, start_at: datetime, why: str, now: datetime, by: User | None = None
) -> Clock | None:
    """Start one clock of a hand-off, where its policy promises this target for its heat."""
    made = _promises(handoff, [target], start_at=start_at, now=now)
    return _start(handoff, made[0], cause=cause, start_at=start_at, why=why, now=now, by=by) if made else None


def start_offered(handoff: Handoff, *, why: str, now: datetime, by: User | None = None) -> None:
    """The clocks of a new hop: accept (none where it is accepted already) and first touch; then those of accepting."""
    wanted = [Target.ACCEPT] if handoff.state == State.OFFERED else []
    arrived_at = handoff.episode.opened_at if handoff.hop == 1 else now
    for made in _promises(handoff, [*wanted, Target.FIRST_TOUCH], start_at=now, now=now, arrived_at=arrived_at):
        _start(handoff, made, cause="offer", start_at=now, why=why, now=now, by=by)
    if handoff.state == State.ACCEPTED:
        start_accepted(handoff, why=why, now=now, by=by)


def _promises(
    handoff: Handoff, wanted: Sequence[str], *, start_at: datetime, now: datetime, arrived_at: datetime | None = None
) -> list[Promise]:
    """What the policy promises of these targets; what a rep does in one go is promised one lead after another."""
    heat = policies.heat_of(handoff)
    lines = [policies.target_for(handoff.policy_version, target, heat) for target in wanted]
    made = [
        promising.promise(handoff, line, start_at=start_at, arrived_at=arrived_at) for line in lines if line is not None
    ]
    if all(each.target.target in promising.ONE_BY_ONE for each in made):
        lock_queue(handoff)
        return promising.one_by_one(handoff, made, now=now)
    return made


def lock_queue(handoff: Handoff) -> None:
    """Where promises of one rep are made one after another, they are made by one at a time: lock the rep."""
    if handoff.policy_version.minutes_each is not None:
        Rep.objects.select_for_update().filter(user=handoff.user_id).first()


def _start(
    handoff: Handoff, made: Promise, *, cause: str, start_at: datetime, why: str, now: datetime, by: User | None
) -> Clock | None:
    target = made.target.target
    used = set(Clock.objects.filter(handoff=handoff, target=target).values_list("cause", flat=True))
    return clocks.start(
        episode=handoff.episode,
        handoff=handoff,
        target=target,
        cause=_fresh(cause, used),
        start_at=start_at,
        policy_target=made.target,
        why=why,
        now=now,
        by=by,
        promise=made,
    )


def start_accepted(handoff: Handoff, *, why: str, now: datetime, by: User | None = None) -> None:
    """Follow-up depth and qualify run from the moment of accepting; a signal promises an answer alone."""
    if handoff.lane == Lane.SIGNAL:
        return
    for target in ON_ACCEPT:
        start(handoff, target, cause="accept", start_at=now, why=why, now=now, by=by)


def meet(handoff: Handoff, target: str, *, at: datetime, now: datetime) -> None:
    """The promise was kept at this instant; clocks that started later are not answered by it."""
    for clock in running(handoff, target):
        if clock.started_at <= at:
            clocks.meet(clock, at=at, now=now)


def void(handoff: Handoff, *targets: str, why: str, now: datetime, as_of: datetime | None = None) -> None:
    """Nobody needs these any more (all, where none is named); one past due by then stays missed."""
    for clock in running(handoff, *targets):
        clocks.void(clock, why=why, now=now, as_of=as_of)


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
    lock_queue(handoff)
    unmet = {clock.target: clock for clock in running(handoff)}
    wanted = (Target.FIRST_TOUCH, *(ON_ACCEPT if handoff.state == State.ACCEPTED else (Target.ACCEPT,)))
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
