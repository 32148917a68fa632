"""Wake-ups: the one place that publishes. They make things quick; the sweeps make them certain."""

from __future__ import annotations

import threading
import time

import structlog
from celery import current_app
from django.db import transaction

log = structlog.get_logger(__name__)

KINDS = frozenset({"assess", "route", "calendars", "deliver", "retime"})
AT_MOST_EVERY = 0.1  # seconds, per kind and process
AFTER_FAILURE = 2.0  # seconds in which a broker that was away is not asked again

_lock = threading.Lock()
_next_allowed: dict[str, float] = {}
swallowed = 0  # publishing errors since the process started


def wake(kind: str) -> None:
    """Say that there is work of this kind, once the transaction has committed. Never raises, never carries an id."""
    if kind not in KINDS:
        raise ValueError(f"Nothing is woken by {kind!r}; one of {', '.join(sorted(KINDS))}.")
    transaction.on_commit(lambda: _publish(kind), robust=True)


def _publish(kind: str) -> None:
    """Send one message without content, unless one was just sent; swallow and count what goes wrong."""
    global swallowed
    instant = time.monotonic()
    with _lock:
        if instant < _next_allowed.get(kind, 0.0):
            return
        _next_allowed[kind] = instant + AT_MOST_EVERY
    try:
        current_app.send_task(f"baton.{kind}", ignore_result=True, expires=30, retry=False)
    except Exception as error:  # a broker that is away must never fail what was committed
        with _lock:
            swallowed += 1
            for each in KINDS:
                _next_allowed[each] = time.monotonic() + AFTER_FAILURE
        log.warning("wake_up_not_sent", kind=kind, error=str(error)[:200], swallowed=swallowed)
