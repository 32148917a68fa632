"""From “stored” to “offered”: how long a hot lead waits for its rep, while it is quiet and while others come in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from sla.bench.intake import loads
from sla.bench.sender import Client, Clients, batch, event

HOT_LEADS: Final = 50
LOOK_EVERY: Final = 0.005  # seconds; what is measured is at most this too long
LONGEST: Final = 60.0
EVERY: Final = 1.0  # seconds between hot leads: 86,400 of them a day
BESIDE: Final = 120_000  # activities made ready to be sent beside the hot leads: more than there is time for

# Points enough for hot, without raising a hand.
_BEHAVIOR: Final = (
    *("Visited Pricing Page",) * 3, "Started Free Trial", "Downloaded Case Study", "Attended Webinar",
)  # fmt: skip

_OFFERED: Final = """
SELECT i.value FROM leads_identity i JOIN scoring_episode e ON e.lead_id = i.lead_id
JOIN sla_handoff h ON h.episode_id = e.id WHERE i.kind = 'user_id' AND i.value = ANY(%s)
"""


@dataclass(frozen=True)
class Delays:
    """Seconds from the answer 200 until the offer could be seen by others."""

    sent: int
    offered: int
    p50: float
    p95: float
    worst: float

    @classmethod
    def of(cls, sent: int, waits: Iterable[float]) -> Delays:
        """Percentiles by nearest rank; who was never offered counts as infinitely late."""
        listed = sorted(waits)
        every = listed + [float("inf")] * (sent - len(listed))
        return cls(sent, len(listed), every[(sent - 1) // 2], every[-(-sent * 95 // 100) - 1], every[-1])


@dataclass
class Lookout:
    """Watches the database for the offers of those it was told to expect, on a connection of its own."""

    answered: dict[str, float] = field(default_factory=dict)
    offered: dict[str, float] = field(default_factory=dict)
    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Lookout:
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    def expect(self, user_id: str) -> None:
        """From now on look for this one."""
        with self.lock:
            self.answered[user_id] = time.monotonic()

    def wait(self) -> None:
        """Until everybody expected was offered, or the patience is over."""
        patience = time.monotonic() + LONGEST
        while self._missing() and time.monotonic() < patience:
            time.sleep(LOOK_EVERY)

    def waits(self) -> list[float]:
        return [max(at - self.answered[user_id], 0.0) for user_id, at in self.offered.items()]

    def _missing(self) -> list[str]:
        with self.lock:
            return [user_id for user_id in self.answered if user_id not in self.offered]

    def _watch(self) -> None:
        try:
            while not self.done.wait(LOOK_EVERY):
                missing = self._missing()
                if not missing:
                    continue
                with connection.cursor() as cursor:
                    cursor.execute(_OFFERED, [missing])
                    seen = {row[0] for row in cursor.fetchall()}
                at = time.monotonic()
                self.offered.update(dict.fromkeys(seen, at))
        finally:
            connection.close()


def idle(*, url: str, write_key: str) -> Delays:
    """Hot leads one at a time: the next is sent when the last has been offered."""
    client = Client(url, write_key)
    with Lookout() as lookout:
        for number in range(HOT_LEADS):
            _send(client, lookout, "idle", number)
            lookout.wait()
    return Delays.of(HOT_LEADS, lookout.waits())


def under_intake(name: str, *, pace: float, url: str, write_key: str) -> Delays:
    """Hot leads at a steady pace while the clients of intake send so many activities a second; zero is all they can."""
    client = Client(url, write_key)
    sent = 0
    with Clients(loads(url, write_key, BESIDE, f"{name}-", pace=pace)) as clients, Lookout() as lookout:
        clients.go()
        time.sleep(1.0)
        while sent < HOT_LEADS and clients.are_sending:
            _send(client, lookout, name, sent)
            sent += 1
            time.sleep(EVERY)
        # The last ones' way to the offer is measured under load as well.
        lookout.wait()
        clients.stop()
        clients.results()
    return Delays.of(sent, lookout.waits())


def _send(client: Client, lookout: Lookout, prefix: str, number: int) -> None:
    """One director of a mid-size company; every other raises a hand, the rest have the points."""
    user_id, now = f"{prefix}-hot-{number}", datetime.now(UTC)
    traits = {
        "email": f"{user_id}@{prefix}{number}.example",
        "name": f"Alex {number}",
        "title": "Director of Sales",
        "company": {"name": f"Hot {number}", "employees": 120},
    }
    names = _BEHAVIOR if number % 2 else ("Requested Demo",)
    calls: list[dict[str, Any]] = [event("identify", user_id, now, traits=traits)]
    calls += [event("track", user_id, now - timedelta(seconds=60 - k), event=name) for k, name in enumerate(names)]
    client.post(batch(calls))
    lookout.expect(user_id)
