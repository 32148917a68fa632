"""Tasks of the scoring floor."""

from __future__ import annotations

import time

from celery import shared_task

from leads import clock
from leads.wake import AT_MOST_EVERY
from scoring.assessment import assess


@shared_task(name="baton.assess")
def assess_marked() -> None:
    """Judge marked leads until none is left."""
    while True:
        if assess(now=clock.now()) == 0:
            # A wake-up may have been withheld because one had just gone out; look once more after that time.
            time.sleep(AT_MOST_EVERY * 1.2)
            if assess(now=clock.now()) == 0:
                return
