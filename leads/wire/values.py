"""One JSON value, read strictly: what PostgreSQL could not store or a reader would misread is refused here."""

import json
import math
import re
from typing import Any, Final, NoReturn

from leads.wire.refusals import MAX_DEPTH, MAX_EVENT_BYTES, Refusal

# Possessive throughout: the scan is linear, whatever is thrown at it.
STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BRACKETS: Final = re.compile(STRING + rb"|[{}\[\]]", re.DOTALL)
# An escape that may stand for NUL or for half a character. `\\u0000` also matches; the strings then decide.
_SUSPECT: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LONGEST_INTEGER: Final = len("-9223372036854775808")
_LONGEST_FLOAT: Final = 400


def parse_value(raw: bytes, *, limit: int = MAX_EVENT_BYTES, unique_keys: bool = False) -> Any:
    """Read one JSON value of at most `limit` bytes; of equal keys the last counts, unless they are to be unique.

    Refuses (`Refusal`): too_large, invalid_utf8, invalid_json, too_deep (more than 32 containers in each other),
    number_out_of_range (integers beyond 64 bits, numbers of absurd length), not_finite, nul_character,
    lone_surrogate, duplicate_key.
    """
    if len(raw) > limit:
        raise Refusal("too_large", f"An event may hold {limit} bytes; this one is larger.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refusal("invalid_utf8", "The event is not valid UTF-8.") from None
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _check_depth(raw)
    try:
        value = (_UNIQUE_DECODER if unique_keys else _DECODER).decode(text)
    except Refusal:
        raise
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise Refusal("invalid_json", "The event is not valid JSON.") from None
    if _SUSPECT.search(raw):
        _check_strings(value)
    return value


def _check_depth(raw: bytes) -> None:
    depth = 0
    for found in _BRACKETS.finditer(raw):
        first = raw[found.start()]
        if first in b"{[":
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep()
        elif first in b"}]":
            depth -= 1


def _too_deep() -> Refusal:
    return Refusal("too_deep", f"Objects and lists may stand at most {MAX_DEPTH} deep in each other.")


def _check_strings(value: Any) -> None:
    """Look at every string and key; the depth is known to be small, the stack is ours."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if "\0" in one:
                raise Refusal("nul_character", "A text holds a NUL character.")
            if _SURROGATE.search(one):
                raise Refusal("lone_surrogate", "A text holds half of a character (a lone surrogate).")
        elif isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _integer(digits: str) -> int:
    # Measured before it is converted: turning thousands of digits into an int is the attack.
    if len(digits) <= _LONGEST_INTEGER:
        number = int(digits)
        if -(2**63) <= number < 2**63:
            return number
    raise Refusal("number_out_of_range", "A whole number does not fit into 64 bits.")


def _decimal(digits: str) -> float:
    if len(digits) > _LONGEST_FLOAT:
        raise Refusal("number_out_of_range", f"A number is longer than {_LONGEST_FLOAT} characters.")
    number = float(digits)
    if not math.isfinite(number):
        raise Refusal("not_finite", "A number is too large to be finite.")
    return number


def _constant(word: str) -> NoReturn:
    raise Refusal("not_finite", f"{word} is not a number JSON knows.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            told = key if len(key) <= 60 and key.isprintable() else ascii(key)[:60]
            raise Refusal("duplicate_key", f"The key {told} stands twice in one object. Keep one of them.")
        found[key] = value
    return found


_NUMBERS: Final[Any] = {"parse_int": _integer, "parse_float": _decimal, "parse_constant": _constant}
_DECODER: Final = json.JSONDecoder(**_NUMBERS)
_UNIQUE_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, **_NUMBERS)
