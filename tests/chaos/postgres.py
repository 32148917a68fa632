"""PostgreSQL is stopped `immediate`, as a power cut does, while clocks fire: it recovers, and so do they."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg

from config.home.postgres import postmaster
from tests.chaos.clocks import fire_under
from tests.chaos.scenario import Scene
from tests.processes import database_url


def run(scene: Scene) -> None:
    stops = scene.options["stops"]
    fire_under(scene, max(scene.options["clocks"] // 5, 60), [lambda processes: stop()] * stops)
    scene.say(f"{stops} immediate stops")


def stop() -> None:
    """Stop the server at once; who started it brings it back, and it takes up what was committed."""
    data = Path(os.environ["BATON_POSTGRES_DATA"])
    (before,) = postmaster(data)
    os.kill(before, signal.SIGQUIT)
    deadline = time.monotonic() + 120
    while postmaster(data) in (set(), {before}) or not _answers():
        assert time.monotonic() < deadline, "PostgreSQL does not come back"
        time.sleep(0.1)


def _answers() -> bool:
    try:
        psycopg.connect(database_url(), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
