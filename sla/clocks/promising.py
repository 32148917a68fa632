"""What a target promises from a moment on: its budget, by day or by night, and where one rep has many, one by one."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Min

from leads.models import User
from scoring.models import Episode
from sla.clocks import spreading
from sla.clocks.deadlines import countable
from sla.models import OPEN_STATES, Clock, Handoff, PolicyTarget, Target
from sla.people import calendars
from sla.worktime import Hours, due_at, elapsed, is_open, remaining

# What a rep does with a lead in one go: answer it and reach out.
ONE_BY_ONE = (Target.ACCEPT, Target.FIRST_TOUCH)
OUTSIDE: Final = "arrived outside hours"


@dataclass(frozen=True)
class Promise:
    """A deadline and all that it is counted from."""

    target: PolicyTarget
    hours: Hours
    versions: list[int]
    start_at: datetime
    seconds: int | None
    business_days: int | None
    due_at: datetime
    told: str = ""

    def inputs(self) -> dict[str, Any]:
        """All that the deadline was counted from, and the deadline, as rows keep it."""
        return {
            "start_at": self.start_at,
            "budget_seconds": self.seconds,
            "business_days": self.business_days,
            "calendar_versions": self.versions,
            "policy_version_id": self.target.version_id,
            "target_amount_of": self.target.heat,
            "told": self.told[:200],
            "due_at": self.due_at,
        }


def promise(
    subject: Handoff | Episode, target: PolicyTarget, *, start_at: datetime, arrived_at: datetime | None = None
) -> Promise:
    """What this target promises from here, by itself, in the hours it names as they stand now. Raises NotCountable.

    Another budget may hold for what arrives outside these hours; it counts from their opening. What arrived then and
    was offered after the opening is due by it too, where that is later.
    """
    _, versions = calendars.hours_for(subject, target)
    return promise_in(versions, target, start_at=start_at, arrived_at=arrived_at)


def promise_in(
    versions: list[int], target: PolicyTarget, *, start_at: datetime, arrived_at: datetime | None = None
) -> Promise:
    """The same in the hours of these calendar versions."""
    hours = calendars.hours_of_versions(versions)
    with countable():
        due = due_at(hours, start_at, seconds=target.seconds, business_days=target.business_days)
        regular = Promise(target, hours, versions, start_at, target.seconds, target.business_days, due)
        if target.outside_seconds is None or not hours.calendars:
            return regular
        arrived = start_at if not is_open(hours, start_at) else min(arrived_at or start_at, start_at)
        if is_open(hours, arrived):
            return regular
        outside = due_at(hours, arrived, seconds=target.outside_seconds)
    if arrived != start_at and outside <= due:
        return regular
    return Promise(target, hours, versions, arrived, target.outside_seconds, None, outside, told=OUTSIDE)


def one_by_one(
    handoff: Handoff, promises: Sequence[Promise], *, now: datetime, beside: Sequence[datetime] = ()
) -> list[Promise]:
    """The same promises, none of them before the rep can get to it beside all that they have promised already.

    What was promised before stays as it is. Where the policy says nothing of how long a lead takes, each promise
    stands for itself. The rep is locked by the caller. `beside` are due instants of what they promised on paper.
    """
    minutes = promises[0].target.version.minutes_each if promises else None
    if minutes is None:
        return list(promises)
    hours = calendars.hours_of_rep(handoff.user, handoff.team)
    return after(queue(handoff.user, hours, now=now, leave_out=handoff, beside=beside), promises, hours, now=now)


def after(made: Sequence[float], promises: Sequence[Promise], hours: Hours, *, now: datetime) -> list[Promise]:
    """The same beside what somebody of these hours has promised already: working seconds from now until each is due."""
    minutes = promises[0].target.version.minutes_each if promises else None
    if minutes is None:
        return list(promises)
    with countable():
        wanted = min(remaining(hours, now, each.due_at) for each in promises)
        slot = spreading.earliest(made, wanted, minutes * 60)
        return [_not_before(each, slot, hours, made, minutes=minutes, now=now) for each in promises]


def queue(
    user: User, hours: Hours, *, now: datetime, leave_out: Handoff | None = None, beside: Sequence[datetime] = ()
) -> list[float]:
    """What a rep has promised to answer or to touch, each lead once: working seconds from now until it is due."""
    dues = promised_by([user.pk], leave_out=[leave_out.pk] if leave_out is not None else []).get(user.pk, [])
    return sorted(remaining(hours, now, due) for due in [*dues, *beside])


def promised_by(user_ids: Collection[int], *, leave_out: Collection[int]) -> dict[int, list[datetime]]:
    """What each of these people has promised to answer or to touch, each lead once; these hand-offs aside."""
    running = Clock.objects.filter(
        verdict="", target__in=ONE_BY_ONE, handoff__user__in=user_ids, handoff__state__in=OPEN_STATES
    ).exclude(handoff__in=leave_out)
    found: dict[int, list[datetime]] = {}
    for user_id, _, due in running.order_by().values_list("handoff__user", "handoff").annotate(Min("due_at")):
        found.setdefault(user_id, []).append(due)
    return found


def _not_before(
    made: Promise, slot: float, hours: Hours, others: Sequence[float], *, minutes: int, now: datetime
) -> Promise:
    """This promise, due no earlier than the slot, as whole seconds in its own hours: so it can be counted again."""
    moved = made
    while remaining(hours, now, moved.due_at) < slot:
        moved = _at_least(moved, due_at(hours, now, seconds=slot))
        slot = spreading.earliest(others, remaining(hours, now, moved.due_at), minutes * 60)
    if moved is made:
        return made
    ahead = sum(other <= slot for other in others)
    told = f"{ahead} promise{'' if ahead == 1 else 's'} of the rep come first, {minutes} min each"
    return replace(moved, told="; ".join(part for part in (made.told, told) if part))


def _at_least(made: Promise, at: datetime) -> Promise:
    """The promise with the smallest budget of whole seconds that is not due before an instant."""
    seconds = math.ceil(elapsed(made.hours, made.start_at, at).seconds)
    due = due_at(made.hours, made.start_at, seconds=seconds)
    if due < at:  # closed by then: the first second after the next opening
        seconds += 1
        due = due_at(made.hours, made.start_at, seconds=seconds)
    return replace(made, seconds=seconds, business_days=None, due_at=due)
