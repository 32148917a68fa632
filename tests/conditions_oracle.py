"""The condition language once more, slow and obvious, over plain Python values: the twin the SQL is held against."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Values = Callable[[str], Any]
SPACES = " \t\n\r\f\v"


def text_of(value: Any) -> str | None:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = value
    elif isinstance(value, int | float):
        exact = Decimal(repr(value))
        text = format(abs(exact) if exact == 0 else exact, "f")
    else:
        return None
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text.strip(SPACES))


def number_of(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return Decimal(repr(value))
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?", value.strip(SPACES)):
        return Decimal(value.strip(SPACES))
    return None


def equal(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool | str):
        return value is not None and text_of(value) == text_of(wanted)
    number = number_of(value)
    return number is not None and number == number_of(wanted)


def compare(value: Any, op: str, wanted: Any) -> bool:
    if op.startswith("not_") and op != "not_between":
        return not compare(value, op.removeprefix("not_"), wanted)
    if op == "is_not":
        return not equal(value, wanted)
    if op == "is":
        return equal(value, wanted)
    if op == "in":
        return any(equal(value, item) for item in wanted)
    if op == "is_set":
        return value is not None
    if op == "is_not_set":
        return value is None
    if op in ("contains", "starts_with", "ends_with"):
        text, part = text_of(value), text_of(wanted)
        if text is None:
            return False
        return {"contains": part in text, "starts_with": text.startswith(part), "ends_with": text.endswith(part)}[op]
    number = number_of(value)
    if number is None:
        return False
    if op in ("between", "not_between"):
        inside = number_of(wanted[0]) <= number <= number_of(wanted[1])
        return inside if op == "between" else not inside
    bound = number_of(wanted)
    return {"gte": number >= bound, "lte": number <= bound, "gt": number > bound, "lt": number < bound}[op]


def holds(condition: dict[str, Any], values: Values) -> bool:
    return could(condition, values, unset=None)


def could(condition: dict[str, Any], values: Values, unset: bool | None) -> bool:
    """Holds; with `unset` given, a comparison whose field is not set counts as that instead."""
    if not condition:
        return True
    if "all" in condition:
        return all(could(part, values, unset) for part in condition["all"])
    if "any" in condition:
        return any(could(part, values, unset) for part in condition["any"])
    if "not" in condition:
        return not could(condition["not"], values, None if unset is None else not unset)
    value = values(condition["field"])
    if value is None and unset is not None:
        return unset
    return compare(value, condition["op"], condition.get("value"))


def fields(condition: dict[str, Any]) -> list[str]:
    if not condition:
        return []
    if "not" in condition:
        return fields(condition["not"])
    parts = condition.get("all", condition.get("any"))
    if parts is None:
        return [condition["field"]]
    return [name for part in parts for name in fields(part)]
