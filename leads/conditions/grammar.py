"""The condition language as data: read from JSON, checked, and refused in words.

    {}                                                   always true
    {"all": [condition, …]}   {"any": [condition, …]}    every one · at least one (of none: true · false)
    {"not": condition}                                   the exact complement
    {"field": "lead.seniority", "op": "in", "value": ["director", "vp"]}

Fields are namespaced: lead.title, account.employees, trait.plan, account_trait.tier, property.order.total (a path),
episode.tier. Who runs the condition says which there are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from leads.conditions.errors import ConditionError, unknown_field

WHITESPACE = " \t\n\r\f\v"
# A plain decimal: no exponent, no thousands separator, and no more digits than any amount needs.
DECIMAL = r"^[+-]?[0-9]{1,40}(\.[0-9]{1,40})?$"
_DECIMAL = re.compile(DECIMAL.removesuffix("$") + r"\Z")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

EQUALITY = {"is", "is_not"}
MEMBERSHIP = {"in", "not_in"}
PARTS = {"contains", "not_contains", "starts_with", "not_starts_with", "ends_with", "not_ends_with"}
ORDER = {"gte", "lte", "gt", "lt"}
RANGE = {"between", "not_between"}
PRESENCE = {"is_set", "is_not_set"}
OPERATORS = EQUALITY | MEMBERSHIP | PARTS | ORDER | RANGE | PRESENCE

MAX_DEPTH = 12
MAX_LEAVES = 200
MAX_VALUES = 1000

Scalar = str | Decimal


@dataclass(frozen=True)
class Leaf:
    """One comparison. Values are prepared: texts trimmed and lower-cased, numbers as Decimal, booleans as text."""

    field: str
    op: str
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True)
class Every:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Some:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    part: Node


Node = Leaf | Every | Some | Not


def parse(condition: Any) -> Node:
    """Read a condition; raises ConditionError with a sentence that names what is wrong."""
    node = _read(condition, 0)
    if sum(1 for _ in leaves(node)) > MAX_LEAVES:
        raise ConditionError(f"A condition may have up to {MAX_LEAVES} comparisons.")
    return node


def validate(condition: Any, fields: Collection[str]) -> None:
    """Refuse what can't be read and fields that are not among `fields`; `trait.*` there stands for every trait."""
    for leaf in leaves(parse(condition)):
        space, _, rest = leaf.field.partition(".")
        if leaf.field not in fields and not (rest and f"{space}.*" in fields):
            raise unknown_field(leaf.field, fields)


def fields_of(condition: Any) -> tuple[str, ...]:
    """The fields a condition reads, each once, in the order in which they first stand."""
    return tuple(dict.fromkeys(leaf.field for leaf in leaves(parse(condition))))


def leaves(node: Node) -> Iterator[Leaf]:
    """Every comparison of a condition, from left to right."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Not):
        yield from leaves(node.part)
    else:
        for part in node.parts:
            yield from leaves(part)


def plain(text: str) -> str:
    """Text as it is compared: trimmed of ASCII white space, ASCII letters lower-cased, all else as it is."""
    return text.strip(WHITESPACE).translate(_LOWER)


def number(value: Any) -> Decimal | None:
    """A JSON number or a plain decimal string as a number; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Decimal)):
        return Decimal(value) if not isinstance(value, Decimal) or value.is_finite() else None
    if isinstance(value, float):
        exact = Decimal(repr(value))
        return exact if exact.is_finite() else None
    if isinstance(value, str) and _DECIMAL.match(value.strip(WHITESPACE)):
        return Decimal(value.strip(WHITESPACE))
    return None


def _read(condition: Any, depth: int) -> Node:
    if not isinstance(condition, dict):
        raise ConditionError('A condition is an object, such as {"field": "lead.country", "op": "is", "value": "DE"}.')
    if depth > MAX_DEPTH:
        raise ConditionError(f"A condition may be nested {MAX_DEPTH} deep.")
    if not condition:
        return Every(())
    if "field" in condition or "op" in condition:
        return _read_leaf(condition)
    if len(condition) != 1 or next(iter(condition)) not in {"all", "any", "not"}:
        raise ConditionError(f"A condition has “all”, “any”, “not” or a “field”, not {', '.join(map(str, condition))}.")
    ((word, inner),) = condition.items()
    if word == "not":
        return Not(_read(inner, depth + 1))
    if not isinstance(inner, list):
        raise ConditionError(f"“{word}” takes a list of conditions.")
    parts = tuple(_read(part, depth + 1) for part in inner)
    return Every(parts) if word == "all" else Some(parts)


def _read_leaf(condition: dict[Any, Any]) -> Leaf:
    field, op = condition.get("field"), condition.get("op")
    if not isinstance(field, str) or not field or "" in field.split(".") or len(field) > 300:
        raise ConditionError("A comparison names its “field”, such as lead.country.")
    if "\x00" in field:
        raise ConditionError("A field has no NUL in its name.")
    if op not in OPERATORS:
        raise ConditionError(f"{field}: there is no operator “{op}”. There are {', '.join(sorted(OPERATORS))}.")
    extra = set(condition) - {"field", "op", "value"}
    if extra:
        raise ConditionError(f"{field}: what is “{', '.join(sorted(map(str, extra)))}”?")
    return Leaf(field, op, _values(field, op, condition.get("value")))


def _values(field: str, op: str, value: Any) -> tuple[Scalar, ...]:
    if op in PRESENCE:
        if value is not None:
            raise ConditionError(f"{field}: “{op}” takes no value.")
        return ()
    if op in MEMBERSHIP:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
            raise ConditionError(f"{field}: “{op}” takes a list of 1 to {MAX_VALUES} values.")
        return tuple(_scalar(field, op, item) for item in value)
    if op in EQUALITY:
        return (_scalar(field, op, value),)
    if op in PARTS:
        if not isinstance(value, str) or not plain(value) or "\x00" in value:
            raise ConditionError(f"{field}: “{op}” takes a text that is not empty.")
        return (plain(value),)
    return _numbers(field, op, value)


def _numbers(field: str, op: str, value: Any) -> tuple[Decimal, ...]:
    listed = value if op in RANGE else [value]
    if not isinstance(listed, list) or len(listed) != (2 if op in RANGE else 1):
        raise ConditionError(f"{field}: “{op}” takes a list of two numbers, the lower first.")
    numbers = [number(item) for item in listed]
    if any(item is None for item in numbers):
        raise ConditionError(f"{field}: “{op}” takes {'two numbers' if op in RANGE else 'a number'}.")
    exact = tuple(item for item in numbers if item is not None)
    if exact[0] > exact[-1]:
        raise ConditionError(f"{field}: “{op}” takes the lower number first.")
    return exact


def _scalar(field: str, op: str, value: Any) -> Scalar:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and "\x00" not in value:
        return plain(value)
    exact = None if isinstance(value, str) else number(value)
    if exact is None:
        raise ConditionError(f"{field}: “{op}” takes a text, a number, true or false.")
    return exact
