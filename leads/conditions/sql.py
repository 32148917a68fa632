"""A piece of SQL with its parameters, and the one way to put pieces together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

Kind = Literal["jsonb", "text", "numeric", "boolean", ""]

_SLOT = re.compile(r"\{(\d+)\}")


class Sql(NamedTuple):
    """SQL text with `%s` for each parameter, in order. `kind` is its SQL type where a condition reads it.

    A field of kind jsonb is any JSON value; SQL NULL and JSON null both mean *not set*. A field of kind text or
    numeric is a plain column; NULL means *not set*.
    """

    text: str
    params: tuple[Any, ...] = ()
    kind: Kind = ""


def build(template: str, *parts: Sql, kind: Kind = "") -> Sql:
    """The template with {0}, {1} … replaced by the parts, their parameters in the order in which they stand."""
    params: list[Any] = []

    def fill(slot: re.Match[str]) -> str:
        part = parts[int(slot[1])]
        params.extend(part.params)
        return part.text

    return Sql(_SLOT.sub(fill, template), tuple(params), kind)


def join(separator: str, parts: Iterable[Sql], kind: Kind = "") -> Sql:
    """The parts one after another, with the separator between them."""
    listed = list(parts)
    return Sql(separator.join(part.text for part in listed), tuple(p for part in listed for p in part.params), kind)


def param(value: Any, cast: str) -> Sql:
    """One value as a parameter of this SQL type."""
    return Sql(f"%s::{cast}", (value,))
