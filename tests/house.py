"""A whole house of processes under load: what clients were told is stored has happened once, whatever was killed."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests

from config.home import demo, valkey
from leads.models import Activity, AwaitingAssessment, Lead, Notification, Receipt
from scoring.models import Episode, Qualification
from sla.demo import company
from sla.models import Handoff
from tests.processes import NOWHERE, Process, Sink, eventually

PATIENCE = 240.0  # seconds of the wall, for slow machines
DIRECTOR = {"title": "Director", "country": "Germany"}


class House:
    """Web, worker and clock as the demo runs them, with or without a Valkey, and a mail server of the test's own."""

    def __init__(self, stack: ExitStack, home: Path, *, with_valkey: bool) -> None:
        self.sink = stack.enter_context(Sink())
        self.url = f"http://127.0.0.1:{(port := valkey.free_port())}"
        self.valkey = server = valkey.prepare(home) if with_valkey else None
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

    def __init__(self, url: str, people: int) -> None:
        self.url, self.people = url, people
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.tries = 0
        self.threads = [threading.Thread(target=self._send, args=(part,)) for part in range(2)]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def join(self) -> None:
        """Until everybody's batch was acknowledged, or their patience is over."""
        for thread in self.threads:
            thread.join()

    def _send(self, part: int) -> None:
        for number in range(part, self.people, len(self.threads)):
            calls = batch_of(f"p{number}")
            deadline = time.monotonic() + PATIENCE
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
    # Each of a company of their own: colleagues would join one matter.
    company = {"name": f"Company of {user}", "employees": 120}
    traits = DIRECTOR | {"email": f"{user}@{user}.example", "firstName": user, "company": company}
    return [
        {"type": "identify", "messageId": f"{user}-i", "traits": traits, **who},
        {"type": "track", "messageId": f"{user}-t", "event": "Started Free Trial", **who},
        {"type": "track", "messageId": f"{user}-c", "event": "Downloaded Case Study", **who},
    ]


def assert_done_once(house: House, senders: Senders) -> None:
    """Whatever was acknowledged is stored once, and all that follows from it has happened once."""
    people = senders.people
    assert len(senders.acknowledged) == 3 * people
    settled = Notification.objects.exclude(state__in=["queued", "sending"])
    eventually(lambda: not AwaitingAssessment.objects.exists(), "every mark is taken", within=PATIENCE)
    eventually(lambda: Handoff.objects.count() >= people, "everybody is offered", within=PATIENCE)
    eventually(
        lambda: settled.count() == Notification.objects.count() >= people, "every mail has left", within=PATIENCE
    )
    stored = sorted(Receipt.objects.values_list("message_id", flat=True))
    assert stored == sorted(senders.acknowledged)
    tracked = sorted(name for name, call in senders.acknowledged.items() if call["type"] == "track")
    assert sorted(Activity.objects.values_list("message_id", flat=True)) == tracked
    leads = set(Lead.objects.live().values_list("pk", flat=True))
    assert len(leads) == people
    for rows in (Episode.objects.values_list("lead", flat=True), Qualification.objects.values_list("lead", flat=True)):
        assert sorted(rows) == sorted(leads)
    assert sorted(Handoff.objects.values_list("episode__lead", flat=True)) == sorted(leads)
    assert sorted(Notification.objects.filter(kind="new lead").values_list("lead", flat=True)) == sorted(leads)
    # Many for one person leave together: each row is there, and names the mail that carried it.
    assert set(settled.values_list("state", flat=True)) <= {"sent", "digested"}
    # A mail that was cut off is sent again under the same Message-ID: one letter to whoever reads it.
    letters = settled.filter(state="sent").exclude(to_address="")
    said = {str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in house.sink.mails}
    assert said == {str(key) for key in letters.values_list("public_id", flat=True)}
