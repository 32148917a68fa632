"""A page of clocks as they stand: locked with all that they act on, and read in as many questions as one would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from scoring.models import EpisodeChange
from sla.clocks import deadlines, ladder
from sla.clocks.ladder import Step
from sla.models import Clock, ClockPause, ClockStep, ClockTiming, Handoff, HandoffChange


@dataclass(frozen=True)
class Standing:
    """One running clock with all that it acts on, locked."""

    clock: Clock
    fired: frozenset[str]
    written_at: tuple[datetime, ...]

    def instant(self, now: datetime) -> datetime:
        """The moment that counts: never before what the history of the locked rows already tells."""
        return max((now, *self.written_at))

    def steps(self) -> list[Step]:
        """What it still has to do, in the order of time."""
        timing, pauses = deadlines.last_timing(self.clock), deadlines.pauses_of(self.clock)
        return ladder.left(self.clock, timing, pauses=pauses, fired=self.fired)


def lock(clock_ids: Sequence[int], *, due_by: datetime | None = None) -> list[Standing]:
    """Those of these clocks that run, in this order, with lead, episode and hand-off.

    Left out is where one of them is locked by someone else: nobody waits for a lead that somebody acts on, and several
    processes share one page. With `due_by`, also what has nothing due by then any more.
    """
    clocks = _locked(clock_ids, due_by)
    if not clocks:
        return []
    handoffs = Handoff.objects.select_for_update(of=("self",)).select_related("user", "team", "reason")
    of_clocks = {clock.handoff_id for clock in clocks if clock.handoff_id is not None}
    locked = {each.pk: each for each in handoffs.filter(pk__in=of_clocks).order_by("pk")} if of_clocks else {}
    for clock in clocks:
        if clock.handoff_id is not None:
            clock.handoff = locked[clock.handoff_id]
            clock.handoff.episode = clock.episode
    place = {clock_id: number for number, clock_id in enumerate(clock_ids)}
    clocks.sort(key=lambda clock: place[clock.pk])
    told = _told([clock.pk for clock in clocks])
    return [
        Standing(clock, frozenset(keys), tuple(at for at in written if at is not None))
        for clock in clocks
        for keys, *written in [told[clock.pk]]
    ]


def _locked(clock_ids: Sequence[int], due_by: datetime | None) -> list[Clock]:
    """Lead, episode and clock of each, in the order of leads; with their timings and pauses."""
    running = Clock.objects.filter(verdict="", pk__in=clock_ids)
    if due_by is not None:
        running = running.filter(next_step_at__lte=due_by)
    locking = running.select_for_update(skip_locked=True, of=("self", "episode", "episode__lead"))
    timings, pauses = Prefetch("timings", ClockTiming.objects.order_by("number")), Prefetch("pauses", _pauses())
    found = locking.select_related("episode__lead__account").prefetch_related(timings, pauses)
    return list(found.order_by("episode__lead", "pk"))


def _pauses() -> QuerySet[ClockPause]:
    return ClockPause.objects.order_by("from_at", "id")


def _told(clock_ids: list[int]) -> dict[int, tuple[Any, ...]]:
    """Of each clock: the keys of what has fired, and when the last row was written about its episode and hand-off."""
    of_episode = EpisodeChange.objects.filter(episode=OuterRef("episode")).order_by("-at").values("at")[:1]
    of_handoff = HandoffChange.objects.filter(handoff=OuterRef("handoff")).order_by("-at").values("at")[:1]
    keys = ClockStep.objects.filter(clock=OuterRef("pk")).order_by().values("key")
    found = Clock.objects.filter(pk__in=clock_ids)
    found = found.annotate(e=Subquery(of_episode), h=Subquery(of_handoff), keys=ArraySubquery(keys))
    return {pk: tuple(rest) for pk, *rest in found.values_list("pk", "keys", "e", "h")}
