"""What a matter on paper would have been promised: the same counting as a clock's, kept as rows that never change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from leads.models import User
from scoring.models import Episode, Lane
from sla.clocks import deadlines, ladder, policies, promising
from sla.clocks.promising import Promise
from sla.models import ClockTiming, Handoff, PaperOffer, PaperPromise, Target

ON_PAPER = (Target.ACCEPT, Target.FIRST_TOUCH)


def promises_of(offer: PaperOffer, episode: Episode, *, now: datetime, arrived_at: datetime) -> dict[str, Promise]:
    """What accept and first touch would promise from now on; what isn't promised or can't be counted is left out."""
    person = Handoff(user=offer.user, team=offer.team)
    made: dict[str, Promise] = {}
    for target in (Target.FIRST_TOUCH,) if episode.lane == Lane.FAST else ON_PAPER:
        line = policies.target_for(offer.policy_version, target, policies.heat_of(episode))
        if line is None:
            continue
        try:
            made[target.value] = promising.promise(person, line, start_at=now, arrived_at=arrived_at)
        except deadlines.NotCountable:
            continue
    queue = dues(offer.user, now=now, leave_out=offer)
    spread = promising.one_by_one(person, list(made.values()), now=now, beside=queue)
    return dict(zip(made, spread, strict=True))


def to_assign(offer: PaperOffer, episode: Episode, *, start_at: datetime) -> dict[str, Promise]:
    """By when somebody was to be found, counted from the moment the matter came."""
    line = policies.target_for(offer.policy_version, Target.ASSIGN, policies.heat_of(episode))
    if line is None:
        return {}
    try:
        return {Target.ASSIGN.value: promising.promise(episode, line, start_at=start_at)}
    except deadlines.NotCountable:
        return {}


def dues(user: User, *, now: datetime, leave_out: PaperOffer | None = None) -> list[datetime]:
    """What this person has promised on paper and not kept yet: the nearest due instant of each matter."""
    open_now = PaperOffer.objects.filter(user=user, settled_at=None, load_until__gt=now)
    if leave_out is not None and leave_out.pk is not None:
        open_now = open_now.exclude(pk=leave_out.pk)
    found: dict[int, datetime] = {}
    for each in last_of(PaperPromise.objects.filter(offer__in=open_now, target__in=promising.ONE_BY_ONE)):
        found[each.offer_id] = min(found.get(each.offer_id, each.due_at), each.due_at)
    return list(found.values())


def keep(offer: PaperOffer, made: dict[str, Promise], *, why: str, now: datetime) -> None:
    """Write these promises, each as the one of its target that counts from now on."""
    numbers: dict[str, int] = {}
    for each in PaperPromise.objects.filter(offer=offer):
        numbers[each.target] = max(each.number, numbers.get(each.target, 0))
    for target, promise in made.items():
        number = numbers.get(target, 0) + 1
        row = PaperPromise(offer=offer, target=target, number=number, **promise.inputs(), why=why[:60], at=now)
        row.ladder = _ladder(row)
        row.save(force_insert=True)


def last_of(promises: Iterable[PaperPromise]) -> list[PaperPromise]:
    """Of each offer and target the one that counts."""
    found: dict[tuple[int, str], PaperPromise] = {}
    for each in promises:
        known = found.get((each.offer_id, each.target))
        if known is None or known.number < each.number:
            found[each.offer_id, each.target] = each
    return list(found.values())


def timing_of(promise: PaperPromise) -> ClockTiming:
    """Its inputs as those of a clock, so that the same code counts both."""
    return ClockTiming(
        start_at=promise.start_at,
        budget_seconds=promise.budget_seconds,
        business_days=promise.business_days,
        calendar_versions=promise.calendar_versions,
        policy_version_id=promise.policy_version_id,
        due_at=promise.due_at,
    )


def recompute(promise: PaperPromise) -> datetime:
    """The due instant, counted again from its inputs: equal to `due_at`, always."""
    return deadlines.due_of(timing_of(promise), ())


def _ladder(promise: PaperPromise) -> list[dict[str, Any]]:
    steps = ladder.schedule(timing_of(promise), promise.target, due=promise.due_at)
    rungs = [(step.at, step.ladder_step) for step in steps]
    return [
        {"at": at.isoformat(), "step": rung.pk if rung else None, "does": rung.action if rung else ladder.BREACH}
        for at, rung in sorted(rungs, key=lambda step: step[0])
    ]
