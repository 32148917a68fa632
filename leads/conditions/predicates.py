"""A condition as a SQL predicate: what each operator means, exactly, in one place.

* Two values only: every comparison is true or false, never unknown. *Not set* is absent or null.
* Text of a value: a string as it is, a number and a boolean as JSON writes them; lists and objects have none.
  Compared exactly after trimming ASCII white space and lower-casing ASCII letters.
* Number of a value: a JSON number, or a string that is a plain decimal; everything else is "not a number".
* `is`, `in`, `contains`, `starts_with`, `ends_with` are false where the value is not set; their negations are their
  exact complements, so they are true there: who has no country *is not* in France. Unknown is not unfit.
* `gte`, `lte`, `gt`, `lt`, `between` and `not_between` need a number and are false without one.
* {"not": …} is always the exact complement.

A value given as a text is compared as text, a number as a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from leads.conditions.errors import unknown_field
from leads.conditions.grammar import DECIMAL, Every, Leaf, Node, Not, Some, leaves, parse
from leads.conditions.sql import Sql, build, join, param

Resolver = Callable[[str], Sql]

TRUE, FALSE = Sql("true", (), "boolean"), Sql("false", (), "boolean")
NESTED = ("trait", "account_trait", "property")

_TRIM = r"E' \t\n\r\f\013'"
_ORDER = {"gte": ">=", "lte": "<=", "gt": ">", "lt": "<"}


def compile(condition: Any, resolver: Resolver) -> Sql:
    """The condition as a boolean SQL expression that is never NULL; values are parameters."""
    return _walk(parse(condition), lambda leaf: _leaf(leaf, resolver))


def possible(condition: Any, resolver: Resolver) -> Sql:
    """Whether the condition holds, or could if what is not set were known."""
    return _could(parse(condition), resolver, may=True)


def certain(condition: Any, resolver: Resolver) -> Sql:
    """Whether the condition holds, whatever the fields that are not set turn out to be."""
    return _could(parse(condition), resolver, may=False)


def unset(condition: Any, resolver: Resolver) -> Sql:
    """The names of the condition's fields that are not set, as text[]."""
    fields = dict.fromkeys(leaf.field for leaf in leaves(parse(condition)))
    if not fields:
        return Sql("ARRAY[]::text[]")
    names = [build("CASE WHEN {0} THEN {1} END", is_unset(resolver(name)), param(name, "text")) for name in fields]
    return build("array_remove(ARRAY[{0}]::text[], NULL)", join(", ", names))


def literal_resolver(values: Mapping[str, Any]) -> Resolver:
    """Fields out of plain values: {"lead.country": "DE", "trait": {…}, "account_trait": {…}, "property": {…}}.

    To ask whether a condition holds, run `SELECT` with the compiled predicate. A name that is not among the values is
    refused; inside traits and properties it is not set.
    """

    def resolve(field: str) -> Sql:
        space, _, rest = field.partition(".")
        if field in values:
            value = values[field]
        elif space in NESTED and rest:
            value = _inside(values.get(space), rest.split(".") if space == "property" else [rest])
        else:
            raise unknown_field(field, [*values, *(f"{space}.…" for space in NESTED)])
        if value is None:
            return Sql("NULL::jsonb", (), "jsonb")
        return Sql("%s::jsonb", (json.dumps(value, default=plain_json),), "jsonb")

    return resolve


def path(document: str, *names: str) -> Sql:
    """The value at a path of names inside a jsonb expression, of kind jsonb."""
    return Sql(document + " -> %s::text" * len(names), names, "jsonb")


def is_unset(value: Sql) -> Sql:
    """Absent or null."""
    if value.kind in ("text", "numeric"):
        return build("({0} IS NULL)", value)
    return build("(coalesce(jsonb_typeof({0}), 'null') = 'null')", value)


def text_of(value: Sql) -> Sql:
    """The value's text as it is compared; SQL NULL where it has none."""
    if value.kind == "text":
        return build(f'lower(btrim({{0}}, {_TRIM}) COLLATE "C")', value)
    if value.kind == "numeric":
        return build("({0})::text", value)
    scalar = "jsonb_typeof({0}) IN ('string', 'number', 'boolean')"
    return build(f"CASE WHEN {scalar} THEN lower(btrim(({{0}}) #>> '{{}}', {_TRIM}) COLLATE \"C\") END", value)


