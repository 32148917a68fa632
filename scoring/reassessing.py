"""Time is a cause: leads whose score time alone has changed are marked for assessment."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef

from leads.marking import mark
from leads.models import AwaitingAssessment
from leads.transactions import business
from scoring.models import DefinitionVersion, Score


@business
def mark_due(*, now: datetime, limit: int = 1000) -> int:
    """Mark the leads whose scores are due to be judged again, the longest due first; returns how many leads.

    A lead that stands marked already is left alone: counting its mark up would only make the assessment run twice.
    """
    in_force = DefinitionVersion.objects.filter(
        definition=OuterRef("definition"), state=DefinitionVersion.State.PUBLISHED
    )
    due = (
        Score.objects.filter(Exists(in_force), reassess_at__lte=now)
        .filter(lead__merged_into=None, lead__erased_at=None)
        .exclude(Exists(AwaitingAssessment.objects.filter(lead=OuterRef("lead"))))
        .order_by("reassess_at", "id")
    )
    lead_ids = set(due.values_list("lead_id", flat=True)[:limit])
    mark(lead_ids, now=now)
    return len(lead_ids)
