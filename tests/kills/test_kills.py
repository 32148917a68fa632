"""`kill -9` in the middle, and no Valkey at all: the sweeps finish the work, nothing is lost and nothing doubled."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from leads import clock
from sla.demo import company
from sla.models import Rep
from tests.house import House, Senders, assert_done_once
from tests.processes import assert_invariants, running_ahead

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("BATON_SEED") or random.randrange(10**6))
PEOPLE = int(os.environ.get("BATON_PEOPLE") or 24)
# Each process once, unless more are asked for.
KILLS = int(os.environ.get("BATON_KILLS") or 0)
# What a killed worker leaves in the middle of a mail is taken up after two minutes: of the house's clock.
SPEED = 12


@pytest.fixture
def stack(transactional_db: None) -> Iterator[ExitStack]:
    with running_ahead(speed=SPEED), ExitStack() as stack:
        company.found(now=clock.now())
        Rep.objects.update(capacity=10_000)
        yield stack


def test_kills_in_the_middle_lose_and_double_nothing(stack: ExitStack, tmp_path: Path) -> None:
    print(f"BATON_SEED={SEED}")
    chance = random.Random(SEED)
    house = House(stack, tmp_path, with_valkey=True)
    senders = Senders(house.url, PEOPLE)
    senders.start()
    victims = list(house.processes)
    for number in range(KILLS or len(victims)):
        if number % len(victims) == 0:
            chance.shuffle(victims)
        victim = house.processes[victims[number % len(victims)]]
        # The moment itself is what the seed decides: there is nothing to wait for.
        time.sleep(chance.uniform(0.2, 1.2))
        victim.kill()
        victim.start()
    senders.join()
    assert senders.tries > PEOPLE / 3
    assert_done_once(house, senders)
    assert_invariants()


def test_without_any_valkey_the_work_gets_done(stack: ExitStack, tmp_path: Path) -> None:
    house = House(stack, tmp_path, with_valkey=False)
    house.processes.pop("worker").kill()
    senders = Senders(house.url, PEOPLE)
    senders.start()
    house.processes["clock"].kill()
    house.processes["clock"].start()
    senders.join()
    assert_done_once(house, senders)
    assert_invariants()