def number_of(value: Sql) -> Sql:
    """The value as numeric; SQL NULL where it is not a number."""
    if value.kind == "numeric":
        return build("({0})::numeric", value)
    parsed = f"CASE WHEN btrim({{0}}, {_TRIM}) ~ '{DECIMAL}' THEN btrim({{0}}, {_TRIM})::numeric END"
    if value.kind == "text":
        return build(parsed, value)
    inner = parsed.replace("{0}", "({0}) #>> '{}'")
    return build(
        f"CASE jsonb_typeof({{0}}) WHEN 'number' THEN (({{0}}) #>> '{{}}')::numeric WHEN 'string' THEN {inner} END",
        value,
    )


def _walk(node: Node, leaf: Callable[[Leaf], Sql]) -> Sql:
    if isinstance(node, Leaf):
        return leaf(node)
    if isinstance(node, Not):
        return build("(NOT {0})", _walk(node.part, leaf), kind="boolean")
    if not node.parts:
        return TRUE if isinstance(node, Every) else FALSE
    word = " AND " if isinstance(node, Every) else " OR "
    return build("({0})", join(word, [_walk(part, leaf) for part in node.parts]), kind="boolean")


def _could(node: Node, resolver: Resolver, *, may: bool) -> Sql:
    """Read what is not set in favor of the condition (`may`) or against it; below a *not* it is the other way round."""
    if isinstance(node, Not):
        return build("(NOT {0})", _could(node.part, resolver, may=not may), kind="boolean")
    if isinstance(node, Every | Some):
        if not node.parts:
            return TRUE if isinstance(node, Every) else FALSE
        word = " AND " if isinstance(node, Every) else " OR "
        parts = [_could(part, resolver, may=may) for part in node.parts]
        return build("({0})", join(word, parts), kind="boolean")
    template = "({0} OR {1})" if may else "(NOT {0} AND {1})"
    return build(template, is_unset(resolver(node.field)), _leaf(node, resolver), kind="boolean")


def _leaf(leaf: Leaf, resolver: Resolver) -> Sql:
    value = resolver(leaf.field)
    if leaf.op in ("is_set", "is_not_set"):
        word = "" if leaf.op == "is_not_set" else "NOT "
        return build(f"({word}{{0}})", is_unset(value), kind="boolean")
    if leaf.op in _ORDER:
        sign = _ORDER[leaf.op]
        return _sure(build(f"{{0}} {sign} {{1}}", number_of(value), param(leaf.values[0], "numeric")))
    if leaf.op in ("between", "not_between"):
        word = "NOT BETWEEN" if leaf.op == "not_between" else "BETWEEN"
        low, high = (param(bound, "numeric") for bound in leaf.values)
        return _sure(build(f"{{0}} {word} {{1}} AND {{2}}", number_of(value), low, high))
    negated = leaf.op == "is_not" or leaf.op.startswith("not_")
    found = _match(leaf.op.removeprefix("not_"), leaf.values, value)
    return build("(NOT {0})", found, kind="boolean") if negated else found


def _match(op: str, values: tuple[str | Decimal, ...], value: Sql) -> Sql:
    text = text_of(value)
    if op == "contains":
        return _sure(build("strpos({0}, {1}) > 0", text, param(values[0], "text")))
    if op == "starts_with":
        return _sure(build("starts_with({0}, {1})", text, param(values[0], "text")))
    if op == "ends_with":
        length = Sql(str(len(str(values[0]))))
        return _sure(build("right({0}, {1}) = {2}", text, length, param(values[0], "text")))
    texts = [item for item in values if isinstance(item, str)]
    numbers = [item for item in values if isinstance(item, Decimal)]
    found = []
    if texts:
        found.append(_sure(build("{0} = {1}", text, _any(texts, "text"))))
    if numbers:
        found.append(_sure(build("{0} = {1}", number_of(value), _any(numbers, "numeric"))))
    return build("({0})", join(" OR ", found), kind="boolean")


def _any(values: list[Any], cast: str) -> Sql:
    return param(values[0], cast) if len(values) == 1 else build("ANY({0})", param(values, f"{cast}[]"))


def _sure(predicate: Sql) -> Sql:
    return build("coalesce({0}, false)", predicate, kind="boolean")


def _inside(document: Any, names: list[str]) -> Any:
    for name in names:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def plain_json(value: Any) -> Any:
    """What JSON has no word for, as a condition reads it: for `json.dumps(…, default=plain_json)`."""
    if isinstance(value, Decimal):
        return float(value) if value % 1 else int(value)
    return str(value)
