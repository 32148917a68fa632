"""A calendar's plan: which public holidays it takes, on which of them we work all the same, and the yearly half days.

A plan writes dates into a spec, window by window: what a person typed stands above what it writes. Pure.

    {"regions": ["DE-BY"], "worked": ["2026-06-04", "08-15", "Columbus Day"], "half_days": {"12-24": "13:00"}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any

from sla.holidays import regions as listed
from sla.worktime.errors import shown

Spec = dict[str, Any]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AHEAD = timedelta(days=549)  # eighteen months: longer than any deadline is counted
MOST_REGIONS = 12
MOST_WORKED = 200
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")


class PlanError(ValueError):
    """What is wrong with a plan, with the field it belongs to and the way out."""

    def __init__(self, field: str, told: str) -> None:
        super().__init__(told)
        self.field = field


@dataclass(frozen=True)
class Plan:
    """What a calendar takes by itself, year after year. An empty one takes nothing."""

    regions: tuple[str, ...] = ()
    worked: tuple[str, ...] = ()
    half_days: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.regions or self.half_days)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Plan:
        """As it is stored with a version; nothing of an empty one."""
        halves = tuple(sorted((stored.get("half_days") or {}).items()))
        return cls(tuple(stored.get("regions") or ()), tuple(stored.get("worked") or ()), halves)

    def to_store(self, typed: Spec, since: date) -> dict[str, Any]:
        """As it is kept beside the spec: with the dates that a person typed, and from when on it writes."""
        if not self:
            return {}
        own = {part: typed[part] for part in ("holidays", "date_overrides") if part in typed}
        kept = {"regions": list(self.regions), "worked": list(self.worked), "half_days": dict(self.half_days)}
        return {**kept, "own": own, "since": since.isoformat()}


def typed(spec: Spec, stored: Mapping[str, Any]) -> Spec:
    """The spec as a person typed it: without the dates that the plan wrote."""
    if not stored:
        return spec
    rest: Spec = {part: value for part, value in spec.items() if part not in ("holidays", "date_overrides")}
    return {**rest, **stored.get("own", {})}


def horizon(today: date) -> date:
    """How far dates are written from this day on: to the end of the year in which the eighteen months end."""
    return date((today + AHEAD).year, 12, 31)


def check(plan: Plan, first: date, last: date) -> None:
    """Raise PlanError for a region nobody knows, a day that is none, or one to work on that is no public holiday."""
    if len(plan.regions) > MOST_REGIONS:
        raise PlanError("regions", f"These are {len(plan.regions)} regions. Choose at most {MOST_REGIONS}.")
    if len(plan.worked) > MOST_WORKED:
        raise PlanError("worked", f"These are {len(plan.worked)} lines. Write at most {MOST_WORKED}.")
    for region in plan.regions:
        if told := listed.unknown(region):
            raise PlanError("regions", told)
    for day, until in plan.half_days:
        if not (_dated(day) or _yearly(day)):
            raise PlanError(
                "half_days", f"{shown(day)} is not a day. Write 12-24 13:00, or one date: 2026-12-24 13:00."
            )
        if not isinstance(until, str) or not _TIME.fullmatch(until) or until == "00:00":
            raise PlanError("half_days", f"{shown(until)} is not a time at which to close. Write 12-24 13:00.")
    _check_worked(plan, first, last)


def written(spec: Spec, plan: Plan, first: date, last: date) -> Spec:
    """The spec with what the plan writes from one date to another, both included. What the spec says stays.

    A half day closes the hours of its weekday at its time; on a day without hours and on a holiday it changes nothing.
    """
    closed = _named(spec.get("holidays"))
    special = dict(spec.get("date_overrides") or {})
    for day, names in taken(plan, first, last):
        if day.isoformat() not in closed:
            closed[day.isoformat()] = "; ".join(names)
    every_year = _named(spec.get("recurring_holidays"))
    for day, until in _halves(plan, first, last):
        key, usual = day.isoformat(), (spec.get("weekly") or {}).get(DAYS[day.weekday()])
        if usual and key not in special and key not in closed and key[5:] not in every_year:
            special[key] = [[start, _cut(start, end, until)] for start, end in usual if start < until]
    return spec | {"holidays": closed, "date_overrides": special}


def without_doubles(typed: Spec, plan: Plan, first: date, last: date) -> Spec:
    """What a person typed, without the holidays that the plan brings by the same name."""
    brought = {day.isoformat(): "; ".join(names) for day, names in taken(plan, first, last)}
    own = {day: name for day, name in _named(typed.get("holidays")).items() if brought.get(day) != name}
    return typed | {"holidays": own}


def taken(plan: Plan, first: date, last: date) -> Iterator[tuple[date, tuple[str, ...]]]:
    """The public holidays on which the calendar is closed, each with its names."""
    for day, names in listed.public(plan.regions, first, last).items():
        if left := tuple(name for name in names if not _is_worked(plan, day, name)):
            yield day, left


def worked_on(plan: Plan, first: date, last: date) -> dict[date, str]:
    """The public holidays on which we work all the same, by date."""
    found = listed.public(plan.regions, first, last)
    closed = dict(taken(plan, first, last))
    return {day: "; ".join(names) for day, names in found.items() if day not in closed}


def _check_worked(plan: Plan, first: date, last: date) -> None:
    if not plan.worked:
        return
    if not plan.regions:
        raise PlanError("worked", "There are no public holidays to work on. Choose a country, or empty this box.")
    found = listed.public(plan.regions, first, last)
    for line in plan.worked:
        if any(_matches(line, day, name) for day, names in found.items() for name in names):
            continue
        names = sorted({name for each in found.values() for name in each})
        near = get_close_matches(line, names, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else " Write its date, such as 08-15, or its name."
        where = " and ".join(listed.say(region) for region in plan.regions)
        raise PlanError("worked", f"“{line[:60]}” is no public holiday of {where}.{hint}")


def _is_worked(plan: Plan, day: date, name: str) -> bool:
    return any(_matches(line, day, name) for line in plan.worked)


def _matches(line: str, day: date, name: str) -> bool:
    """A line is one date, a day of every year, or a name; who works on a holiday works on the day it is observed."""
    if line in (day.isoformat(), day.isoformat()[5:]):
        return True
    said, asked = name.casefold(), line.strip().casefold()
    return bool(asked) and (said == asked or said.startswith(f"{asked} ("))


def _halves(plan: Plan, first: date, last: date) -> Iterator[tuple[date, str]]:
    """Half days by date; one that names a single date stands before one of every year."""
    found: dict[date, str] = {}
    for day, until in sorted(plan.half_days, key=lambda pair: _DATE.fullmatch(pair[0]) is not None):
        years = range(first.year, last.year + 1) if _yearly(day) else [int(day[:4])]
        for year in years:
            if (here := _dated(f"{year:04}-{day[-5:]}")) is not None and first <= here <= last:
                found[here] = until
    yield from sorted(found.items())


def _cut(start: str, end: str, until: str) -> str:
    """Where a shift ends on a half day; one that ends at or before its start runs past midnight."""
    return until if end <= start or end > until else end


def _dated(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _yearly(text: str) -> bool:
    return bool(_MONTH_DAY.fullmatch(text)) and _dated(f"2024-{text}") is not None


def _named(rows: Any) -> dict[str, str]:
    return dict(rows) if isinstance(rows, Mapping) else dict.fromkeys(rows or [], "")
