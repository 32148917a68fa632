"""Why a lead went to somebody else, in one sentence, out of the numbers as they were then. Pure.

A line is what a trace keeps of a rep: their numbers, and a code. `chosen`, `next` and `later` are of those in line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from leads import styles

Line = Mapping[str, Any]

CHOSEN, NEXT = "chosen", "next"
ROUND_ROBIN, LEAST_LOADED = "round robin", "least loaded"
SIMPLY = {
    "inactive": "no longer receives leads",
    "said_no": "said no to this lead before",
    "no_language": "does not speak a language that is needed",
}


@dataclass(frozen=True)
class Told:
    """One decision: who got it and why, their numbers, and to which team which rule sent it."""

    why: str
    lines: Mapping[int, Line]
    got_it: str = ""
    chosen: Line | None = None
    team: str = ""
    rule: str = ""
    rules: Sequence[Mapping[str, Any]] = field(default_factory=list)

    @classmethod
    def of_trace(cls, trace: Mapping[str, Any], *, got_it: str, team: str) -> Told:
        """As an offer's trace keeps it."""
        chosen: Line | None = trace.get("chosen") or None
        lines = {each["rep"]: each for each in trace.get("others", []) if "rep" in each}
        lines |= {each["rep"]: {**each, "code": NEXT} for each in trace.get("next", []) if "rep" in each}
        if chosen is not None:
            lines[chosen["rep"]] = {**chosen, "code": CHOSEN}
        rules = list(trace.get("rules", []))
        sent = next((str(each.get("name", "")) for each in rules if each.get("result") == CHOSEN), "")
        return cls(str(trace.get("why", "")), lines, got_it, chosen, team, sent, rules)


def why(rep: int, told: Told, *, zone: ZoneInfo, teams: Sequence[tuple[int, str]] = ()) -> str:
    """Why this rep, or why not: what stood against them, else their place in line and what spoke for the other one.

    `teams` are those of a rep outside the team; rules may have passed them by. Instants are told in `zone`.
    """
    line = told.lines.get(rep)
    if line is None:
        return _outside(told, teams)
    if line["code"] == CHOSEN:
        return f"first in line, by {told.why}{_listed(_numbers(line))}"
    return _against(line, zone) or _in_line(line, told, zone)


def _outside(told: Told, teams: Sequence[tuple[int, str]]) -> str:
    if not told.lines:
        return f"nobody was compared; {told.got_it} got it {told.why}" if told.got_it else "nobody was compared"
    by = f", to which the rule “{told.rule}” sent it" if told.rule else ""
    known = dict(teams)
    passed = [each for each in told.rules if each.get("result") != CHOSEN and each.get("team") in known]
    own = "".join(
        f"; the rule “{each.get('name', '')}” to {known[each['team']]}: {each.get('result', '')}" for each in passed
    )
    return f"not in {told.team or 'the team'}{by}{own}"


def _against(line: Line, zone: ZoneInfo) -> str:
    """The first thing that stood against somebody; empty for who was in line."""
    code = line["code"]
    if code == "away":
        return f"away{_until(line, 'away_until', zone)}"
    if code == "closed":
        return f"outside their hours{_until(line, 'opens_at', zone)}"
    if code == "no_skill":
        lacks = ", ".join(map(str, line.get("lacks", [])))
        return f"lacks a skill that is needed{f': {lacks}' if lacks else ''}"
    if code == "full":
        return f"no room, {_load(line)}"
    if code == "day_full":
        return f"at the daily cap, {line.get('today', '?')} of {line.get('daily_cap', '?')} leads that day"
    return SIMPLY.get(code, "")


def _in_line(line: Line, told: Told, zone: ZoneInfo) -> str:
    """Who could have taken it, and what spoke for the other one."""
    place = f"number {line['position']} in line" if line.get("position") else "further down the line"
    if line["code"] == "had_it":
        place = "had it before, so behind those who had not"
    because = _compared(line, told, zone)
    first = f"; {told.got_it} was first, by {told.why}" if told.got_it else ""
    return f"{place}{_listed(_numbers(line))}{first}{f': {because}' if because else ''}"


def _compared(line: Line, told: Told, zone: ZoneInfo) -> str:
    """The numbers of the chosen one that decided between the two."""
    other = told.chosen
    if other is None:
        return ""
    if line.get("due_at") and other.get("due_at") and line["due_at"] > other["due_at"]:
        return f"due {_at(other['due_at'], zone)} there, {_at(line['due_at'], zone)} here"
    if told.why == ROUND_ROBIN and "owed" in other:
        return f"owed {_leads(other['owed'])}, weight {other.get('weight', '?')}"
    if told.why == LEAST_LOADED:
        return _load(other)
    return ""


def _numbers(line: Line) -> list[str]:
    owed = [f"owed {_leads(line['owed'])} at weight {line.get('weight', '?')}"] if "owed" in line else []
    return [*owed, _load(line)] if "load" in line else owed


def _load(line: Line) -> str:
    return f"{line.get('load', '?')} of {line.get('capacity', '?')} open"


def _leads(owed: Any) -> str:
    number = float(owed)
    text = f"{abs(number):.2f}".rstrip("0").rstrip(".")
    return f"{'−' if number < 0 and text != '0' else ''}{text} leads"


def _until(line: Line, name: str, zone: ZoneInfo) -> str:
    return f" until {_at(line[name], zone)}" if line.get(name) else ""


def _at(text: str, zone: ZoneInfo) -> str:
    return styles.written(datetime.fromisoformat(text).astimezone(zone), "D j M H:i")


def _listed(parts: Sequence[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""
