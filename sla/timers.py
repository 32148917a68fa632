"""The timer of a hand-off as people see it: a state, an icon, a word, and what a browser needs to go on counting.

The due instant is the database's. A browser is told what is left in working time, how long work goes on, and nothing
else: it ticks, and asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads import moments
from leads.words import ago, countdown, length
from sla.models import Clock, ClockPause, ClockTiming, Handoff, State, Target
from sla.people import calendars
from sla.worktime import Hours, WorktimeError, elapsed, next_close, next_open, remaining

SOON = 15 * 60
ICONS = {
    "ontrack": "clock",
    "soon": "bolt",
    "late": "exclamation-triangle",
    "resumes": "moon",
    "met": "check-circle",
    "missed": "x-circle",
    "paused": "pause-circle",
    "none": "minus-circle",
}
# What the timer of an ended hand-off tells: the promise to the lead before the promise to us.
TOLD_FIRST = (Target.FIRST_TOUCH, Target.ACCEPT, Target.QUALIFY, Target.DEPTH)
FOR = {
    Target.ASSIGN: "to assign",
    Target.ACCEPT: "to answer",
    Target.FIRST_TOUCH: "to first touch",
    Target.DEPTH: "to follow up",
    Target.QUALIFY: "to qualify",
}
OF = {
    Target.ASSIGN: "assigning",
    Target.ACCEPT: "answer",
    Target.FIRST_TOUCH: "first touch",
    Target.DEPTH: "follow-up",
    Target.QUALIFY: "qualifying",
}


@dataclass(frozen=True)
class Timer:
    """One timer chip. `left` and `runs` are seconds of working time; both None where nothing ticks."""

    state: str
    text: str
    what: str = ""
    due_at: datetime | None = None
    left: int | None = None
    runs: int | None = None
    soon: int = SOON
    policy: str = ""

    @property
    def ticks(self) -> bool:
        """Whether working time runs, so that a browser counts on by itself."""
        return self.left is not None and self.runs != 0 and self.state != "resumes"

    @property
    def stamp(self) -> str:
        """What a browser shows and can't count on from by itself: state and due instant, without what ticks."""
        due = f"{self.due_at:%s}" if self.due_at is not None else ""
        return f"{'ticks' if self.ticks else self.state}-{due}"

    @property
    def icon(self) -> str:
        return ICONS[self.state]

    @property
    def title(self) -> str:
        """The chip in a sentence, in the viewer's zone."""
        if self.due_at is None:
            return self.what or self.text
        due = moments.said(self.due_at, "D j M H:i")
        left = f"{length(self.left)} of working time " + ("left" if self.left >= 0 else "past due") if self.left else ""
        said = [f"Due {due}", left, self.what, self.policy]
        return " · ".join(part for part in said if part)


def of_handoff(handoff: Handoff, *, now: datetime) -> Timer:
    """The timer that counts most: of the running clocks the nearest due, else how the promise to the lead ended."""
    clocks = handoff.all_clocks
    running = [clock for clock in clocks if clock.is_running]
    if running:
        return of_clock(min(running, key=lambda clock: (clock.due_at, clock.pk)), now=now)
    ended = [clock for clock in clocks if clock.verdict in (Clock.Verdict.MET, Clock.Verdict.MISSED)]
    if ended:
        return of_clock(min(ended, key=lambda clock: (TOLD_FIRST.index(Target(clock.target)), -clock.pk)), now=now)
    if handoff.state == State.ACCEPTED and handoff.first_touched_at is not None:
        return Timer("met", f"touched {ago(handoff.first_touched_at, now)}")
    return Timer("none", "no clock" if handoff.is_open else "stopped")


def of_clock(clock: Clock, *, now: datetime) -> Timer:
    """The timer of one clock, as things stand now."""
    timing = last_timing(clock)
    hours = calendars.hours_of_versions(timing.calendar_versions)
    what, policy = (FOR if clock.is_running else OF)[Target(clock.target)], timing.policy_told
    if clock.verdict == Clock.Verdict.VOIDED:
        return Timer("none", "stopped", what, clock.due_at, policy=policy)
    if clock.verdict == Clock.Verdict.MET and clock.met_at is not None:
        paused = [(each.from_at, each.counts_until) for each in clock.all_pauses]
        took = elapsed(hours, clock.started_at, max(clock.met_at, clock.started_at), paused).seconds
        return Timer("met", f"met in {length(took)}", what, clock.due_at, policy=policy)
    if clock.verdict == Clock.Verdict.MISSED:
        ended = clock.met_at or clock.voided_at or clock.due_at
        over = elapsed(hours, clock.due_at, max(ended, clock.due_at)).seconds
        return Timer("missed", f"missed by {length(over)}", what, clock.due_at, policy=policy)
    return _running(clock, hours, _soon(timing, hours, clock), what=what, policy=policy, now=now)


def standing_pause(clock: Clock, *, now: datetime) -> ClockPause | None:
    """The pause in which the clock stands still at this moment; of a prefetched clock without a question."""
    return next((each for each in clock.all_pauses if each.from_at <= now < each.counts_until), None)


def last_timing(clock: Clock) -> ClockTiming:
    """The timing that counts; of a prefetched clock without a question."""
    return max(clock.all_timings, key=lambda timing: timing.number)


def nearest(handoffs: Sequence[Handoff]) -> datetime | None:
    """The nearest due instant of some hand-offs."""
    dues = [clock.due_at for handoff in handoffs for clock in handoff.all_clocks if clock.is_running]
    return min(dues, default=None)


def _running(clock: Clock, hours: Hours, soon: int, *, what: str, policy: str, now: datetime) -> Timer:
    if (pause := standing_pause(clock, now=now)) is not None:
        return Timer("paused", f"paused by {pause.by} until {_day(pause.until_at)}", what, clock.due_at, policy=policy)
    left = int(remaining(hours, now, clock.due_at))
    opens, closes = _opening(hours, now)
    if opens is None or opens > now:
        text = f"resumes {_when(opens, now)}" if opens else "closed"
        if now > clock.due_at:
            return Timer("late", f"+{length(left)} late", what, clock.due_at, left, 0, soon, policy)
        return Timer("resumes", text, what, clock.due_at, left, None, soon, policy)
    runs = int((closes - now).total_seconds()) if closes else None
    if now > clock.due_at:
        return Timer("late", f"+{length(left)} late", what, clock.due_at, left, runs, soon, policy)
    if left <= soon:
        return Timer("soon", countdown(left), what, clock.due_at, left, runs, soon, policy)
    return Timer("ontrack", length(left), what, clock.due_at, left, runs, soon, policy)


def _soon(timing: ClockTiming, hours: Hours, clock: Clock) -> int:
    """From how many seconds on it is *soon*: a quarter of the budget, and at least 15 minutes."""
    budget = timing.budget_seconds
    if budget is None:
        budget = int(elapsed(hours, timing.start_at, max(clock.due_at, timing.start_at)).seconds)
    return max(SOON, budget // 4)


def _opening(hours: Hours, now: datetime) -> tuple[datetime | None, datetime | None]:
    try:
        return next_open(hours, now), next_close(hours, now)
    except WorktimeError:
        return None, None


def _day(at: datetime) -> str:
    """A day to come in the viewer's zone: 3 Mar."""
    return moments.said(at, "j M")


def _when(at: datetime, now: datetime) -> str:
    """A moment to come in the viewer's zone, as short as it can be told."""
    if at - now < timedelta(hours=18):
        return moments.said(at, "H:i")
    return moments.said(at, "D H:i" if at - now < timedelta(days=6) else "j M H:i")
