"""What changed from one version to another, in the business's words. Pure: what a version says goes in, lines come out.

What a version says is a table: what is said (“Accept for hot”) and how it reads (“15 min”). What is simply there, such
as a holiday without a name, reads as an empty text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

Said = Mapping[str, str]

DAYS = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}
_DAYS_KNOWN = ("time_zone", "weekly", "weekly_breaks", "date_overrides", "breaks", "holidays", "recurring_holidays")
_LEAP = 2024


def differences(old: Said, new: Said) -> list[str]:
    """One line for each thing that reads otherwise: “Mon 09:00–17:00 → 09:00–18:00”, “+ holiday 24 Dec 2026”.

    In the order of the newer version, then what is gone.
    """
    told = []
    for what, reads in new.items():
        if what not in old:
            told.append(f"+ {_line(what, reads)}")
        elif old[what] != reads:
            told.append(f"{what}{_after(what)} {old[what] or 'empty'} → {reads or 'empty'}")
    return told + [f"− {_line(what, reads)}" for what, reads in old.items() if what not in new]


def said_by_calendar(spec: Mapping[str, Any]) -> dict[str, str]:
    """What a calendar's spec says: every weekday, and each date that differs."""
    said = {"Time zone": str(spec.get("time_zone", ""))}
    weekly, breaks = spec.get("weekly") or {}, spec.get("weekly_breaks") or {}
    said |= {name: spans(weekly.get(day)) or "closed" for day, name in DAYS.items()}
    said |= {f"break {DAYS[day]}": spans(breaks[day]) for day in DAYS if breaks.get(day)}
    said |= {f"hours on {on(day)}": spans(cut) or "closed" for day, cut in (spec.get("date_overrides") or {}).items()}
    said |= {f"break on {on(day)}": spans(cuts) for day, cuts in (spec.get("breaks") or {}).items()}
    said |= {f"holiday {on(day)}": name for day, name in _named(spec.get("holidays"))}
    said |= {f"holiday every {on(day)}": name for day, name in _named(spec.get("recurring_holidays"))}
    said |= {each.replace("_", " ").capitalize(): str(spec[each]) for each in sorted(set(spec) - set(_DAYS_KNOWN))}
    return said


def spans(pairs: Any) -> str:
    """“09:00–12:30, 13:00–17:30”; nothing of no spans."""
    return ", ".join(f"{start}–{end}" for start, end in pairs or [])


def on(day: str) -> str:
    """“24 Dec 2026” of 2026-12-24, “24 Dec” of 12-24."""
    yearly = day.count("-") == 1
    found = date.fromisoformat(f"{_LEAP}-{day}" if yearly else day)
    return f"{found.day} {found:%b}" if yearly else f"{found.day} {found:%b %Y}"


def _named(rows: Any) -> list[tuple[str, str]]:
    return list(rows.items()) if isinstance(rows, Mapping) else [(each, "") for each in rows or []]


def _line(what: str, reads: str) -> str:
    return f"{what}{_after(what)} {reads}" if reads else what


def _after(what: str) -> str:
    """A weekday reads on without a colon: “Mon 09:00–17:00”."""
    return "" if what.rpartition(" ")[2] in DAYS.values() else ":"
