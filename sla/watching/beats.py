"""Signs of life: each part of each process says every few seconds that it goes on."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection

from leads.transactions import business
from sla.models import Heartbeat

EVERY = 4.0  # seconds of the wall
KEPT_FOR = timedelta(days=1)
# A house that was just started is given this long before anybody is missed.
SETTLED_AFTER = timedelta(seconds=60)

BEAT = """
INSERT INTO sla_heartbeat AS heart (part, host, pid, started_at, at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (part, host, pid) DO UPDATE SET
    at = greatest(heart.at, excluded.at),
    started_at = CASE WHEN %s THEN excluded.started_at ELSE heart.started_at END
"""


@business
def beat(part: str, *, host: str, pid: int, first: bool, now: datetime) -> None:
    """Say that this part of this process lives; the `first` time it also says since when."""
    with connection.cursor() as cursor:
        cursor.execute(BEAT, [part, host[:255], pid, now, now, first])


@business
def end(part: str, *, host: str, pid: int) -> None:
    """This part ended as it was asked to; nobody has to miss it."""
    Heartbeat.objects.filter(part=part, host=host[:255], pid=pid).delete()


@business
def forget(*, now: datetime) -> int:
    """Forget the parts that were last heard of more than a day ago; returns how many."""
    forgotten, _ = Heartbeat.objects.filter(at__lt=now - KEPT_FOR).delete()
    return forgotten


class Pulse:
    """The heart of one part of this process: asked as often as one likes, it beats every few seconds."""

    def __init__(self, part: str, clock: Callable[[], datetime]) -> None:
        self.part, self.clock = part, clock
        self.host, self.pid = socket.gethostname(), os.getpid()
        self._since: datetime | None = None
        self._next = 0.0

    def __call__(self) -> None:
        if time.monotonic() < self._next:
            return
        now = self.clock()
        beat(self.part, host=self.host, pid=self.pid, first=self._since is None, now=now)
        self._since, self._next = self._since or now, time.monotonic() + EVERY

    @property
    def has_settled(self) -> bool:
        """Whether it has lived for a while: who has just come misses nobody yet."""
        return self._since is not None and self.clock() - self._since >= SETTLED_AFTER

    def stop(self) -> None:
        end(self.part, host=self.host, pid=self.pid)
