"""Long work that a person may stop: whoever does it looks up between two steps."""

from __future__ import annotations

from datetime import datetime

from leads.errors import Refused
from leads.models import Job
from leads.transactions import business


class NotRunning(Refused):
    """This work has ended already."""

    code = "not_running"


@business
def ask_to_stop(job_id: int, *, now: datetime) -> Job:
    """Ask running work to end after its present step; what it has done stays. Raises NotRunning."""
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state != Job.State.RUNNING:
        raise NotRunning(f"“{job}” has ended already.")
    if job.cancel_requested_at is None:
        job.cancel_requested_at = max(now, job.started_at)
        job.save(update_fields=["cancel_requested_at"])
    return job
