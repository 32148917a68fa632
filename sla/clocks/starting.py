"""Starting clocks: one promise of one episode or hand-off, with all that its deadline was counted from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from leads.models import User
from leads.transactions import business
from scoring.models import Episode
from sla.clocks import ladder, promising
from sla.clocks.promising import Promise
from sla.models import Clock, ClockTiming, Handoff, PolicyTarget


@business
def start(
    *,
    episode: Episode,
    handoff: Handoff | None,
    target: str,
    cause: str,
    start_at: datetime,
    policy_target: PolicyTarget | None,
    why: str,
    now: datetime,
    by: User | None = None,
    promise: Promise | None = None,
) -> Clock | None:
    """Start one clock at `start_at`; None where the policy promises nothing for this target.

    It counts in the hours the policy names as they stand now, and keeps them. `promise` is given by whoever has worked
    it out already. Raises NotCountable.
    """
    if policy_target is None:
        return None
    made = promise or promising.promise(handoff or episode, policy_target, start_at=start_at)
    (timing,) = start_all([Start(episode, handoff, target, cause, start_at, made, why, now, by)])
    return timing.clock


class Start(NamedTuple):
    """One clock to be started, with the promise that was worked out for it."""

    episode: Episode
    handoff: Handoff | None
    target: str
    cause: str
    start_at: datetime
    promise: Promise
    why: str
    now: datetime
    by: User | None = None


@business
def start_all(starts: Sequence[Start]) -> list[ClockTiming]:
    """`start` for many clocks, in the order given; the first timing of each, with its clock."""
    timings = [timing_of(each.promise, why=each.why, now=each.now, by=each.by) for each in starts]
    first = _first_steps(starts, timings)
    clocks = Clock.objects.bulk_create(
        Clock(
            episode=each.episode,
            handoff=each.handoff,
            target=each.target,
            cause=each.cause,
            started_at=each.start_at,
            due_at=each.promise.due_at,
            next_step_at=at,
        )
        for each, at in zip(starts, first, strict=True)
    )
    for clock, timing in zip(clocks, timings, strict=True):
        timing.clock = clock
    return ClockTiming.objects.bulk_create(timings)


def _first_steps(starts: Sequence[Start], timings: Sequence[ClockTiming]) -> Iterator[datetime]:
    """When each of these clocks acts first; equal promises are looked at once."""
    known: dict[tuple[int, str, datetime, int | None, int | None, datetime, tuple[int, ...]], datetime] = {}
    for each, timing in zip(starts, timings, strict=True):
        made = each.promise
        counted_from = made.start_at, made.seconds, made.business_days, made.due_at, tuple(made.versions)
        key = (timing.policy_version_id, each.target, *counted_from)
        if key not in known:
            known[key] = min(step.at for step in ladder.schedule(timing, each.target, due=made.due_at))
        yield known[key]


def timing_of(made: Promise, *, why: str, now: datetime, by: User | None) -> ClockTiming:
    """All that the deadline was counted from, not yet saved."""
    return ClockTiming(**made.inputs(), why=why[:60], at=now, by=by)
