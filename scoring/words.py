"""A criterion in words: what it asks for, and what was seen of it."""

from __future__ import annotations

from typing import Any

from leads.conditions import sentence
from leads.models import Lead
from leads.words import DAY, HOUR, MINUTE
from scoring.models import Axis, Criterion

UNITS = {"days": "day", "sessions": "session", "distinct": "value"}
SHOWN_AT_MOST = 60  # characters of one observed value
DERIVED: dict[str, str] = {
    str(value): str(label) for value, label in (*Lead.Seniority.choices, *Lead.DomainKind.choices)
}


def asks_for(criterion: Criterion) -> str:
    """What the criterion asks for: "Visited Pricing Page, 3 times or more within 30 d"; of fit, its condition."""
    if criterion.axis == Axis.FIT:
        return sentence(criterion.condition).replace("_", " ")
    said = " or ".join(str(name) for name in criterion.activities)
    least = f"{criterion.at_least.normalize():f}"
    if criterion.measure == Criterion.Measure.SUM:
        said += f", {least} or more of {criterion.measured_property}"
    elif criterion.at_least > 1:
        unit = UNITS.get(criterion.measure)
        said += f", on {least} {unit}s or more" if unit else f", {least} times or more"
    if criterion.at_most is not None:
        said += f", at most {criterion.at_most.normalize():f}"
    if criterion.within:
        said += f" within {_window(criterion.within)}"
    if criterion.not_since:
        said += f", not since {criterion.not_since}"
    if criterion.condition:
        said += f", where {sentence(criterion.condition)}"
    return said


def seen_of(criterion: Criterion, present: dict[str, Any], frozen: dict[str, Any] | None) -> str:
    """What was seen: the attribute's value, or how often; as things stand now, else as it was frozen."""
    if criterion.axis == Axis.FIT:
        observed = present.get("observed") or (frozen or {}).get("observed") or {}
        return ", ".join(_value(value) for value in observed.values() if value is not None)
    count = present.get("counted")
    if not count:
        count = (frozen or {}).get("count")
    if not count:
        return ""
    unit = UNITS.get(criterion.measure)
    number = f"{float(count):g}"
    return f"{number} {unit}{'' if number == '1' else 's'}" if unit else f"{number} ×"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = DERIVED.get(value, value) if isinstance(value, str) else f"{value}"
    return text if len(text) <= SHOWN_AT_MOST else f"{text[:SHOWN_AT_MOST]}…"


def _window(seconds: int) -> str:
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
