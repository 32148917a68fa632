"""Tasks of the promises floor: doors that say *there is work of this kind*. Zero, one or many runs do no harm."""

from __future__ import annotations

import os

from celery import shared_task

from leads import clock
from leads.turns import work_off
from sla import routing
from sla.clocks import retiming
from sla.models import Heartbeat
from sla.people import fetching
from sla.shadow import settling
from sla.watching import rounds
from sla.watching.beats import Pulse

_pulses: dict[int, Pulse] = {}  # by process: a worker forks


@shared_task(name="baton.route")
def route() -> None:
    """Clear what stood on paper of shadows that have ended, and offer every waiting episode that can be offered."""
    work_off("route", lambda: settling.settle(clock.now) + routing.route_waiting(clock.now))


@shared_task(name="baton.watch")
def watch() -> None:
    """Say that this worker lives, and look how the rest of the house is."""
    pulse = _pulses.get(os.getpid()) or _pulses.setdefault(os.getpid(), Pulse(Heartbeat.Part.WORKER, clock.now))
    pulse()
    if pulse.has_settled:
        rounds.look(clock.now)


@shared_task(name="baton.retime")
def retime() -> None:
    """Go on with every re-timing that a person has begun."""
    work_off("retime", lambda: retiming.go_on(clock.now))


@shared_task(name="baton.calendars")
def calendars() -> None:
    """Read every rep's calendar that is due."""
    work_off("calendars", lambda: fetching.read_due(clock.now))
