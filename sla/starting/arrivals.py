"""What a source has sent lately, and what Baton understood of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Max, QuerySet

from leads.models import Activity, AnonymousActivity, Lead, RefusedItem, Source

SHOWN: Final = 5
LOOKED_AT: Final = 5_000  # rows from the end: nobody waits long for what has only just come


@dataclass(frozen=True)
class Arrival:
    """One event as it was understood; `lead` is None for a browser nobody has named yet."""

    at: datetime
    what: str
    lead: Lead | None
    who: str
    refused: bool = False


def of(source: Source) -> list[Arrival]:
    """The newest of what came, taken in or refused."""
    found = [
        Arrival(row.received_at, str(row.type), row.lead, row.lead.name)
        for row in _newest(Activity).filter(source=source).select_related("lead", "type").order_by("-pk")[:SHOWN]
    ]
    found += [
        Arrival(row.received_at, str(row.type), None, "a browser nobody has put a name to yet")
        for row in _newest(AnonymousActivity).filter(source=source).select_related("type").order_by("-pk")[:SHOWN]
    ]
    found += [
        Arrival(row.received_at, row.sentence, None, "", refused=True)
        for row in RefusedItem.objects.filter(source=source).order_by("-received_at")[:SHOWN]
    ]
    return sorted(found, key=lambda arrival: arrival.at, reverse=True)[:SHOWN]


def _newest(model: type[Activity] | type[AnonymousActivity]) -> QuerySet[Any]:
    last = model._default_manager.aggregate(last=Max("pk"))["last"] or 0
    return model._default_manager.filter(pk__gt=last - LOOKED_AT)
