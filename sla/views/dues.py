"""Due times as a list shows them: each with its sum, what was counted and what was not, from start to due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sla import clocks, timers
from sla.models import CalendarVersion, Clock, Handoff
from sla.timers import Timer
from sla.worktime import Counted, Deadline, Uncounted

MOST_PARTS: Final = 8


@dataclass(frozen=True)
class Due:
    """One running clock: its chip, its instant, and the sum, of a long one the first parts and the last."""

    clock: Clock
    timer: Timer
    deadline: Deadline
    hours: str

    @property
    def at(self) -> datetime:
        return self.clock.due_at

    @property
    def parts(self) -> list[Counted | Uncounted]:
        """What was counted and what was not, in order; with `left_out` in the middle left out."""
        found = self.deadline.parts
        return found if len(found) <= MOST_PARTS else [*found[: MOST_PARTS - 1], found[-1]]

    @property
    def left_out(self) -> int:
        return max(0, len(self.deadline.parts) - MOST_PARTS)


def dues_of(running: Iterable[Clock], *, now: datetime) -> dict[int, Due]:
    """These running clocks by their id, in one question for the names of their hours; timings and pauses prefetched."""
    found = list(running)
    timings = {each.pk: timers.last_timing(each) for each in found}
    wanted = {key for timing in timings.values() for key in timing.calendar_versions}
    versions = CalendarVersion.objects.filter(pk__in=wanted).select_related("calendar")
    names = {each.pk: str(each) for each in versions} if wanted else {}
    return {
        each.pk: Due(
            each,
            timers.of_clock(each, now=now),
            clocks.explain(each),
            " and ".join(names[key] for key in timings[each.pk].calendar_versions) or "round the clock",
        )
        for each in found
    }


def nearest_of(handoff: Handoff) -> Clock | None:
    """The running clock that is due next; of a prefetched hand-off without a question."""
    running = [clock for clock in handoff.all_clocks if clock.is_running]
    return min(running, key=lambda clock: (clock.due_at, clock.pk), default=None)
