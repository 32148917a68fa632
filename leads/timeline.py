"""The timeline of a lead: what happened, newest first, grouped by day, repeats told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone

from leads import doings, moments
from leads.doings import Before
from leads.models import Lead, Outcome, RestChange, StageChange

M = TypeVar("M", bound=Model)
SHOWN = 100  # of each kind, on one page
# Where an activity says what it was about, the first of these that is there tells it.
TELLING = ("title", "name", "path", "url", "plan", "asset", "webinar", "subject")
TELLS_AT_MOST = 80
# Causes of a change of stage that have a line of their own.
VERDICTS = frozenset({"verdict", "named date", "undo", "reopen", "overturned"})
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
    key: int = 0  # of an activity, its own; what we did has none


@dataclass(frozen=True)
class Page:
    """Part of a timeline: its entries by day, and the place from which the older ones go on, if there are any."""

    days: list[tuple[date, list[Entry]]]
    older: Before | None = None


Source = Callable[[Before | None, int], list[Entry]]


def page(sources: Iterable[Source], *, before: Before | None = None) -> Page:
    """One page out of several sources, each newest first and asked for one entry more than the page may show of it.

    Where a source has more than that, the page ends with the last of it that is shown, for all sources alike.
    """
    entries: list[Entry] = []
    ends: list[Entry] = []
    for source in sources:
        found = source(before, SHOWN + 1)
        if len(found) > SHOWN:
            ends.append(_last_shown(found))
        entries += found
    if not ends:
        return Page(by_day(entries))
    end = max(ends, key=_place)
    shown = [entry for entry in entries if _place(entry) >= _place(end) or (not entry.key and entry.at >= end.at)]
    return Page(by_day(shown), Before(end.at, end.key))


def _last_shown(found: list[Entry]) -> Entry:
    """The last entry that a page shows of a source with more; what has no key is not torn within an instant."""
    last = found[SHOWN - 1]
    if last.key or last.at > found[SHOWN].at:
        return last
    return next((entry for entry in reversed(found) if entry.at > last.at), last)


def _place(entry: Entry) -> tuple[datetime, int]:
    return entry.at, entry.key


def of_lead(lead: Lead) -> list[Source]:
    """What the lead did, and how its stage and rest changed."""
    return [did(lead), *changed(lead)]


def did(lead: Lead) -> Source:
    """What the lead did."""
    return lambda before, limit: _activities(lead, before, limit)


def changed(lead: Lead) -> list[Source]:
    """How its stage and rest changed, and what became of it."""
    return [
        lambda before, limit: _stages(lead, before, limit),
        lambda before, limit: _rests(lead, before, limit),
        lambda before, limit: _outcomes(lead, before, limit),
    ]


def older_than(rows: QuerySet[M], before: Before | None, *, at: str, limit: int) -> QuerySet[M]:
    """The newest of these rows, from a place in the timeline on."""
    rows = rows.filter(**{f"{at}__lt": before.at}) if before is not None else rows
    return rows.order_by(f"-{at}", "-pk")[:limit]


def by_day(entries: Iterable[Entry]) -> list[tuple[date, list[Entry]]]:
    """Newest first, by the viewer's days; neighbors that repeat each other within a day are one with a count."""
    ordered = sorted(entries, key=lambda entry: (entry.at, entry.rank), reverse=True)
    days = groupby(ordered, key=lambda entry: timezone.localtime(entry.at).date())
    return [(day, _collapsed(list(of_day))) for day, of_day in days]


def _collapsed(entries: list[Entry]) -> list[Entry]:
    shown: list[Entry] = []
    for entry in entries:
        last = shown[-1] if shown else None
        if last is not None and entry.repeats and entry.repeats == last.repeats:
            shown[-1] = replace(last, count=last.count + 1, since=entry.at)
        else:
            shown.append(entry)
    return shown


def _activities(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    return [
        Entry(
            at=row.occurred_at,
            icon="cursor-arrow-rays",
            said=str(row.type),
            detail=_telling(row.properties),
            tone="muted" if row.discounted_at else "",
            note=f"not counted: {row.discount_reason}" if row.discounted_at else "",
            repeats=f"{row.type_id}{'-' if row.discounted_at else ''}",
            key=row.pk,
        )
        for row in doings.newest(lead, before=before, limit=limit)
    ]


def _stages(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    rows = StageChange.objects.filter(lead=lead)
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
        for row in older_than(rows, before, at="at", limit=limit)
    ]


def _rests(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    rows = RestChange.objects.filter(lead=lead).select_related("callback_user")
    return [
        Entry(at=row.at, icon="moon", said=_rest(row), tone="stage", detail="" if row.rest_until else row.cause, rank=5)
        for row in older_than(rows, before, at="at", limit=limit)
    ]


def _rest(row: RestChange) -> str:
    if row.callback_at:
        return f"Comes back on {moments.said(row.callback_at, 'j M Y')}, to {row.callback_user}"
    if row.rest_until:
        return f"Rests until {moments.said(row.rest_until, 'j M Y')}, then may come back on new evidence"
    return "Rest ended"


def _outcomes(lead: Lead, before: Before | None, limit: int) -> list[Entry]:
    """What became of it by other ways than a verdict; verdicts are told by the floor that gives them."""
    rows = Outcome.objects.filter(lead=lead, withdrawn_at=None).exclude(via=Outcome.Via.VERDICT)
    return [
        Entry(
            at=row.at,
            icon="flag",
            said=row.get_kind_display(),
            detail=f"{row.amount:,.2f} {row.currency}".strip() if row.amount is not None else row.reason_label,
            who=f"by {row.by}" if row.by else "",
            tone="good" if row.kind == Outcome.Kind.WON else "bad" if row.kind == Outcome.Kind.LOST else "",
        )
        for row in older_than(rows.select_related("by"), before, at="at", limit=limit)
    ]


def _telling(properties: dict[str, Any]) -> str:
    """What the activity was about, as far as its properties say so in a short text."""
    for name in TELLING:
        value = properties.get(name)
        if isinstance(value, str) and value.strip():
            text = value.strip()
            return text if len(text) <= TELLS_AT_MOST else f"{text[:TELLS_AT_MOST]}…"
    return ""
