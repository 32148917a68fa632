"""Tasks of the promises floor: doors that say *there is work of this kind*. Zero, one or many runs do no harm."""

from __future__ import annotations

from celery import shared_task

from leads import clock
from leads.turns import work_off
from sla import routing


@shared_task(name="baton.route")
def route() -> None:
    """Offer every waiting episode that can be offered."""
    work_off("route", lambda: routing.route_waiting(clock.now))
