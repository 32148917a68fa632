"""Tasks of the ground floor: doors that say *there is work of this kind*. Zero, one or many runs do no harm."""

from __future__ import annotations

from celery import shared_task

from leads import clock, delivery
from leads.turns import work_off


@shared_task(name="baton.deliver")
def deliver() -> None:
    """Send what is due, until nothing is."""
    work_off("deliver", lambda: delivery.deliver_due(clock.now))
