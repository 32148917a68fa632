"""What runs in shadow is written on paper by several at once: there, too, nobody gets more than they have room for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from leads.models import Team, TeamMembership
from scoring.models import Tier
from sla.models import Desk, Handoff, PaperOffer, Rep, RoutingRule
from sla.shadow import switches
from tests.desk import Company
from tests.races.conftest import PATIENCE, SOME, waiting
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

SECOND = timedelta(seconds=1)

Rounds = Callable[[int], Iterator[int]]


@pytest.fixture
def in_two_teams(without_ada: Company) -> Company:
    """Ben alone takes leads: the hot ones in a team of his second rule, the others in his first."""
    east = Team.objects.create(name="East")
    Desk.objects.create(team=east, calendar=Desk.objects.get(team=without_ada.team).calendar)
    TeamMembership.objects.create(team=east, user=without_ada.ben.user)
    hot = {"field": "episode.tier", "op": "is", "value": "hot"}
    RoutingRule.objects.create(name="Hot ones", team=east, position=-1, condition=hot)
    return without_ada


class TestOnPaper:
    def test_two_teams_at_once_give_a_rep_the_last_room_once(
        self, track: Track, in_two_teams: Company, now: datetime, rounds: Rounds
    ) -> None:
        warm = waiting(in_two_teams, now=now)
        hot = waiting(in_two_teams, now=now, tier=Tier.HOT)
        switches.begin(why="To try it", now=now, by=None)
        at = now + SECOND
        for number in rounds(SOME):
            Rep.objects.filter(pk=in_two_teams.ben.pk).update(capacity=number + 1)
            track.race(
                {"do": "route", "episode": warm[number], "now": at},
                {"do": "route", "episode": hot[number], "now": at},
            )
            assert PaperOffer.objects.count() == number + 1
            assert PaperOffer.objects.filter(matter__episode__in=(warm[number], hot[number])).count() == 1
        assert not Handoff.objects.exists()
