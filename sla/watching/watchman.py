"""The watchman of a web process: beats, looks around, and carries the alarm himself when nobody else is left to."""

from __future__ import annotations

import os
import threading
import time

import structlog
from django.db import Error, connection

from leads import clock, delivery
from sla.models import Heartbeat
from sla.watching import health, rounds
from sla.watching.beats import Pulse

log = structlog.get_logger(__name__)

LOOKS_EVERY = 10.0
CARRIES_FOR = 20.0  # seconds in a row


class Watchman:
    """A daemon thread, one in each web process. It ends with its process, and no request waits for it."""

    def start(self) -> None:
        """Start here, and in each process that is forked from this one."""
        os.register_at_fork(after_in_child=self._start)
        self._start()

    def _start(self) -> None:
        threading.Thread(target=self._stand, name="watchman", daemon=True).start()

    def _stand(self) -> None:
        pulse = Pulse(Heartbeat.Part.WEB, clock.now)
        while True:
            try:
                pulse()
                if pulse.has_settled:
                    rounds.look(clock.now)
                    carry_if_alone()
            except Error as error:
                log.warning("database_away", error=str(error).splitlines()[0][:200])
            except Exception:
                log.exception("watchman_failed")
            finally:
                connection.close()
            time.sleep(LOOKS_EVERY)


def carry_if_alone() -> int:
    """Deliver what is due where neither a clock process nor a worker is left to; returns how many messages."""
    known = health.facts(now=(now := clock.now()))
    last_heard = [at for at in (known.clock_at, known.worker_at) if at is not None]
    if any((now - at).total_seconds() <= health.CLOCK_SILENT for at in last_heard):
        return 0
    carried, until = 0, time.monotonic() + CARRIES_FOR
    while time.monotonic() < until and (sent := delivery.deliver_due(clock.now, limit=20)):
        carried += sent
    return carried
