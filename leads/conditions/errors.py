"""What is wrong with a condition, in a sentence that names where."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


class ConditionError(ValueError):
    """A condition that can't be read; the sentence may be shown to the person who wrote it."""


def unknown_field(field: str, fields: Collection[str]) -> ConditionError:
    """A field nobody knows, with those that are written nearly like it."""
    near = get_close_matches(field, sorted(fields), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return ConditionError(f"There is no field “{field}”.{hint}")
