"""The checklists that every installation starts with: BANT in use, MEDDIC beside it."""

from __future__ import annotations

from typing import Final

from django.db import connection

from sla.models import Checklist, ChecklistItem

BANT: Final = (
    ("budget", "Budget", "Is there money for it?"),
    ("authority", "Authority", "Who decides?"),
    ("need", "Need", "What is it to solve?"),
    ("timing", "Timing", "By when?"),
)
MEDDIC: Final = (
    ("metrics", "Metrics", "What is it worth to them, in numbers?"),
    ("economic_buyer", "Economic buyer", "Whose money is it?"),
    ("decision_criteria", "Decision criteria", "What will they compare by?"),
    ("decision_process", "Decision process", "Who says yes, in which order, by when?"),
    ("pain", "Pain", "What does it cost them to go on as they do?"),
    ("champion", "Champion", "Who wants it, and has a say?"),
)
# name, in use, items
SHIPPED: Final = (("BANT", True, BANT), ("MEDDIC", False, MEDDIC))


def ship() -> None:
    """Both, where there is no checklist yet; what people changed stays as they left it."""
    if Checklist._meta.db_table not in connection.introspection.table_names() or Checklist.objects.exists():
        return
    for number, (name, in_use, items) in enumerate(SHIPPED, start=1):
        made = Checklist.objects.create(name=name, is_active=in_use, position=number * 10, is_shipped=True)
        ChecklistItem.objects.bulk_create(
            ChecklistItem(checklist=made, key=key, label=label, asks=asks, position=position * 10)
            for position, (key, label, asks) in enumerate(items, start=1)
        )
