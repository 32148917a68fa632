"""Time is a cause: leads whose score time alone has changed are marked for assessment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Least

from leads.marking import mark
from leads.models import AwaitingAssessment
from leads.transactions import business
from scoring.models import DefinitionVersion, Score

WHILE_WAITING: Final = timedelta(minutes=15)


def watch_closely(lead_id: int, *, now: datetime) -> None:
    """While its episode waits, what time can change of a lead's scores is looked at within a quarter of an hour."""
    changing = Score.objects.filter(lead=lead_id, reassess_at__isnull=False)
    changing.update(reassess_at=Least(F("reassess_at"), now + WHILE_WAITING))


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
