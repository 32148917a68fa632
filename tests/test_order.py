"""Which test starts when: every test once, the slow ones at the heads of the lanes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.order import long_first


class Item:
    """As much of a test as the order looks at."""

    def __init__(self, nodeid: str, *, slow: bool = False, database: bool = True) -> None:
        self.nodeid, self.marks = nodeid, {"slow": slow, "database": database}

    def get_closest_marker(self, name: str) -> Any:
        return self.marks[name]

    @property
    def slow(self) -> bool:
        return self.marks["slow"]


def ordered(items: list[Item], lanes: int) -> list[Item]:
    return long_first(items, lanes)  # type: ignore[arg-type, return-value]


QUICK = [Item(f"tests/sla/test_a.py::test_{number}") for number in range(20)]
SLOW = [
    Item(f"tests/{path}", slow=True)
    for path in ("races/test_a.py", "kills/test_b.py", "kills/test_chaos.py", "config/test_home.py")
]


class TestTheOrder:
    @pytest.mark.parametrize("lanes", [1, 2, 3, 5, 30])
    @pytest.mark.parametrize("slow", [0, 1, 4])
    def test_leaves_none_out_and_keeps_the_quick_ones_as_they_came(self, lanes: int, slow: int) -> None:
        items = [*QUICK[:7], *SLOW[:slow], *QUICK[7:]]
        made = ordered(items, lanes)
        assert len(made) == len(items)
        assert set(made) == set(items)
        assert [item for item in made if not item.slow] == QUICK

    def test_begins_the_last_lane_with_what_needs_no_database(self) -> None:
        pure = [Item(f"tests/sla/test_pure.py::test_{number}", database=False) for number in range(3)]
        made = ordered([*QUICK, *pure, *SLOW], 3)
        assert made[18:21] == pure
        assert ordered([*QUICK, *pure], 1) == [*QUICK, *pure]
        assert sorted(made, key=id) == sorted([*QUICK, *pure, *SLOW], key=id)

    def test_begins_with_the_longest_on_all_lanes_but_one(self) -> None:
        made = ordered([*QUICK, *SLOW], 3)
        names = [item.nodeid.removeprefix("tests/") for item in made]
        assert names[:2] == ["kills/test_chaos.py", "kills/test_b.py"]
        assert names[8:10] == ["config/test_home.py", "races/test_a.py"]
        assert not any(item.slow for item in made[16:])
