"""Reps who ask for the next one at once: nobody gets another's, nothing is left, nobody passes their room."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from scoring.models import Tier
from sla import routing
from sla.handoffs import open_load
from sla.models import Handoff, Rep, RoutingRule
from tests.desk import Company
from tests.races.conftest import PATIENCE, SOME, refused
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

SECOND = timedelta(seconds=1)
TEN = 10


@pytest.fixture
def pooled(house: Company, now: datetime) -> list[int]:
    """Ten in the pool, as they stand in line."""
    RoutingRule.objects.update(if_nobody=RoutingRule.IfNobody.POOL)
    Rep.objects.update(is_active=False)
    tiers = [Tier.HOT] * 3 + [Tier.WARM] * 4 + [Tier.COOL] * 3
    found = [house.episode(house.lead(now=now), now=now, tier=tier).pk for tier in tiers]
    for episode in found:
        assert routing.route(episode, now=now) is None
    Rep.objects.update(is_active=True)
    return found


class TestPulling:
    def test_from_ten_gives_each_of_them_once_and_the_top_two_each_time(
        self, track: Track, house: Company, pooled: list[int], now: datetime
    ) -> None:
        for step in range(TEN // 2):
            at = now + (step + 1) * SECOND
            answers = track.race(*({"do": "pull", "by": rep.user_id, "now": at} for rep in (house.ben, house.ada)))
            assert {answer["answer"] for answer in answers} == set(pooled[2 * step : 2 * step + 2])
        assert Handoff.objects.count() == TEN
        assert [open_load(rep) for rep in (house.ben, house.ada)] == [TEN // 2] * 2

    def test_the_last_one_goes_to_one_of_them(
        self, track: Track, house: Company, pooled: list[int], now: datetime
    ) -> None:
        while routing.waits_for(house.ben.user, now=now) != 1:
            routing.take_next(house.ben.user, now=now, by=house.ben.user)
        jobs = [{"do": "pull", "by": rep.user_id, "now": now + SECOND} for rep in (house.ben, house.ada)]
        answers = track.race(*jobs)
        assert sorted(answer["answer"] or 0 for answer in answers) == [0, pooled[-1]]

    def test_one_who_asks_twice_at_once_never_passes_their_room(
        self, track: Track, house: Company, pooled: list[int], now: datetime
    ) -> None:
        for room in range(1, min(SOME, TEN)):
            Rep.objects.filter(pk=house.ben.pk).update(capacity=room)
            job = {"do": "pull", "by": house.ben.user_id, "now": now + room * SECOND}
            assert refused(track.race(job, job)) == ["cannot_pull"]
            assert open_load(house.ben) == room
