"""Re-timing: running clocks count by a newly published policy or calendar, if a person who saw what follows says so.

Only what was published changes: a new calendar takes the place of its former versions, a new policy gives its budget
from the same start. What is past due stays as it is, for a breach is never taken back; former timings stay as history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import structlog
from django.db.models import OuterRef, Q, QuerySet, Subquery

from leads.locks import LeadGone, lock_lead
from leads.models import Job, User
from leads.transactions import business
from leads.turns import turn
from leads.wake import wake
from sla import worktime
from sla.clocks import deadlines, ladder, policies, promising, running
from sla.models import CalendarVersion, Clock, ClockStep, ClockTiming, Handoff, PolicyVersion
from sla.nextsteps import keeping
from sla.people import calendars
from sla.worktime import WorktimeError

log = structlog.get_logger(__name__)

Published = PolicyVersion | CalendarVersion
KIND: Final = "retime"
PAGE = 100
LOOKED_AT = 5000


class Effect(StrEnum):
    """What becomes of one clock."""

    EARLIER = "earlier"
    LATER = "later"
    LATE = "late at once"
    SAME = "the same instant"
    LEFT = "left as it is"


@dataclass(frozen=True)
class Retimed:
    """One running clock, and when it would be due by the newly published."""

    clock: Clock
    timing: ClockTiming
    due_at: datetime
    effect: Effect


@dataclass(frozen=True)
class Preview:
    """What re-timing would do, with nothing done yet: of `total` running clocks, `looked_at` were counted anew."""

    total: int
    looked_at: int
    counts: dict[Effect, int]
    rows: list[Retimed]


def concerned(published: Published) -> QuerySet[Clock]:
    """The running clocks whose last timing counts by a former version of what was published."""
    newest = ClockTiming.objects.filter(clock=OuterRef("pk")).order_by("-number")
    clocks = Clock.objects.filter(verdict="")
    if isinstance(published, PolicyVersion):
        former = list(published.policy.versions.exclude(pk=published.pk).values_list("pk", flat=True))
        return clocks.annotate(by_policy=Subquery(newest.values("policy_version")[:1])).filter(by_policy__in=former)
    former = list(_former(published))
    held = Q(pk__in=[])
    for each in former:
        held |= Q(by_calendars__contains=[each])
    return clocks.annotate(by_calendars=Subquery(newest.values("calendar_versions")[:1])).filter(held)


def preview(published: Published, *, now: datetime, shown: int) -> Preview:
    """How many clocks would be due earlier, later or late at once, and the first of them by their due instant."""
    found = concerned(published)
    rows = [_count(clock, published, now=now) for clock in _loaded(found.order_by("due_at", "pk")[:LOOKED_AT])]
    return Preview(found.count(), len(rows), dict(Counter(row.effect for row in rows)), rows[:shown])


@business
def begin(published: Published, *, now: datetime, by: User | None) -> Job:
    """Begin to re-time all running clocks by what was published; the workers do it, and a person may stop it."""
    kind = "policy" if isinstance(published, PolicyVersion) else "calendar"
    job = Job.objects.create(
        kind=KIND,
        title=f"Re-time by {published}"[:200],
        by=by,
        total=concerned(published).count(),
        report={"by": kind, "version": published.pk},
        started_at=now,
    )
    wake(KIND)
    return job


def go_on(clock: Callable[[], datetime]) -> int:
    """Do the next page of every re-timing that has begun; returns how many clocks it looked at.

    May run anywhere, any number of times: a clock that was re-timed is no longer concerned.
    """
    with turn(KIND) as ours:
        if not ours:
            return 0
        return sum(_page(job, clock) for job in Job.objects.filter(kind=KIND, state=Job.State.RUNNING).order_by("pk"))


@business
def retime(clock_id: int, published: Published, *, now: datetime, by: User | None) -> Effect:
    """Count one running clock by what was published, as a new timing; what it has told already is not told again."""
    known = Clock.objects.values_list("episode__lead_id", "handoff_id").get(pk=clock_id)
    lock_lead(known[0])
    if known[1] is not None:
        Handoff.objects.select_for_update(of=("self",)).get(pk=known[1])
    clock = Clock.objects.select_for_update(of=("self",)).select_related("handoff", "episode").get(pk=clock_id)
    if not concerned(published).filter(pk=clock_id).exists():
        return Effect.LEFT
    told = _count(clock, published, now=now)
    if told.effect == Effect.LEFT:
        return told.effect
    before = {_moment(step.step) for step in clock.fired.select_related("step") if step.step is not None}
    timing = told.timing
    timing.pk, timing._state.adding = None, True
    timing.number, timing.due_at, timing.at, timing.by = timing.number + 1, told.due_at, now, by
    timing.why = f"retimed to {published}"[:60]
    timing.save()
    clock.due_at = told.due_at
    clock.save(update_fields=["due_at"])
    for step in ladder.unfired(clock):
        if step.ladder_step is not None and step.at <= now and _moment(step.ladder_step) in before:
            ClockStep.objects.create(
                clock=clock, key=step.key, step=step.ladder_step, due_at=step.at, fired_at=now, detail={"again": False}
            )
    running.wind(clock)
    keeping.retimed(clock.handoff, now=now, by=by)
    return told.effect


def _page(job: Job, clock: Callable[[], datetime]) -> int:
    if Job.objects.filter(pk=job.pk, cancel_requested_at__isnull=False).exists():
        _end(job, Job.State.CANCELLED, now=clock())
        return 0
    published = _published(job.report)
    beyond = concerned(published).filter(pk__gt=job.report.get("after", 0))
    page = list(beyond.order_by("pk").values_list("pk", flat=True)[:PAGE])
    for clock_id in page:
        effect = _try(clock_id, published, now=clock(), by=job.by)
        job.report["after"] = clock_id
        counts = job.report.setdefault("effects", {})
        name = effect.value if effect is not None else "failed"
        counts[name] = counts.get(name, 0) + 1
    job.done += len(page)
    Job.objects.filter(pk=job.pk).update(done=job.done, report=job.report)
    if len(page) < PAGE:
        _end(job, Job.State.DONE, now=clock())
    return len(page)


def _try(clock_id: int, published: Published, *, now: datetime, by: User | None) -> Effect | None:
    try:
        return retime(clock_id, published, now=now, by=by)
    except LeadGone:
        return Effect.LEFT
    except Exception:
        log.exception("retiming_failed", clock=clock_id)
        return None


def _end(job: Job, state: str, *, now: datetime) -> None:
    ended = {"state": state, "finished_at": max(now, job.started_at)}
    Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(**ended)


def _published(report: dict[str, Any]) -> Published:
    model = PolicyVersion if report["by"] == "policy" else CalendarVersion
    found: Published = model._default_manager.get(pk=report["version"])
    return found


def _loaded(clocks: QuerySet[Clock]) -> Iterator[Clock]:
    parts = clocks.select_related("handoff__user", "handoff__team", "episode__lead__account")
    yield from parts.prefetch_related("timings__policy_version", "pauses")


def _count(clock: Clock, published: Published, *, now: datetime) -> Retimed:
    """When the clock would be due; its timing as it would read, not saved."""
    timing = deadlines.last_timing(clock)
    if clock.due_at <= now or clock.breached_at is not None or not _adopt(timing, clock, published):
        return Retimed(clock, timing, clock.due_at, Effect.LEFT)
    try:
        due = worktime.due(
            calendars.hours_of_versions(timing.calendar_versions),
            timing.start_at,
            seconds=timing.budget_seconds,
            business_days=timing.business_days,
            pauses=deadlines.pauses_of(clock),
        ).due_at
    except WorktimeError:
        return Retimed(clock, timing, clock.due_at, Effect.LEFT)
    if due == clock.due_at:
        return Retimed(clock, timing, due, Effect.SAME)
    earlier = Effect.LATE if due <= now else Effect.EARLIER
    return Retimed(clock, timing, due, earlier if due < clock.due_at else Effect.LATER)


def _adopt(timing: ClockTiming, clock: Clock, published: Published) -> bool:
    """Let a timing count by what was published; False where it promises nothing for this clock any more."""
    if isinstance(published, CalendarVersion):
        former = set(_former(published))
        ids = [published.pk if each in former else each for each in timing.calendar_versions]
        timing.calendar_versions = list(dict.fromkeys(ids))
        return True
    promised = policies.target_for(published, clock.target, timing.target_amount_of)
    if promised is None or timing.is_agreed:
        return False
    before = policies.target_for(timing.policy_version, clock.target, timing.target_amount_of)
    if before is None or before.hours != promised.hours:
        timing.calendar_versions = calendars.hours_for(clock.handoff or clock.episode, promised)[1]
    timing.budget_seconds, timing.business_days = promised.seconds, promised.business_days
    if timing.told == promising.OUTSIDE and promised.outside_seconds is not None:
        timing.budget_seconds, timing.business_days = promised.outside_seconds, None
    timing.policy_version = published
    return True


def _former(published: CalendarVersion) -> Iterator[int]:
    older = CalendarVersion.objects.filter(calendar=published.calendar_id, number__lt=published.number)
    yield from older.values_list("pk", flat=True)


def _moment(step: Any) -> tuple[Any, ...]:
    """What makes two steps of two versions the same one."""
    return (step.target, step.share, step.from_due, step.round_the_clock, step.action, step.team_id, step.endpoint_id)
