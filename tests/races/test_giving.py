"""A manager gives a waiting lead to somebody while others are at it: it is offered once, and who was late is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from sla import routing
from sla.models import Handoff, Rep, RoutingRule
from tests.desk import Company
from tests.races.conftest import PATIENCE, SOME, refused, waiting
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

SECOND = timedelta(seconds=1)

Rounds = Callable[[int], Iterator[int]]


class TestGiving:
    def test_against_the_sweep_offers_it_once(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        line = waiting(house, now=now)
        for number in rounds(SOME):
            answers = track.race(
                self.job(house, line[number], now),
                {"do": "route", "episode": line[number], "now": now + SECOND},
            )
            made = Handoff.objects.get(episode=line[number])
            assert refused(answers) == (["cannot_give"] if answers[1]["answer"] else [])
            assert made.trace.trace["why"] == ("round robin" if answers[1]["answer"] else "by hand")

    def test_to_two_at_once_gives_it_to_one(self, track: Track, house: Company, now: datetime, rounds: Rounds) -> None:
        line = waiting(house, now=now)
        for number in rounds(SOME):
            other = self.job(house, line[number], now) | {"rep": house.ben.user_id}
            answers = track.race(self.job(house, line[number], now), other)
            assert refused(answers) == ["cannot_give"]
            assert Handoff.objects.get(episode=line[number]).user_id in [each.get("answer") for each in answers]

    def test_against_a_pull_offers_it_once(self, track: Track, house: Company, now: datetime, rounds: Rounds) -> None:
        """Ben asks for the next one, which is the one that the manager gives to Ada."""
        left = self.pooled(house, now=now)
        for _ in rounds(SOME // 2):
            first, second = left[:2]
            answers = track.race(
                self.job(house, first, now), {"do": "pull", "by": house.ben.user_id, "now": now + SECOND}
            )
            pulled = answers[1]["answer"]
            assert refused(answers) == (["cannot_give"] if pulled == first else [])
            assert pulled in (first, second)
            assert Handoff.objects.filter(episode=first).count() == 1
            left = [each for each in left if each not in (first, pulled)]

    def job(self, house: Company, episode: int, now: datetime) -> dict[str, object]:
        by = house.manager.pk
        return {"do": "give", "episode": episode, "rep": house.ada.user_id, "by": by, "now": now + SECOND}

    def pooled(self, house: Company, *, now: datetime) -> list[int]:
        """In the pool, as they stand in line."""
        RoutingRule.objects.update(if_nobody=RoutingRule.IfNobody.POOL)
        Rep.objects.update(is_active=False)
        line = waiting(house, now=now)
        for episode in line:
            assert routing.route(episode, now=now) is None
        Rep.objects.update(is_active=True)
        return line
