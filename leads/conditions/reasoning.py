"""What can never hold, and what another condition always catches: reasoning about conditions without any data.

Sound, not complete: a condition is called impossible only where no value in the world could meet it; where the
question grows too large, or turns on the inside of texts, the answer is “it could”. What each operator means is written
in `predicates`; `_may` below reads it for one value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from leads.conditions.grammar import (
    EQUALITY,
    MEMBERSHIP,
    ORDER,
    PARTS,
    PRESENCE,
    RANGE,
    Every,
    Leaf,
    Node,
    Not,
    Some,
    parse,
)
from leads.conditions.grammar import number as number_in
from leads.conditions.sentences import say

# Every value a field can have, as texts; None stands for not set. Fields that are not named can be anything.
Domains = Mapping[str, Collection[str | None]]
Literal = tuple[Leaf, bool]
Known = dict[str, tuple[Literal, ...]]

MOST_STEPS = 4_000
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z")


class Value(NamedTuple):
    """One value as comparisons see it. A list or an object is set, and has neither text nor number."""

    text: str | None
    number: Fraction | None
    is_set: bool = True
    any_text: bool = False  # a number written in some way: what its text is stays open


UNSET, OPAQUE = Value(None, None, is_set=False), Value(None, None)


class _TooLong(Exception):
    """The question has grown beyond what is worth asking."""


class _Steps:
    def __init__(self) -> None:
        self.left = MOST_STEPS

    def take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _TooLong


def contradiction(condition: Any, domains: Domains | None = None) -> str:
    """The smallest part of a condition that can never hold, in words; empty where it could hold.

    Raises ConditionError for a condition that can't be read.
    """
    parts = _parts(parse(condition))
    if _could_hold(parts, domains or {}):
        return ""
    return say(Every(tuple(_core(parts, domains or {}))))


def covered_by(condition: Any, earlier: Sequence[Any], domains: Domains | None = None) -> list[int]:
    """Which of these conditions catch, together, all that this one could hold for: their places; none if it may hold
    where all of them don't. One that does so alone is named alone.
    """
    own = parse(condition)
    known = [parse(each) for each in earlier]
    for place, other in enumerate(known):
        if not _could_hold([own, Not(other)], domains or {}):
            return [place]
    if len(known) < 2 or _could_hold([own, *(Not(other) for other in known)], domains or {}):
        return []
    needed = list(range(len(known)))
    for place in reversed(range(len(known))):
        rest = [each for each in needed if each != place]
        if not _could_hold([own, *(Not(known[each]) for each in rest)], domains or {}):
            needed = rest
    return needed


def _parts(node: Node) -> list[Node]:
    """What must hold all together, flat."""
    if isinstance(node, Every):
        return [part for each in node.parts for part in _parts(each)]
    return [node]


def _core(parts: list[Node], domains: Domains) -> list[Node]:
    """As few of these parts as still contradict each other."""
    for part in list(parts):
        rest = [each for each in parts if each is not part]
        if rest and not _could_hold(rest, domains):
            parts = rest
    return parts


def _could_hold(parts: Iterable[Node], domains: Domains) -> bool:
    try:
        return _search([(part, True) for part in parts], {}, domains, _Steps())
    except _TooLong:
        return True


def _search(todo: list[tuple[Node, bool]], known: Known, domains: Domains, steps: _Steps) -> bool:
    """Whether all of these could be so at once, given what is known: what must be first, then the choices."""
    steps.take()
    known, touched = dict(known), set()
    choices: list[tuple[Node, bool]] = []
    pending = list(todo)
    while pending:
        node, wanted = pending.pop()
        if isinstance(node, Leaf):
            known[node.field] = (*known.get(node.field, ()), (node, wanted))
            touched.add(node.field)
        elif isinstance(node, Not):
            pending.append((node.part, not wanted))
        elif isinstance(node, Every) == wanted:
            pending += [(part, wanted) for part in node.parts]
        else:
            choices.append((node, wanted))
    if not all(_some_value(known[name], domains.get(name), steps) for name in touched):
        return False
    if not choices:
        return True
    choices.sort(key=lambda each: len(_of(each[0])))
    (first, wanted), rest = choices[0], choices[1:]
    return any(_search([(part, wanted), *rest], known, domains, steps) for part in _of(first))


def _of(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Every | Some) else ()


def _some_value(literals: Sequence[Literal], domain: Collection[str | None] | None, steps: _Steps) -> bool:
    """Whether some value of one field could meet all of these."""
    return any(_meets(literals, value, steps) for value in _candidates(literals, domain))


def _meets(literals: Sequence[Literal], value: Value, steps: _Steps) -> bool:
    steps.take()
    return all(_may(leaf, value, wanted=wanted) for leaf, wanted in literals)


def _candidates(literals: Sequence[Literal], domain: Collection[str | None] | None) -> list[Value]:
    """Values of which one meets the literals if any does."""
    if domain is not None:
        return [value for text in domain for value in ([UNSET] if text is None else _texts(text))]
    positive = [leaf for leaf, wanted in literals if wanted != _is_negation(leaf)]
    equal = [leaf for leaf in positive if leaf.op in EQUALITY | MEMBERSHIP]
    if equal:
        # Whatever it is, it is one of these.
        least = min(equal, key=lambda leaf: (any(not isinstance(each, str) for each in leaf.values), len(leaf.values)))
        return [value for each in least.values for value in (_texts(each) if isinstance(each, str) else _numbers(each))]
    if _texts_contradict(literals):
        return [UNSET, OPAQUE]
    # Where parts are asked for: some text that is no number; what is inside it is not gone into any further.
    parts = any(leaf.op in PARTS for leaf, _ in literals)
    text = Value(None, None, any_text=True) if parts else Value(_no_such(literals), None)
    return [UNSET, OPAQUE, text, *(Value(None, number, any_text=True) for number in _representatives(literals))]


def _texts(text: str) -> list[Value]:
    """A text as a string and, where it reads as one, as a JSON number."""
    exact = number_in(text)
    found = [Value(text, Fraction(exact) if exact is not None else None)]
    if exact is None and _JSON_NUMBER.match(text):
        found.append(Value(text, Fraction(text)))
    return found


def _numbers(number: Decimal) -> list[Value]:
    return [Value(None, Fraction(number), any_text=True)]


def _representatives(literals: Sequence[Literal]) -> list[Fraction]:
    """A number for each stretch in which no numeric comparison changes, and each edge between two."""
    edges = sorted({Fraction(each) for leaf, _ in literals for each in leaf.values if isinstance(each, Decimal)})
    if not edges:
        return [Fraction(0)]
    between = [(low + high) / 2 for low, high in zip(edges, edges[1:], strict=False)]
    return [edges[0] - 1, *edges, *between, edges[-1] + 1]


def _no_such(literals: Sequence[Literal]) -> str:
    """A text that no comparison names."""
    named = {each for leaf, _ in literals for each in leaf.values if isinstance(each, str)}
    return "x" * (max((len(each) for each in named), default=0) + 1)


def _is_negation(leaf: Leaf) -> bool:
    """“Is not” and its like: true of everything else, also of what is not set. “Not between” asks for a number."""
    return leaf.op == "is_not" or (leaf.op.startswith("not_") and leaf.op not in RANGE)


def _may(leaf: Leaf, value: Value, *, wanted: bool) -> bool:
    """Whether a comparison could be `wanted` of a value; where its text is open, either way unless the number says."""
    if leaf.op in PRESENCE:
        return (value.is_set == (leaf.op == "is_set")) == wanted
    if leaf.op in ORDER | RANGE:
        return _counts(leaf, value.number) == wanted
    matches = wanted != _is_negation(leaf)
    if leaf.op in PARTS:
        return True if value.any_text else _has_part(leaf, value.text) == matches
    by_number = value.number is not None and any(
        Fraction(each) == value.number for each in leaf.values if isinstance(each, Decimal)
    )
    texts = [each for each in leaf.values if isinstance(each, str)]
    if value.any_text and texts and not by_number:
        return True
    return (by_number or (value.text is not None and value.text in texts)) == matches


def _counts(leaf: Leaf, number: Fraction | None) -> bool:
    if number is None:
        return False
    low, high = (Fraction(each) for each in (leaf.values[0], leaf.values[-1]))
    answers = {
        "gte": number >= low, "gt": number > low, "lte": number <= high, "lt": number < high,
        "between": low <= number <= high, "not_between": not low <= number <= high,
    }  # fmt: skip
    return answers[leaf.op]


def _has_part(leaf: Leaf, text: str | None) -> bool:
    if text is None:
        return False
    part, op = str(leaf.values[0]), leaf.op.removeprefix("not_")
    if op == "contains":
        return part in text
    return text.startswith(part) if op == "starts_with" else text.endswith(part)


def _texts_contradict(literals: Sequence[Literal]) -> bool:
    """Beginnings, ends and parts of which no text has all: “starts with a” and “starts with b”."""
    has: dict[str, list[str]] = {"contains": [], "starts_with": [], "ends_with": []}
    lacks: dict[str, list[str]] = {"contains": [], "starts_with": [], "ends_with": []}
    for leaf, wanted in literals:
        if leaf.op in PARTS:
            side = has if wanted != _is_negation(leaf) else lacks
            side[leaf.op.removeprefix("not_")].append(str(leaf.values[0]))
    begins, ends = has["starts_with"], has["ends_with"]
    if any(not one.startswith(other) and not other.startswith(one) for one in begins for other in begins):
        return True
    if any(not one.endswith(other) and not other.endswith(one) for one in ends for other in ends):
        return True
    parts = [*begins, *ends, *has["contains"]]
    return (
        any(never in part for never in lacks["contains"] for part in parts)
        or any(part.startswith(never) for never in lacks["starts_with"] for part in begins)
        or any(part.endswith(never) for never in lacks["ends_with"] for part in ends)
    )
