"""A condition in plain English, for the admin and for frozen reasons."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from leads.conditions.grammar import Every, Leaf, Node, Not, parse

WORDS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "not_starts_with": "does not start with",
    "ends_with": "ends with",
    "not_ends_with": "does not end with",
    "gte": "is at least",
    "lte": "is at most",
    "gt": "is more than",
    "lt": "is less than",
    "between": "is between",
    "not_between": "is not between",
    "is_set": "is set",
    "is_not_set": "is not set",
}


def sentence(condition: Any, labels: Mapping[str, str] | None = None) -> str:
    """“seniority is one of director, vp and country is not France”; “always” for the empty condition.

    `labels` names fields for people; without one a field is called by its last part.
    """
    return say(parse(condition), labels)


def say(node: Node, labels: Mapping[str, str] | None = None) -> str:
    """The same of a condition that has been read."""
    return "always" if node == Every(()) else _say(node, labels or {}, inside=False)


def _say(node: Node, labels: Mapping[str, str], *, inside: bool) -> str:
    if isinstance(node, Leaf):
        return _say_leaf(node, labels)
    if isinstance(node, Not):
        return f"not ({_say(node.part, labels, inside=False)})"
    if not node.parts:
        return "always" if isinstance(node, Every) else "never"
    word = " and " if isinstance(node, Every) else " or "
    said = word.join(_say(part, labels, inside=True) for part in node.parts)
    return f"({said})" if inside and len(node.parts) > 1 else said


def _say_leaf(leaf: Leaf, labels: Mapping[str, str]) -> str:
    name = labels.get(leaf.field) or leaf.field.partition(".")[2].replace("_", " ") or leaf.field
    word = " and " if leaf.op in ("between", "not_between") else ", "
    return " ".join([name, WORDS[leaf.op], word.join(_show(value) for value in leaf.values)]).strip()


def _show(value: str | Decimal) -> str:
    if isinstance(value, str):
        return value or "empty"
    return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
