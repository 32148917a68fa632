"""Each cell of the table does what it says."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests import desk
from tests.desk import Company
from tests.episode import answers, beside, ends, evidence, passing  # noqa: F401  (their cases)
from tests.episode.matter import Matter
from tests.episode.table import CASES, COLUMNS, TABLE

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


def _cells() -> list[tuple[str, str]]:
    return [(row, column) for row in TABLE for column in COLUMNS]


def test_the_table_has_a_case_for_each_cell() -> None:
    assert set(CASES) == set(_cells())


@pytest.mark.parametrize(("row", "column"), [pytest.param(*cell, id=": ".join(cell)) for cell in _cells()])
def test_each_cell_does_what_the_table_says(row: str, column: str, house: Company, now: datetime) -> None:
    matter = Matter(house, now, column)
    CASES[row, column](matter)
