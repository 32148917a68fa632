"""The compiled query against its slow twin, on random versions, histories and moments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings

from scoring.compiler import Facts, VersionSpec
from tests.scoring import oracle, rows
from tests.scoring.oracle import History
from tests.scoring.worlds import END, START, TYPES, worlds
from tests.thorough import THOROUGH

pytestmark = pytest.mark.django_db

World = tuple[list[VersionSpec], list[History], list[datetime]]
LOOSE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def agree(world: World, type_ids: dict[str, int]) -> None:
    """Both ways of judging, and both sources of facts, say the same of everybody."""
    versions, histories, moments = world
    with transaction.atomic():
        rows.write(histories, type_ids, END)
        for version in versions:
            for t in moments:
                compare(version, histories, t, rows.judge(version, type_ids, t, Facts.PAST))
            compare(version, histories, END, rows.judge(version, type_ids, END, Facts.PRESENT))
            compare(version, histories, END, rows.judge(version, type_ids, END, Facts.PAST))
            one = histories[0]
            compare(version, [one], END, rows.judge(version, type_ids, END, Facts.PRESENT, [one.lead_id]))
        transaction.set_rollback(True)


def compare(version: VersionSpec, histories: list[History], t: datetime, judged: dict[int, dict[str, Any]]) -> None:
    assert sorted(judged) == sorted(h.lead_id for h in histories)
    for history in histories:
        expected = oracle.judge(version, history, t)
        found = {name: judged[history.lead_id][name] for name in expected}
        assert found == expected


@pytest.fixture
def type_ids() -> dict[str, int]:
    return rows.types(TYPES, START)


class TestTheTwin:
    @settings(max_examples=30, deadline=None, suppress_health_check=LOOSE)
    @given(world=worlds())
    def test_agrees(self, world: World, type_ids: dict[str, int]) -> None:
        agree(world, type_ids)

    @pytest.mark.slow
    @pytest.mark.timeout(3600)
    @settings(max_examples=3_000 if THOROUGH else 50, deadline=None, suppress_health_check=LOOSE)
    @given(world=worlds())
    def test_agrees_at_length(self, world: World, type_ids: dict[str, int]) -> None:
        agree(world, type_ids)
