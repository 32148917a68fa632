"""`kill -9` in the middle, and no Valkey at all: the sweeps finish the work, nothing is lost and nothing doubled."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from config.home import demo, valkey
from leads import clock
from leads.models import Activity, AwaitingAssessment, Lead, Notification, Receipt
from scoring.models import Episode, Qualification
from sla.demo import company
from sla.models import Handoff, Rep
from tests.processes import NOWHERE, Process, Sink, assert_invariants, eventually, running_ahead

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("BATON_SEED") or random.randrange(10**6))
PEOPLE = int(os.environ.get("BATON_PEOPLE") or 40)
KILLS = int(os.environ.get("BATON_KILLS") or 8)
# What a killed worker leaves in the middle of a mail is taken up after two minutes: of the house's clock.
SPEED = 12
DIRECTOR = {"title": "Director", "country": "Germany", "company": {"name": "Brightforge", "employees": 120}}


@pytest.fixture
def stack(transactional_db: None) -> Iterator[ExitStack]:
    with running_ahead(speed=SPEED), ExitStack() as stack:
        company.found(now=clock.now())
        Rep.objects.update(capacity=10_000)
        yield stack


class House:
    """Web, worker and clock as the demo runs them, with or without a Valkey, and a mail server of the test's own."""

    def __init__(self, stack: ExitStack, home: Path, *, with_valkey: bool) -> None:
        self.sink = stack.enter_context(Sink())
        self.url = f"http://127.0.0.1:{(port := valkey.free_port())}"
        server = valkey.prepare(home) if with_valkey else None
        more = {"EMAIL_URL": self.sink.url, "BASE_URL": self.url, "REDIS_URL": server.url if server else NOWHERE}
        (home / "log").mkdir(exist_ok=True)
        self.processes: dict[str, Process] = {}
        children = [*([server.child] if server else []), *demo.processes(port, {}, home)]
        for child in children:
            process = Process(child.name, child.command, home / "log" / f"{child.name}.said", **more)
            self.processes[child.name] = stack.enter_context(process)
        eventually(lambda: demo.answers(self.url), "the web answers")


class Senders:
    """Clients that send each person's batch again until it is acknowledged, as SDKs do."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.tries = 0
        self.threads = [threading.Thread(target=self._send, args=(part,)) for part in range(2)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def _send(self, part: int) -> None:
        for number in range(part, PEOPLE, len(self.threads)):
            calls = batch_of(f"p{number}")
            deadline = time.monotonic() + 90
            while not self._acknowledged(calls) and time.monotonic() < deadline:
                time.sleep(0.1)

    def _acknowledged(self, calls: list[dict[str, Any]]) -> bool:
        self.tries += 1
        try:
            answer = requests.post(
                f"{self.url}/v1/batch", json={"batch": calls, "writeKey": company.write_key()}, timeout=10
            )
        except requests.RequestException:
            return False
        if answer.status_code != 200:
            return False
        assert answer.json()["refused"] == []
        self.acknowledged |= {call["messageId"]: call for call in calls}
        return True


def batch_of(user: str) -> list[dict[str, Any]]:
    """What makes one person a lead that qualifies."""
    who = {"userId": user}
    traits = DIRECTOR | {"email": f"{user}@brightforge.example", "firstName": user}
    return [
        {"type": "identify", "messageId": f"{user}-i", "traits": traits, **who},
        {"type": "track", "messageId": f"{user}-t", "event": "Started Free Trial", **who},
        {"type": "track", "messageId": f"{user}-c", "event": "Downloaded Case Study", **who},
    ]


def assert_done_once(house: House, senders: Senders) -> None:
    """Whatever was acknowledged is stored once, and all that follows from it has happened once."""
    assert len(senders.acknowledged) == 3 * PEOPLE
    settled = Notification.objects.exclude(state__in=["queued", "sending"])
    eventually(lambda: not AwaitingAssessment.objects.exists(), "every mark is taken", within=60)
    eventually(lambda: Handoff.objects.count() >= PEOPLE, "everybody is offered", within=60)
    eventually(lambda: settled.count() == Notification.objects.count() >= PEOPLE, "every mail has left", within=60)
    stored = sorted(Receipt.objects.values_list("message_id", flat=True))
    assert stored == sorted(senders.acknowledged)
    tracked = sorted(name for name, call in senders.acknowledged.items() if call["type"] == "track")
    assert sorted(Activity.objects.values_list("message_id", flat=True)) == tracked
    leads = set(Lead.objects.live().values_list("pk", flat=True))
    assert len(leads) == PEOPLE
    for rows in (Episode.objects.values_list("lead", flat=True), Qualification.objects.values_list("lead", flat=True)):
        assert sorted(rows) == sorted(leads)
    assert sorted(Handoff.objects.values_list("episode__lead", flat=True)) == sorted(leads)
    assert sorted(Notification.objects.filter(kind="new lead").values_list("lead", flat=True)) == sorted(leads)
    assert set(settled.values_list("state", flat=True)) == {"sent"}
    # A mail that was cut off is sent again under the same Message-ID: one letter to whoever reads it.
    letters = settled.exclude(to_address="")
    said = {str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in house.sink.mails}
    assert said == {str(key) for key in letters.values_list("public_id", flat=True)}


def test_kills_in_the_middle_lose_and_double_nothing(stack: ExitStack, tmp_path: Path) -> None:
    print(f"BATON_SEED={SEED}")
    chance = random.Random(SEED)
    house = House(stack, tmp_path, with_valkey=True)
    senders = Senders(house.url)
    senders.start()
    victims = list(house.processes)
    for number in range(KILLS):
        if number % len(victims) == 0:
            chance.shuffle(victims)
        victim = house.processes[victims[number % len(victims)]]
        # The moment itself is what the seed decides: there is nothing to wait for.
        time.sleep(chance.uniform(0.2, 1.2))
        victim.kill()
        victim.start()
    for thread in senders.threads:
        thread.join()
    assert senders.tries > PEOPLE / 3
    assert_done_once(house, senders)
    assert_invariants()


def test_without_any_valkey_the_work_gets_done(stack: ExitStack, tmp_path: Path) -> None:
    house = House(stack, tmp_path, with_valkey=False)
    house.processes.pop("worker").kill()
    senders = Senders(house.url)
    senders.start()
    house.processes["clock"].kill()
    house.processes["clock"].start()
    for thread in senders.threads:
        thread.join()
    assert_done_once(house, senders)
    assert_invariants()
