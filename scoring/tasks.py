"""Tasks of the scoring floor."""

from __future__ import annotations

from celery import shared_task

from leads import clock
from leads.turns import work_off
from scoring.assessment import assess


@shared_task(name="baton.assess")
def assess_marked() -> None:
    """Judge marked leads until none is left."""
    work_off("assess", lambda: assess(now=clock.now()))
