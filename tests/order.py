"""Which test starts when: chance decides, but the longest begin at once, and on lanes of their own.

They kill processes and wait for others, so a lane more than there are cores keeps the cores busy. Each lane is given
one stretch of the list, and takes from the end of another's when its own is done. The lane without long ones begins
with what needs no database, which the first lane is still migrating.
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


MEANWHILE = 300  # tests without a database, of a tenth of a second each


def long_first(items: list[pytest.Item], lanes: int) -> list[pytest.Item]:
    """The same tests in the same order, but those that are slow stand at the head of all stretches except the last."""
    slow = sorted((item for item in items if item.get_closest_marker("slow")), key=_place)
    rest = [item for item in items if not item.get_closest_marker("slow")]
    meanwhile = [item for item in rest if not item.get_closest_marker("database")][: MEANWHILE if lanes > 1 else 0]
    taken = set(meanwhile)
    rest = [item for item in rest if item not in taken]
    busy = max(1, lanes - 1)
    ordered: list[pytest.Item] = []
    for lane in range(lanes):
        length = (len(items) - len(ordered)) // (lanes - lane)
        head = slow[lane::busy] if lane < busy else []
        head = head if lane < lanes - 1 else head + meanwhile
        fill = max(0, length - len(head))
        ordered += head + rest[:fill]
        del rest[:fill]
    return ordered + rest


def _place(item: pytest.Item) -> int:
    return next(place for place, path in enumerate(LONGEST) if item.nodeid.startswith(path))
