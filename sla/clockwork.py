"""The clock process from the inside: fires what is due, sweeps, and outlives the database's restarts.

It needs neither Celery nor Valkey, and any number of copies may run: whoever has the lead's lock acts.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

import structlog
from django.db import Error, connection

from sla import clocks
from sla.clocks import escalation
from sla.models import Clock as StoredClock
from sla.models import Heartbeat
from sla.people import beginning, left_behind
from sla.sweeps import lost_connection, sweep
from sla.watching import canary, rounds
from sla.watching.beats import Pulse

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

PAGE = 200
TOGETHER = 50  # clocks in one transaction: so long their leads are locked for everybody else
LONGEST_SLEEP = 1.0
SWEEP_EVERY = 2.0
LOOK_EVERY = 10.0
ROUNDS = 100
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0


def fire_due(clock: Clock, *, stopping: Callable[[], bool] = lambda: False) -> int:
    """Fire one page of what is due, in due order, clocks some at a time; returns how many acted.

    Clocks, absences that have begun, and graces that are over: what fell due after a rep was gone is not counted
    against them, also where both are noticed late. One that fails is held back and reported, and the others go on.
    """
    fired = 0
    for fire in _due(clock):
        if stopping():
            break
        fired += fire()
    return fired + canary.fire_due(clock)


def _due(clock: Clock) -> list[Callable[[], int]]:
    """One page of what is due, the longest first; of one instant, absences before clocks."""
    now = clock()
    page = clocks.due_page(now=now, limit=PAGE)
    others: list[tuple[datetime, Callable[[], int]]] = [
        *(
            (at, partial(_one, "absence", beginning.begin, key, clock))
            for at, key in beginning.due_page(now=now, limit=PAGE)
        ),
        *(
            (at, partial(_one, "left_behind", left_behind.act, key, clock))
            for at, key in left_behind.due_page(now=now, limit=PAGE)
        ),
    ]
    if not others:
        return _some_at_a_time(page, clock, now)
    due_at = dict(StoredClock.objects.filter(pk__in=page).values_list("pk", "next_step_at"))
    dated = [(due_at.get(each) or now, 1, index) for index, each in enumerate(page)]
    last = dated[-1][0] if len(page) == PAGE else now  # what is due after a full page waits for the next one
    dated += [(at, 0, index) for index, (at, _) in enumerate(others) if at <= last]
    fires: list[Callable[[], int]] = []
    for is_clock, some in groupby(sorted(dated), key=lambda each: each[1]):
        places = [index for _, _, index in some]
        fires += (
            _some_at_a_time([page[index] for index in places], clock, now)
            if is_clock
            else [others[index][1] for index in places]
        )
    return fires


def _some_at_a_time(page: Sequence[int], clock: Clock, due_by: datetime) -> list[Callable[[], int]]:
    parts = [page[start : start + TOGETHER] for start in range(0, len(page), TOGETHER)]
    return [partial(_fire_clocks, part, clock, due_by) for part in parts]


def _fire_clocks(clock_ids: Sequence[int], clock: Clock, due_by: datetime) -> int:
    """Fire some clocks in one transaction, and what can't go with the others each by itself."""
    if len(clock_ids) == 1:
        return _fire_clock(clock_ids[0], clock, due_by)
    try:
        fired = escalation.fire_page(clock_ids, now=clock, due_by=due_by)
    except Exception:
        if lost_connection():
            raise
        log.exception("clocks_failed", clocks=list(clock_ids))  # one of them: it is found, and fails alone
        fired = escalation.Fired(alone=list(clock_ids))
    return fired.acted + sum(_fire_clock(clock_id, clock, due_by) for clock_id in fired.alone)


def _fire_clock(clock_id: int, clock: Clock, due_by: datetime) -> int:
    try:
        return escalation.fire(clock_id, now=clock, due_by=due_by)
    except Exception as error:
        if lost_connection():
            raise
        log.exception("clock_failed", clock=clock_id)
        escalation.hold_back(clock_id, why=f"{type(error).__name__}: {error}", now=clock())
        return 0


def _one(what: str, verb: Callable[..., object], key: int, clock: Clock) -> int:
    try:
        verb(key, now=clock())
    except Exception:
        if lost_connection():
            raise
        log.exception(f"{what}_failed", key=key)
        return 0
    return 1


def run_once(clock: Clock) -> int:
    """Do all that is due now, of any age, until nothing is left; returns how much was done."""
    done = 0
    for _ in range(ROUNDS):
        this_round = fire_due(clock) + sweep(clock, older_than=timedelta(0))
        if this_round == 0:
            return done
        done += this_round
    log.warning("still_due_after_rounds", rounds=ROUNDS)
    return done


def run(clock: Clock, stop: threading.Event) -> None:
    """Fire and sweep until told to stop; what is under way is finished first."""
    sweeper = threading.Thread(target=_sweep_on, args=(clock, stop), name="sweeper", daemon=True)
    sweeper.start()
    _fire_on(clock, stop)
    sweeper.join(timeout=20)


def _fire_on(clock: Clock, stop: threading.Event) -> None:
    pulse = Pulse(Heartbeat.Part.CLOCK, clock)

    def stopping() -> bool:
        pulse()
        return stop.is_set()

    def one_round() -> float:
        pulse()
        if fire_due(clock, stopping=stopping):
            return 0.0
        return _until_next(clock)

    _keep_on(one_round, stop)
    _say_goodbye(pulse)


def _sweep_on(clock: Clock, stop: threading.Event) -> None:
    pulse = Pulse(Heartbeat.Part.SWEEP, clock)
    next_look = 0.0

    def one_round() -> float:
        nonlocal next_look
        pulse()
        sweep(clock, stopping=stop.is_set)
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + LOOK_EVERY
            rounds.keep_house(clock)
            if pulse.has_settled:
                rounds.look(clock)
        return SWEEP_EVERY

    try:
        _keep_on(one_round, stop)
        _say_goodbye(pulse)
    finally:
        connection.close()


def _say_goodbye(pulse: Pulse) -> None:
    """Whoever ends in peace is not missed; without a database nobody can be told."""
    with suppress(Error):
        pulse.stop()


def _keep_on(one_round: Callable[[], float], stop: threading.Event) -> None:
    """Run rounds, each followed by the sleep it asks for; without a database, ask for it again with growing pauses."""
    wait = FIRST_WAIT
    while not stop.is_set():
        try:
            pause = one_round()
            wait = FIRST_WAIT
        except Error as error:
            pause = wait * random.uniform(0.7, 1.3)  # noqa: S311  (jitter, not a secret)
            log.warning("database_away", error=str(error).splitlines()[0][:200], next_try_in=round(pause, 2))
            connection.close()
            wait = min(wait * 2, LONGEST_WAIT)
        except Exception:
            log.exception("round_failed")
            pause = LONGEST_SLEEP
        stop.wait(pause)


def _until_next(clock: Clock) -> float:
    """Seconds until a clock has something to do; a second at most, since a sooner one may be started meanwhile."""
    now = clock()
    following = clocks.next_step_after(now=now)
    if following is None:
        return LONGEST_SLEEP
    return max(0.0, min(LONGEST_SLEEP, (following - now).total_seconds()))
