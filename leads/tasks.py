"""Tasks of the ground floor: doors that say *there is work of this kind*. Zero, one or many runs do no harm."""

from __future__ import annotations

import time

from celery import shared_task

from leads import clock, delivery
from leads.wake import AT_MOST_EVERY


@shared_task(name="baton.deliver")
def deliver() -> None:
    """Send what is due, until nothing is."""
    while True:
        if delivery.deliver_due(clock.now) == 0:
            # A wake-up may have been withheld because one had just gone out; look once more after that time.
            time.sleep(AT_MOST_EVERY * 1.2)
            if delivery.deliver_due(clock.now) == 0:
                return
