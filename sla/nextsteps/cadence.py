"""The cadence: what comes next with an accepted lead, and when, where nobody has said otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from leads.models import Organization
from sla import worktime
from sla.clocks import deadlines, policies
from sla.models import Clock, Handoff, Target
from sla.people import calendars
from sla.worktime import WorktimeError

FIRST_TOUCH: Final = "First touch"
FOLLOW_UP: Final = "Follow up"
DECIDE: Final = "Convert or return"
MEETING: Final = "Meeting"
USUAL_DAYS: Final = 2


class Step(NamedTuple):
    """What is to be done, and by when; no instant where nobody works within a year."""

    at: datetime | None
    what: str


def next_of(handoff: Handoff, *, now: datetime) -> Step:
    """The next step by what was promised.

    A first touch that is owed comes first, by its due instant. Then the touches of the follow-up depth, spread evenly
    over its working time: of n, the k-th after k/n of the budget. Then the decision, no later than the qualify clock is
    due. Where no promise says so, or its moment has passed: the organization's business days from now, in the rep's
    hours.
    """
    running = _running(handoff)
    owed = running.get(Target.FIRST_TOUCH)
    if owed is not None:
        return Step(owed.due_at, FIRST_TOUCH)
    usual = _usual(handoff, now=now)
    depth, decision = running.get(Target.DEPTH), running.get(Target.QUALIFY)
    if depth is not None:
        of = _touches_of(depth)
        nth = min(handoff.touches + 1, of)
        return Step(_spread(depth, nth, of, now=now) or usual, f"Touch {nth} of {of}")
    if decision is not None and decision.due_at > now:
        return Step(min(usual, decision.due_at) if usual is not None else decision.due_at, DECIDE)
    return Step(usual, FOLLOW_UP)


def _running(handoff: Handoff) -> dict[str, Clock]:
    """The clocks that run, with all they were counted from."""
    clocks = Clock.objects.filter(handoff=handoff, verdict="").order_by("pk")
    return {clock.target: clock for clock in clocks.prefetch_related("timings__policy_version", "pauses")}


def _touches_of(depth: Clock) -> int:
    """How many touches full follow-up is, by the timing that counts."""
    timing = deadlines.last_timing(depth)
    promised = policies.target_for(timing.policy_version, Target.DEPTH, timing.target_amount_of)
    return (promised.touches if promised is not None else None) or 1


def _spread(depth: Clock, nth: int, of: int, *, now: datetime) -> datetime | None:
    """When the nth of so many touches has its turn, or the first of the later ones whose turn is still to come."""
    timing, pauses = deadlines.last_timing(depth), deadlines.pauses_of(depth)
    hours, budget = calendars.hours_of_versions(timing.calendar_versions), deadlines.counted(timing, pauses)
    for each in range(nth, of):
        at = worktime.due_at(hours, timing.start_at, seconds=budget.budget_seconds * each / of, pauses=pauses)
        if at > now:
            return at
    return depth.due_at if depth.due_at > now else None


def _usual(handoff: Handoff, *, now: datetime) -> datetime | None:
    """So many business days from now, in the rep's hours."""
    days = Organization.objects.values_list("next_step_days", flat=True).first() or USUAL_DAYS
    try:
        return worktime.due(calendars.hours_of_rep(handoff.user, handoff.team), now, business_days=days).due_at
    except WorktimeError:
        return None
