"""Which test starts when: chance decides, but the longest begin at once, and on lanes of their own.

They kill processes and wait for others, so a lane more than there are cores keeps the cores busy. Each lane is given
one stretch of the list, and takes from the end of another's when its own is done.
"""

from __future__ import annotations

import pytest

# The longest first.
LONGEST = (
    "tests/kills/test_chaos.py",
    "tests/config/test_home.py",
    "tests/kills",
    "tests/year",
    "tests/browser",
    "tests",
)


def long_first(items: list[pytest.Item], lanes: int) -> list[pytest.Item]:
    """The same tests in the same order, but those that are slow stand at the head of all stretches except the last."""
    slow = sorted((item for item in items if item.get_closest_marker("slow")), key=_place)
    rest = [item for item in items if not item.get_closest_marker("slow")]
    busy = max(1, lanes - 1)
    ordered: list[pytest.Item] = []
    for lane in range(lanes):
        length = (len(items) - len(ordered)) // (lanes - lane)
        head = slow[lane::busy] if lane < busy else []
        fill = max(0, length - len(head))
        ordered += head + rest[:fill]
        del rest[:fill]
    return ordered + rest


def _place(item: pytest.Item) -> int:
    return next(place for place, path in enumerate(LONGEST) if item.nodeid.startswith(path))
