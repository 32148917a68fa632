"""The timeline of a lead: what happened, newest first, grouped by day, repeats told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.utils import timezone

from leads.models import Activity, Lead, Outcome, RestChange, StageChange

SHOWN = 200
# Where an activity says what it was about, the first of these that is there tells it.
TELLING = ("title", "name", "path", "url", "plan", "asset", "webinar", "subject")
TELLS_AT_MOST = 80
# Causes of a change of stage that have a line of their own.
VERDICTS = frozenset({"verdict", "named date", "undo", "reopen"})
TOLD_ELSEWHERE = VERDICTS | {"qualification", "date"}


@dataclass(frozen=True)
class Entry:
    """One line of the timeline. `said` is what happened; equal neighbors of a day with a `repeats` key become one."""

    at: datetime
    icon: str
    said: str
    detail: str = ""
    who: str = ""
    tone: str = ""
    note: str = ""
    repeats: str = ""
    count: int = 1
    since: datetime | None = None
    rank: int = 0  # of what happened in one instant, what follows from the other comes later


def of_lead(lead: Lead, *, before: datetime | None = None) -> list[Entry]:
    """What the lead did, and how its stage and rest changed: unordered, at most 200 of each kind."""
    return [*_activities(lead, before), *_stages(lead, before), *_rests(lead, before), *_outcomes(lead, before)]


def by_day(entries: Iterable[Entry]) -> list[tuple[date, list[Entry]]]:
    """Newest first, by the viewer's days; neighbors that repeat each other within a day are one with a count."""
    ordered = sorted(entries, key=lambda entry: (entry.at, entry.rank), reverse=True)
    days = groupby(ordered, key=lambda entry: timezone.localtime(entry.at).date())
    return [(day, _collapsed(list(of_day))) for day, of_day in days]


def has_older(lead: Lead, *, before: datetime | None = None) -> bool:
    """True if there are activities that one page of the timeline does not show."""
    return len(_page(lead, before)) > SHOWN


def _page(lead: Lead, before: datetime | None) -> list[int]:
    rows = Activity.objects.filter(lead=lead, type__is_shown=True)
    rows = rows.filter(occurred_at__lt=before) if before else rows
    return list(rows.order_by("-occurred_at", "-pk").values_list("pk", flat=True)[: SHOWN + 1])


def _collapsed(entries: list[Entry]) -> list[Entry]:
    shown: list[Entry] = []
    for entry in entries:
        last = shown[-1] if shown else None
        if last is not None and entry.repeats and entry.repeats == last.repeats:
            shown[-1] = replace(last, count=last.count + 1, since=entry.at)
        else:
            shown.append(entry)
    return shown


def _activities(lead: Lead, before: datetime | None) -> list[Entry]:
    rows = Activity.objects.filter(lead=lead, type__is_shown=True).select_related("type")
    rows = rows.filter(occurred_at__lt=before) if before else rows
    return [
        Entry(
            at=row.occurred_at,
            icon="cursor-arrow-rays",
            said=str(row.type),
            detail=_telling(row.properties),
            tone="muted" if row.discounted_at else "",
            note=f"not counted: {row.discount_reason}" if row.discounted_at else "",
            repeats=f"{row.type_id}{'-' if row.discounted_at else ''}",
        )
        for row in rows.order_by("-occurred_at", "-pk")[:SHOWN]
    ]


def _stages(lead: Lead, before: datetime | None) -> list[Entry]:
    rows = StageChange.objects.filter(lead=lead)
    rows = rows.filter(at__lt=before) if before else rows
    return [
        Entry(
            at=row.at,
            icon="arrow-right",
            said=f"{row.get_from_stage_display()} → {row.get_to_stage_display()}",
            detail="" if row.cause in TOLD_ELSEWHERE else row.cause,
            tone="stage",
            note=row.note,
            rank=4 if row.cause in VERDICTS else 2,
        )
        for row in rows.order_by("-at", "-pk")[:SHOWN]
    ]


def _rests(lead: Lead, before: datetime | None) -> list[Entry]:
    rows = RestChange.objects.filter(lead=lead).select_related("callback_user")
    rows = rows.filter(at__lt=before) if before else rows
    return [
        Entry(at=row.at, icon="moon", said=_rest(row), tone="stage", detail="" if row.rest_until else row.cause, rank=5)
        for row in rows.order_by("-at", "-pk")[:SHOWN]
    ]


def _rest(row: RestChange) -> str:
    if row.callback_at:
        return f"Comes back on {timezone.localtime(row.callback_at):%-d %b %Y}, to {row.callback_user}"
    if row.rest_until:
        return f"Rests until {timezone.localtime(row.rest_until):%-d %b %Y}, then may come back on new evidence"
    return "Rest ended"


def _outcomes(lead: Lead, before: datetime | None) -> list[Entry]:
    """What became of it by other ways than a verdict; verdicts are told by the floor that gives them."""
    rows = Outcome.objects.filter(lead=lead, withdrawn_at=None).exclude(via=Outcome.Via.VERDICT)
    rows = rows.filter(at__lt=before) if before else rows
    return [
        Entry(
            at=row.at,
            icon="flag",
            said=row.get_kind_display(),
            detail=f"{row.amount:,.2f} {row.currency}".strip() if row.amount is not None else row.reason_label,
            tone="good" if row.kind == Outcome.Kind.WON else "",
        )
        for row in rows.order_by("-at", "-pk")[:SHOWN]
    ]


def _telling(properties: dict[str, Any]) -> str:
    """What the activity was about, as far as its properties say so in a short text."""
    for name in TELLING:
        value = properties.get(name)
        if isinstance(value, str) and value.strip():
            text = value.strip()
            return text if len(text) <= TELLS_AT_MOST else f"{text[:TELLS_AT_MOST]}…"
    return ""
