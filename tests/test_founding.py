"""What was founded stands for every test as it was, and is gone behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from leads.models import Team
from tests.founding import founded


@pytest.fixture(scope="module")
def team(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[[], Team]]:
    with founded(django_db_blocker, lambda: Team.objects.create(name="Founded")) as again:
        yield again
    with django_db_blocker.unblock():
        assert not Team.objects.filter(name="Founded").exists()
        assert not connection.in_atomic_block


@pytest.mark.django_db
class TestFounded:
    @pytest.mark.parametrize("time", [1, 2])
    def test_stands_as_it_was_whatever_a_test_did(self, team: Callable[[], Team], time: int) -> None:
        mine = team()
        assert (mine.name, list(Team.objects.filter(name="Founded"))) == ("Founded", [mine])
        mine.name = "Changed"
        mine.save()
        Team.objects.create(name="Founded")
        assert team().name == "Founded"

    def test_is_gone_where_a_test_deleted_it_and_back_for_the_next(self, team: Callable[[], Team]) -> None:
        assert team().delete()[0]
