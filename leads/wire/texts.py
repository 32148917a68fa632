"""Loose values as senders write them, read as plain text, ids, numbers and names, or not at all."""

import math
import re
from typing import Any, Final

from leads.wire.refusals import MAX_ID_LENGTH, Refusal

# What programs send when they have no id; compared trimmed and in lower case.
NOT_IDS: Final = frozenset(
    {"", "null", "(null)", "undefined", "anonymous", "none", "nil", "nan", "0", "-1", "true", "false", "unknown"}
    | {"n/a", "na", "guest", "[object object]", "{}", "[]", "00000000-0000-0000-0000-000000000000"}
)
_DIGITS: Final = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,9}", re.ASCII)
# Embeddings, overrides and isolates of direction; a name in Arabic or Hebrew needs none of them.
_TURNS: Final = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def as_text(value: Any) -> str | None:
    """A trimmed text; a number becomes its digits. `None` for the empty text and for all else."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return str(value)


def as_name(value: Any) -> str | None:
    """A text on one line: every run of blanks is one space. What would turn the text beside it around goes."""
    return " ".join(value.translate(_TURNS).split()) or None if isinstance(value, str) else None


def as_id(value: Any, *, name: str) -> str | None:
    """The id in a member, or `None` if it holds none: `null`, a truth value, or what stands for "no id".

    Refuses lists and objects (bad_<name>) and ids of more than 255 characters (<name>_too_long).
    """
    if isinstance(value, list | dict):
        raise Refusal(f"bad_{name}", f"{name} is neither a text nor a number.")
    text = as_text(value)
    if text is None or text.lower() in NOT_IDS:
        return None
    if len(text) > MAX_ID_LENGTH:
        raise Refusal(f"{name}_too_long", f"{name} is longer than {MAX_ID_LENGTH} characters.")
    return text


def as_count(value: Any) -> int | None:
    """A whole number from 0 to a billion, also written as text with or without thousands commas."""
    if isinstance(value, str):
        text = value.strip()
        return int(text.replace(",", "")) if len(text) < 12 and _DIGITS.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) and 0 <= value < 10**9 else None


def cut(text: str, length: int) -> tuple[str, bool]:
    """The text at most `length` characters long, and whether something was lost."""
    return (text, False) if len(text) <= length else (text[:length], True)
