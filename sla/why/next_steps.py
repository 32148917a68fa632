"""What happens next by itself, in a sentence: the steps that the ladders of running clocks still have to climb."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from django.utils import timezone

from leads import moments
from leads.models import User
from sla import timers
from sla.clocks import ladder
from sla.clocks.deadlines import NotCountable, pauses_of
from sla.models import Clock, ClockStep, LadderStep

TOLD: Final = 2  # moments
Action = LadderStep.Action


def next_steps(clocks: Iterable[Clock], viewer: User, *, now: datetime) -> str:
    """“At 10:15 your manager is told; at 10:45 it goes to the next rep.” In the viewer's zone; "" where nothing is due.

    Steps whose moment has come and that only wait to fire are told as well.
    """
    running = [clock for clock in clocks if clock.is_running]
    fired: dict[int, set[str]] = {clock.pk: set() for clock in running}
    for clock_id, key in ClockStep.objects.filter(clock__in=running).values_list("clock", "key"):
        fired[clock_id].add(key)
    steps: list[tuple[datetime, str]] = []
    for clock in running:
        try:
            left = ladder.left(clock, timers.last_timing(clock), pauses=pauses_of(clock), fired=fired[clock.pk])
        except NotCountable:
            continue
        steps += [(step.at, _said(step.ladder_step, clock, viewer)) for step in left if step.ladder_step is not None]
    moments = [(at, dict.fromkeys(said for _, said in of_moment)) for at, of_moment in groupby(sorted(steps), _moment)]
    told = "; ".join(f"{_when(at, now)} {' and '.join(said)}" for at, said in moments[:TOLD])
    return f"{told[0].upper()}{told[1:]}." if told else ""


def _moment(step: tuple[datetime, str]) -> datetime:
    return step[0].replace(second=0, microsecond=0)


def _said(step: LadderStep, clock: Clock, viewer: User) -> str:
    """One step, as the viewer would be told it."""
    rep = clock.handoff.user if clock.handoff is not None else None
    is_theirs = rep is not None and rep.pk == viewer.pk
    if clock.handoff is not None and clock.handoff.is_closing and step.moves:
        return "your manager decides" if is_theirs else "the manager decides"
    match step.action:
        case Action.TELL_REP:
            return "you are reminded" if is_theirs else f"{rep or 'the rep'} is reminded"
        case Action.TELL_MANAGER:
            return "your manager is told" if is_theirs else "the manager is told"
        case Action.TELL_TEAM:
            return "the whole team is told"
        case Action.WEBHOOK:
            return f"{step.endpoint} is told"
        case Action.HOP:
            return "it goes to the next rep"
        case Action.POOL:
            return "it goes into the pool"
        case _:
            return f"{step.team} is asked as well"


def _when(at: datetime, now: datetime) -> str:
    if at <= now:
        return "any moment now"
    local = timezone.localtime(at)
    if local.date() == timezone.localtime(now).date():
        return f"at {moments.said(at, 'H:i')}"
    day = moments.said(at, "D") if at - now < timedelta(days=6) else f"on {moments.said(at, 'j M')}"
    return f"{day} at {moments.said(at, 'H:i')}"
