"""The story's lines about touches: who reached out and what came of it, and what was taken back."""

from __future__ import annotations

from typing import Final

from leads.doings import Before
from leads.models import Lead
from leads.timeline import Entry, older_than
from sla.models import TakenBackTouch, Touch

ICONS: Final = {"call": "phone", "email": "envelope", "message": "chat-bubble-left", "meeting": "calendar"}


def entries(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    """Touches that stand, the newest first."""
    rows = Touch.objects.filter(lead=lead).select_related("performed_by")
    return [
        Entry(
            at=row.occurred_at,
            icon=ICONS[row.means],
            said=f"{row.get_means_display()} by {row.performed_by}",
            detail=row.get_outcome_display() + (", automated" if row.automated else ""),
            who="logged later" if row.logged_later else "",
            tone="good",
            note=row.note,
        )
        for row in older_than(rows, before, at="occurred_at", limit=limit)
    ]


def taken_back(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    """That a touch was recorded, and taken back within seconds."""
    rows = TakenBackTouch.objects.filter(lead=lead).select_related("by")
    return [
        Entry(
            at=row.at,
            icon="arrow-uturn-left",
            said=f"{row.by} took a touch back",
            detail=f"{row.get_means_display()}: {row.get_outcome_display().lower()}",
            tone="muted",
            rank=3,
        )
        for row in older_than(rows, before, at="at", limit=limit)
    ]
