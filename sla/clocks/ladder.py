"""The ladder of a clock: what it still has to do, and when; all of it out of the inputs of its last timing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef

from leads.models import Team
from scoring.models import EpisodeChange
from sla.clocks.deadlines import Pauses, countable, counted, last_timing, pauses_of
from sla.models import Clock, ClockStep, ClockTiming, LadderStep, PolicyVersion
from sla.people import calendars
from sla.worktime import due_at

BREACH = "breach"

_published: dict[tuple[int, str], list[LadderStep]] = {}


class Step(NamedTuple):
    """One thing a clock still has to do: the breach mark, or a step of the ladder."""

    at: datetime
    key: str
    ladder_step: LadderStep | None


def unfired(clock: Clock) -> list[Step]:
    """What the clock still has to do, in the order of time.

    Of what falls on one instant the breach comes first, and what takes the lead away last, so that everybody was told.
    """
    fired = set(clock.fired.values_list("key", flat=True))
    return left(clock, last_timing(clock), pauses=pauses_of(clock), fired=fired)


def left(clock: Clock, timing: ClockTiming, *, pauses: Pauses, fired: Collection[str]) -> list[Step]:
    """As `unfired`, for one who has the clock's rows at hand."""
    steps = schedule(timing, clock.target, due=clock.due_at, pauses=pauses)
    return sorted((step for step in steps if step.key not in fired), key=_order)


def schedule(timing: ClockTiming, target: str, *, due: datetime, pauses: Pauses = ()) -> list[Step]:
    """When each step is to fire.

    A share, and a length before or after, is working time from the start of the timing; round the clock, a length is
    told from the due instant by the wall clock. What would come before the start is left out: there is no such moment.
    """
    steps = [Step(due, BREACH, None)]
    rungs = ladder_of(timing.policy_version_id, target)
    if not rungs:
        return steps
    hours = calendars.hours_of_versions(timing.calendar_versions)
    budget = counted(timing, pauses).budget_seconds
    for rung in rungs:
        at: datetime | None = due
        if rung.round_the_clock:
            at = due + timedelta(seconds=rung.from_due or 0)
            at = at if at > timing.start_at else None
        elif rung.share != 100 and rung.from_due != 0:
            spent = budget * rung.share / 100 if rung.share is not None else budget + (rung.from_due or 0)
            if spent > 0:
                with countable():
                    at = due_at(hours, timing.start_at, seconds=spent, pauses=pauses)
            else:
                at = None
        if at is not None:
            steps.append(Step(at, f"step:{rung.pk}", rung))
    return steps


def ladder_of(version_id: int, target: str) -> Sequence[LadderStep]:
    """The steps of one target; those of a published version never change, so they are read once."""
    known = _published.get((version_id, target))
    if known is not None:
        return known
    version = PolicyVersion.objects.get(pk=version_id)
    rungs = list(LadderStep.objects.filter(version=version, target=target).select_related("team", "endpoint"))
    if version.state != PolicyVersion.VersionState.DRAFT:
        _published[version_id, target] = rungs
    return rungs


def put_into_the_pool() -> Exists:
    """Of waiting episodes: a step has put it into the pool since it waits, and nobody has raised a hand after that."""
    raised = EpisodeChange.objects.filter(
        episode=OuterRef("clock__episode"), what="hand_raised", at__gte=OuterRef("fired_at")
    )
    pooled = ClockStep.objects.filter(
        clock__episode=OuterRef("pk"), step__action=LadderStep.Action.POOL, fired_at__gte=OuterRef("waiting_since")
    )
    return Exists(pooled.filter(~Exists(raised)))


def teams_asked(episode_ids: Collection[int]) -> dict[int, list[Team]]:
    """The teams that a step has asked as well since these episodes wait, in the order in which they were asked.

    An episode for which no other team was asked is left out.
    """
    steps = ClockStep.objects.filter(
        clock__episode__in=episode_ids,
        step__action=LadderStep.Action.TEAM,
        step__team__isnull=False,
        fired_at__gte=F("clock__episode__waiting_since"),
    ).exclude(detail__has_key="skipped")
    found: dict[int, list[Team]] = {}
    for step in steps.select_related("clock", "step__team").order_by("fired_at", "id"):
        team = step.step.team if step.step is not None else None
        teams = found.setdefault(step.clock.episode_id, [])
        if team is not None and team not in teams:
            teams.append(team)
    return found


def _order(step: Step) -> tuple[datetime, bool, bool, int]:
    rung = step.ladder_step
    return step.at, rung is not None, rung is not None and rung.moves, rung.pk if rung is not None else 0
