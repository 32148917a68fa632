"""What a list may be narrowed by: values to choose from, with how much each would leave where that was counted."""

from __future__ import annotations

from typing import NamedTuple


class Choice(NamedTuple):
    """One value to narrow by."""

    value: str
    label: str
    is_chosen: bool = False
    size: int | None = None

    def __str__(self) -> str:
        return self.label if self.size is None else f"{self.label} ({self.size})"
