"""Why now, in one sentence for the first words of a call: out of the frozen reasons of a qualification. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from leads.words import ago

NAMED_AT_MOST: Final = 2  # things they did, beside what decided
WORD_AT_MOST: Final = 60
SENIORITY: Final = {
    "owner": "an owner or founder",
    "c_level": "C-level",
    "vp": "a vice president",
    "director": "a director",
    "manager": "a manager",
    "senior": "a senior",
    "entry": "in their first job",
    "intern": "an intern or student",
}


def why_now(
    reasons: Iterable[Mapping[str, Any]],
    *,
    now: datetime,
    title: str = "",
    employees: int | None = None,
    industry: str = "",
) -> str:
    """“Requested a demo 12 m ago; Head of IT at a 240-person software company; visited pricing 5 ×.”

    `title`, `employees` and `industry` are what is known of the person today, for what the reasons did not look at.
    "" where nothing gave points.
    """
    given = [reason for reason in reasons if reason["points"] > 0 or reason.get("hand_raise")]
    done = [reason for reason in given if reason["axis"] == "engagement"]
    done.sort(key=lambda reason: (not reason.get("hand_raise"), -reason["points"], reason["label"]))
    observed: dict[str, Any] = {"account.employees": employees, "account.industry": industry}
    for reason in given:
        observed |= reason["observed"] if reason["axis"] == "fit" else {}
    parts = [_first(done[0], now) if done else "", _person(title, observed), _others(done[1:])]
    said = "; ".join(part for part in parts if part)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _first(reason: Mapping[str, Any], now: datetime) -> str:
    at = datetime.fromisoformat(reason["last_at"]) if reason.get("last_at") else None
    return f"{_did(reason)} {ago(at, now)}" if at is not None else _did(reason)


def _others(done: list[Mapping[str, Any]]) -> str:
    more = len(done) - NAMED_AT_MOST
    named = [_lower(_did(reason)) for reason in done[:NAMED_AT_MOST]]
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _did(reason: Mapping[str, Any]) -> str:
    times = reason.get("count") or 0
    return f"{reason['label']} {times:g} ×" if times > 1 else str(reason["label"])


def _person(title: str, observed: Mapping[str, Any]) -> str:
    who = _short(title) or SENIORITY.get(str(observed.get("lead.seniority")), "")
    employees, industry = observed.get("account.employees"), _short(observed.get("account.industry"))
    if not isinstance(employees, int | float):
        employees = None
    size = f"{employees:g}-person " if employees else ""
    kind = f"{industry.lower()} " if industry else ""
    where = f"{size}{kind}company" if industry or size else ""
    where = f"{'an' if where[:1] in ('8', *'aeio') else 'a'} {where}" if where else ""
    return f"{who} at {where}" if who and where else who or (f"at {where}" if where else "")


def _short(text: Any) -> str:
    """A word of the lead's, or nothing where it was only said to be set."""
    if not isinstance(text, str) or text == "set":
        return ""
    said = " ".join(text.split())
    return said if len(said) <= WORD_AT_MOST else f"{said[:WORD_AT_MOST]}…"


def _lower(text: str) -> str:
    """As it stands within a sentence; an abbreviation stays one."""
    return text if text[:2].isupper() else f"{text[:1].lower()}{text[1:]}"
