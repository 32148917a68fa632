"""Three clock processes, and `kill -9` after `kill -9`: no step is lost, none is done twice, none before its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection

from leads import clock
from tests.chaos import many
from tests.chaos.scenario import Scene
from tests.processes import Process

RATE = 300  # clocks that fall due in a second
AT_LEAST = 6.0  # seconds in which they do, however few they are: the blows shall fall among them
EVERY = 15.0  # seconds between two words of progress
PATIENCE = 300.0  # seconds of the wall in which some clock must have fired
PROCESSES = 3

FOUND = """
WITH steps AS (
    SELECT clock_id,
           count(*) FILTER (WHERE key = 'breach') AS breaches, count(*) FILTER (WHERE key <> 'breach') AS rungs,
           min(fired_at) FILTER (WHERE key = 'breach') AS fired_at,
           min(pg_xact_commit_timestamp(xmin)) FILTER (WHERE key = 'breach') AS committed_at
    FROM sla_clockstep GROUP BY clock_id
), letters AS (
    SELECT split_part(effect_key, ':', 2)::bigint AS clock_id, count(*) AS letters
    FROM leads_notification WHERE effect_key ~ '^clock:[0-9]+:step:' GROUP BY 1
), done AS (
    SELECT c.id, c.due_at, c.breached_at, s.fired_at, s.committed_at,
           coalesce(s.breaches, 0) AS breaches, coalesce(s.rungs, 0) AS rungs, coalesce(l.letters, 0) AS letters
    FROM sla_clock c LEFT JOIN steps s ON s.clock_id = c.id LEFT JOIN letters l ON l.clock_id = c.id
    WHERE c.target IN ('accept', 'first_touch') AND c.due_at < %(horizon)s
)
SELECT count(*) AS clocks,
       count(*) FILTER (WHERE breaches = 0 OR rungs = 0 OR breached_at IS DISTINCT FROM due_at OR letters = 0) AS lost,
       count(*) FILTER (WHERE breaches > 1 OR rungs > 1 OR letters > 1) AS doubled,
       count(*) FILTER (WHERE committed_at < due_at) AS early,
       extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY fired_at - due_at)) AS p50,
       extract(epoch FROM percentile_disc(0.99) WITHIN GROUP (ORDER BY fired_at - due_at)) AS p99,
       extract(epoch FROM max(fired_at - due_at)) AS worst,
       extract(epoch FROM max(fired_at) - min(fired_at)) AS took
FROM done
"""
LEFT = "SELECT count(*) AS remaining FROM sla_clock WHERE next_step_at < %(horizon)s"


def run(scene: Scene) -> None:
    """Kill a clock process now and then, and bring it back."""
    kills = scene.options["kills"]

    def kill(processes: list[Process]) -> None:
        victim = scene.chance.choice(processes)
        victim.kill()
        victim.start()

    fire_under(scene, scene.options["clocks"], [kill] * kills)
    scene.say(f"{kills} kill -9 of {PROCESSES} clock processes")


def fire_under(scene: Scene, clocks: int, blows: list[Callable[[list[Process]], None]]) -> None:
    """Let clocks fall due, deal the blows between the first and the last of them, and see what became of each clock."""
    first_due = clock.now() + timedelta(seconds=5 + clocks / 1500)
    over = timedelta(seconds=max(clocks / RATE, AT_LEAST))
    began = time.monotonic()
    many.offered(clocks, first_due=first_due, over=over)
    scene.say(f"{clocks:,} clocks wound, after {time.monotonic() - began:.0f} s")
    horizon = {"horizon": first_due + over + 2 * many.BETWEEN}
    total = ask(LEFT, horizon)["remaining"]
    moments = sorted(scene.chance.uniform(0.02, 0.97) * total for _ in blows)
    with ExitStack() as stack:
        processes = [stack.enter_context(_runclock(scene, number)) for number in range(PROCESSES)]
        patient, remaining, said = time.monotonic() + PATIENCE, total, time.monotonic()
        while remaining:
            time.sleep(scene.chance.uniform(0.1, 0.5))
            left = ask(LEFT, horizon)["remaining"]
            if left < remaining:
                patient, remaining = time.monotonic() + PATIENCE, left
            assert time.monotonic() < patient, f"{remaining} of {total} clocks do not fire"
            if time.monotonic() - said >= EVERY:
                said = time.monotonic()
                scene.say(f"{total - remaining:,} of {total:,} clocks fired, {len(moments)} blows to come")
            if moments and total - remaining >= moments[0]:
                moments.pop(0)
                blows.pop()(processes)
        assert not blows
    _judge(scene, ask(FOUND, horizon), total)


def _judge(scene: Scene, found: dict[str, Any], total: int) -> None:
    scene.say(
        f"{found['clocks']} clocks: {found['lost']} lost, {found['doubled']} doubled, {found['early']} early; after "
        f"their due time p50 {found['p50']:.1f} s, p99 {found['p99']:.1f} s, worst {found['worst']:.1f} s; "
        f"{total / max(1.0, float(found['took'])):.0f} clocks/s"
    )
    assert found["clocks"] == total
    assert (found["lost"], found["doubled"], found["early"]) == (0, 0, 0)


def _runclock(scene: Scene, number: int) -> Process:
    command = [sys.executable, "manage.py", "runclock"]
    return Process(f"clock-{number}", command, scene.home / f"clock-{number}.log", EMAIL_URL="dummymail://")


def ask(sql: str, params: dict[str, datetime]) -> dict[str, Any]:
    """One row, however often the database has to be asked for it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                names = [column.name for column in cursor.description]
                return dict(zip(names, cursor.fetchone(), strict=True))
        except Error:
            connection.close()
            assert time.monotonic() < deadline, "the database does not come back"
            time.sleep(0.2)
