"""PostgreSQL is stopped `immediate` while clients send: what was acknowledged is stored once, and all follows once."""

from __future__ import annotations

import time
from contextlib import ExitStack

from django.db import connection

from leads import clock
from sla.demo import company
from sla.models import Rep
from tests.chaos.postgres import stop
from tests.chaos.scenario import Scene
from tests.house import House, Senders, assert_done_once
from tests.processes import running_ahead

SPEED = 12


def run(scene: Scene) -> None:
    stops = max(1, scene.options["stops"] // 2)
    with running_ahead(speed=SPEED), ExitStack() as stack:
        company.found(now=clock.now())
        Rep.objects.update(capacity=1_000_000)
        house = House(stack, scene.home, with_valkey=True)
        senders = Senders(house.url, scene.options["people"])
        senders.start()
        for _ in range(stops):
            time.sleep(scene.chance.uniform(0.5, 3.0))
            connection.close()
            stop()
        senders.join()
        assert_done_once(house, senders)
    scene.say(f"{senders.people} people sent in {senders.tries} tries, each stored once; {stops} immediate stops")
