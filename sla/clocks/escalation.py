"""Escalation: what happens when a due time comes near or passes. Each step fires once, in its own transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery

from leads.transactions import business
from scoring.models import EpisodeChange
from sla.clocks import actions, deadlines, ladder
from sla.clocks.ladder import BREACH, Step
from sla.models import Clock, ClockStep, Handoff, HandoffChange

log = structlog.get_logger(__name__)

Now = datetime | Callable[[], datetime]


@dataclass(frozen=True)
class Standing:
    """One running clock with all that it acts on, locked."""

    clock: Clock
    fired: frozenset[str]
    written_at: tuple[datetime, ...]

    def instant(self, now: Now) -> datetime:
        """The moment that counts: never before what the history of the locked rows already tells."""
        return max((now() if callable(now) else now), *self.written_at)


@business
def fire(clock_id: int, *, now: Now, due_by: datetime | None = None) -> bool:
    """Do what one clock has due: mark the breach, write to people, and move the lead on. True if anything was done.

    False where someone else holds the lead (they are acting on it; the next round comes by again), or nothing is due
    any more. `now` may be the clock itself: it is then asked once the locks are had. `due_by` is when it was found to
    be due: what somebody else has fired since is left at once, so that several processes share one page.
    """
    standing = _lock(clock_id, due_by)
    if standing is None:
        return False
    clock, instant = standing.clock, standing.instant(now)
    steps = ladder.left(clock, deadlines.last_timing(clock), pauses=deadlines.pauses_of(clock), fired=standing.fired)
    due = [step for step in steps if step.at <= instant]
    moves = [step for step in due if step.ladder_step is not None and step.ladder_step.moves and clock.handoff]
    if moves:
        due = due[: due.index(moves[0]) + 1]  # the lead moves on, and this clock ends with its hand-off
    _go_on(clock, next_step_at=next((step.at for step in steps if step.at > instant), None), due=due)
    _fire(clock, due, now=instant)
    return bool(due)


@business
def hold_back(clock_id: int, *, why: str, now: datetime) -> None:
    """A step of this clock failed: leave it alone for a minute, and say why where people look."""
    Clock.objects.filter(pk=clock_id, verdict="").update(held_back_at=now, held_back_why=why[:300])
    log.error("clock_held_back", clock=clock_id, why=why[:300])


def _lock(clock_id: int, due_by: datetime | None) -> Standing | None:
    """The clock, if it runs, with lead, episode and hand-off; None where one of them is locked by someone else."""
    running = Clock.objects.filter(verdict="")
    if due_by is not None:
        running = running.filter(next_step_at__lte=due_by)
    locking = running.select_for_update(skip_locked=True, of=("self", "episode", "episode__lead"))
    clock = locking.select_related("episode__lead__account").filter(pk=clock_id).first()
    if clock is None:
        return None
    if clock.handoff_id is not None:
        handoffs = Handoff.objects.select_for_update(of=("self",)).select_related("user", "team")
        clock.handoff = handoffs.get(pk=clock.handoff_id)
        clock.handoff.episode = clock.episode
    of_episode = EpisodeChange.objects.filter(episode=OuterRef("episode")).order_by("-at").values("at")[:1]
    of_handoff = HandoffChange.objects.filter(handoff=OuterRef("handoff")).order_by("-at").values("at")[:1]
    keys = ClockStep.objects.filter(clock=OuterRef("pk")).order_by().values("key")
    found = Clock.objects.annotate(e=Subquery(of_episode), h=Subquery(of_handoff), keys=ArraySubquery(keys))
    fired, *written = found.values_list("keys", "e", "h").get(pk=clock_id)
    return Standing(clock, frozenset(fired), tuple(at for at in written if at is not None))


def _go_on(clock: Clock, *, next_step_at: datetime | None, due: list[Step]) -> None:
    """Wind the clock for its next step, and mark its breach; whatever held it back is over."""
    fields = {"next_step_at": next_step_at, "held_back_at": None, "held_back_why": ""}
    if clock.breached_at is None and any(step.key == BREACH for step in due):
        fields["breached_at"] = clock.due_at
    changed = [name for name, value in fields.items() if getattr(clock, name) != value]
    for name in changed:
        setattr(clock, name, fields[name])
    if changed:
        clock.save(update_fields=changed)


def _fire(clock: Clock, due: list[Step], *, now: datetime) -> None:
    """Write a row for each step, and do what it says; what takes the lead away comes last."""
    done = [(step, actions.tell(clock, step, now=now)) for step in due]
    ClockStep.objects.bulk_create(
        ClockStep(clock=clock, key=step.key, step=step.ladder_step, due_at=step.at, fired_at=now, detail=detail)
        for step, detail in done
    )
    for step, detail in done:
        if step.ladder_step is not None and "skipped" not in detail:
            actions.move(clock, step.ladder_step, now=now)
