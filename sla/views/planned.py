"""The story's lines about what came next with a lead: set, done, put off, brought back; who, what and until when."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import F, Window
from django.db.models.functions import Lag

from leads import moments
from leads.doings import Before
from leads.models import Lead
from leads.timeline import Entry, older_than
from sla.models import HandoffChange, NextStepChange, TakenBackTouch

Why = NextStepChange.Why
# What Baton planned by itself is one line, however often it planned anew that day.
PLANNED: Final = "planned"
BECAUSE: Final = {Why.HAND_RAISE: ", as they asked for us", Why.RETIMED: ", as the promise was timed anew"}


def entries(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    """Changes of the next step and of what is out of sight, the newest first.

    What was taken back together with a verdict or a touch is told by that line, and is left out here.
    """
    told = HandoffChange.objects.filter(handoff__episode__lead=lead, is_undo=True).values("at")
    touches = TakenBackTouch.objects.filter(lead=lead).values("at")
    rows = NextStepChange.objects.filter(handoff__episode__lead=lead).select_related("by")
    step_before = Window(Lag("step"), partition_by=F("handoff"), order_by=F("pk").asc())
    rows = rows.annotate(done=step_before).exclude(why=Why.UNDO, at__in=told).exclude(why=Why.UNDO, at__in=touches)
    return [_entry(row) for row in older_than(rows, before, at="at", limit=limit)]


def _entry(row: NextStepChange) -> Entry:
    who, done = str(row.by or "Baton"), getattr(row, "done", None)
    coming = f"{row.step or 'Follow up'}, {_when(row.step_at)}" if row.step_at is not None else "nothing planned"
    match row.why:
        case Why.SET:
            return Entry(row.at, "flag", f"{who} set the next step", detail=coming, rank=3)
        case Why.SNOOZED:
            kept = f"until {_when(row.snoozed_until)}" + (f"; next: {coming}" if row.is_own else "")
            return Entry(row.at, "moon", f"{who} put it out of sight", detail=kept, rank=3)
        case Why.WOKEN:
            return Entry(row.at, "eye", f"{who} brought it back into sight", tone="muted", rank=3)
        case Why.CUT:
            sooner = f"already {_when(row.snoozed_until)}, with its next warning"
            return Entry(row.at, "moon", "Back in sight sooner", detail=sooner, tone="muted", rank=4)
        case Why.TOUCH if done:
            return Entry(row.at, "flag", f"Done: {done}", detail=f"next: {coming}", who=f"by {who}", rank=3)
        case Why.MEETING:
            return Entry(row.at, "calendar", f"Next: {coming}", who=f"booked by {who}", rank=3)
        case Why.UNDO:
            back = f"next: {coming}" if row.step_at is not None else ""
            return Entry(row.at, "arrow-uturn-left", f"{who} took that back", detail=back, tone="muted", rank=3)
        case _:
            because = BECAUSE.get(Why(row.why), "")
            return Entry(
                row.at, "flag", f"Next: {coming}", who=f"by the cadence{because}", tone="muted", repeats=PLANNED, rank=4
            )


def _when(at: datetime | None) -> str:
    return moments.said(at, "D j M H:i") if at is not None else ""
