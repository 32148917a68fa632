"""Valkey is emptied, frozen, killed and at last gone for good, while clients send: late by seconds, and never lost."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack

from redis import Redis
from redis.exceptions import RedisError

from leads import clock
from sla.demo import company
from sla.models import Rep
from tests.chaos.scenario import Scene
from tests.house import House, Senders, assert_done_once
from tests.processes import running_ahead

SPEED = 12


def run(scene: Scene) -> None:
    with running_ahead(speed=SPEED), ExitStack() as stack:
        company.found(now=clock.now())
        Rep.objects.update(capacity=1_000_000)
        house = House(stack, scene.home, with_valkey=True)
        senders = Senders(house.url, scene.options["people"])
        senders.start()
        for blow in (_empty, _freeze, _empty, _kill, _empty, _freeze, _end):
            time.sleep(scene.chance.uniform(0.3, 1.5))
            blow(house)
        senders.join()
        assert_done_once(house, senders)
    scene.say(f"{senders.people} people, each stored and offered once; emptied, frozen, killed, gone")


def _empty(house: House) -> None:
    assert house.valkey is not None
    try:
        with Redis.from_url(house.valkey.url, socket_timeout=5) as server:
            server.flushall()
    except RedisError:
        return  # it is just starting: as empty as can be


def _freeze(house: House) -> None:
    """It takes connections and answers nothing, for a while."""
    pid = house.processes["valkey"].process.pid
    os.kill(pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(pid, signal.SIGCONT)


def _kill(house: House) -> None:
    house.processes["valkey"].kill()
    time.sleep(1)
    house.processes["valkey"].start()


def _end(house: House) -> None:
    house.processes["valkey"].kill()
