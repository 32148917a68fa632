"""A client as the SDKs are: batches of a hundred events over one connection, from a process of its own.

The bodies are made before the clock starts, so that the client is not what is measured. Nothing of Baton is imported.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final
from urllib.parse import urlsplit

BATCH: Final = 100  # events a request, as the SDKs send them
EACH: Final = 20  # activities a person
TOGETHER: Final = 50  # people who act at the same time
ACTIVITIES_A_BATCH: Final = BATCH * EACH / (EACH + 1)  # the rest says who they are
NAMES: Final = (
    "Visited Home Page",
    "Visited Blog Page",
    "Visited Product Page",
    "Opened Email",
    "Visited Pricing Page",
)
CONTEXT: Final = {
    "library": {"name": "analytics-python", "version": "2.3.0"},
    "ip": "203.0.113.7",
    "page": {"url": "https://www.example.com/product", "referrer": "https://search.example/"},
}


@dataclass(frozen=True)
class Load:
    """What one client sends, where to, and from whom; `seed` makes its people different from every other client's.

    A batch every `every` seconds; zero is one after the other, as soon as the last was answered.
    """

    url: str
    write_key: str
    activities: int
    seed: str
    every: float = 0.0


@dataclass(frozen=True)
class Sent:
    """What one client was told: activities accepted, requests, and how long each took, in seconds."""

    activities: int
    refused: int
    began: float
    ended: float
    waits: tuple[float, ...]


class Client:
    """One connection to the tracking API."""

    def __init__(self, url: str, write_key: str) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=120)
        shown = base64.b64encode(f"{write_key}:".encode()).decode()
        self.headers = {"Content-Type": "application/json", "Authorization": f"Basic {shown}"}

    def post(self, body: bytes) -> dict[str, Any]:
        """Send one batch; what the server says became of it. Raises RuntimeError for anything but 200."""
        self.connection.request("POST", "/v1/batch", body, self.headers)
        response = self.connection.getresponse()
        said = response.read()
        if response.status != 200:
            raise RuntimeError(f"The tracking API said {response.status}: {said[:200]!r}")
        found: dict[str, Any] = json.loads(said)
        return found


def batch(events: list[dict[str, Any]]) -> bytes:
    """The body that carries these events."""
    return json.dumps({"batch": events, "sentAt": datetime.now(UTC).isoformat()}).encode()


def event(kind: str, user_id: str, at: datetime, **members: Any) -> dict[str, Any]:
    """One event of a known person."""
    return {
        "type": kind,
        "messageId": str(uuid.uuid4()),
        "timestamp": at.isoformat(),
        "userId": user_id,
        "context": CONTEXT,
        "integrations": {},
        **members,
    }


def bodies(load: Load) -> list[tuple[bytes, int]]:
    """Everything to send, with the number of activities in each batch."""
    events = list(_events(load))
    chunks = [events[first : first + BATCH] for first in range(0, len(events), BATCH)]
    return [(batch(chunk), sum(one["type"] == "track" for one in chunk)) for chunk in chunks]


def _events(load: Load) -> Iterator[dict[str, Any]]:
    """Groups of people: each is identified, then all of them look around in turns."""
    dice = random.Random(load.seed)  # noqa: S311  (a load, not a secret)
    now = datetime.now(UTC)
    left, number = load.activities, 0
    while left > 0:
        people = [f"{load.seed}-{number + k}" for k in range(TOGETHER)]
        number += TOGETHER
        for person in people:
            traits = {"email": f"{person}@{load.seed}.example", "name": f"Sam {person}", "title": "Engineer"}
            yield event("identify", person, now - timedelta(hours=1), traits=traits)
        done = dice.sample(people * EACH, min(left, TOGETHER * EACH))
        left -= len(done)
        for place, person in enumerate(done):
            properties = {"path": f"/p/{place % 40}", "plan": "free", "amount": place, "title": "What teams build"}
            at = now - timedelta(seconds=dice.uniform(0, 3000))
            yield event("track", person, at, event=dice.choice(NAMES), properties=properties)


def work(load: Load, pipe: Connection) -> None:
    """A client's life: make the bodies, say so, wait for the word, send until all is sent or another word comes."""
    client, ready = Client(load.url, load.write_key), bodies(load)
    pipe.send("ready")
    pipe.recv()
    began, waits, done, refused = time.time(), [], 0, 0
    for number, (body, activities) in enumerate(ready):
        if pipe.poll(max(began + number * load.every - time.time(), 0.0)):
            break
        asked = time.perf_counter()
        said = client.post(body)
        waits.append(time.perf_counter() - asked)
        done += activities
        refused += len(said["refused"])
    pipe.send(Sent(done, refused, began, time.time(), tuple(waits)))


class Clients:
    """Several clients at once; `with` makes them ready, and ends them."""

    def __init__(self, loads: list[Load]) -> None:
        self.loads = loads

    def __enter__(self) -> Clients:
        context = get_context("spawn")
        self.pipes: list[Any] = []
        self.processes: list[Any] = []
        for load in self.loads:
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(load, theirs), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)
        for pipe in self.pipes:
            pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.terminate()
            process.join()

    def go(self) -> None:
        """The word: all begin to send."""
        for pipe in self.pipes:
            pipe.send("go")

    @property
    def are_sending(self) -> bool:
        return not any(pipe.poll() for pipe in self.pipes)

    def stop(self) -> None:
        """The other word: each ends after the batch it is sending."""
        for pipe in self.pipes:
            if not pipe.poll():
                pipe.send("stop")

    def results(self) -> list[Sent]:
        """What each was told. Raises RuntimeError where a client died."""
        try:
            return [pipe.recv() for pipe in self.pipes]
        except EOFError as error:
            raise RuntimeError("A client died; what it said stands above.") from error


def rate(results: list[Sent], count: Callable[[Sent], int] = lambda sent: sent.activities) -> float:
    """Per second, from the first client's first request to the last one's last answer."""
    return sum(map(count, results)) / (max(sent.ended for sent in results) - min(sent.began for sent in results))
