"""Tasks of the promises floor: doors that say *there is work of this kind*. Zero, one or many runs do no harm."""

from __future__ import annotations

import time

from celery import shared_task

from leads import clock
from leads.wake import AT_MOST_EVERY
from sla import routing


@shared_task(name="baton.route")
def route() -> None:
    """Offer every waiting episode that can be offered."""
    while True:
        if routing.route_waiting(clock.now) == 0:
            # A wake-up may have been withheld because one had just gone out; look once more after that time.
            time.sleep(AT_MOST_EVERY * 1.2)
            if routing.route_waiting(clock.now) == 0:
                return
