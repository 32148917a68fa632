"""The next owner's answers against one another, the clock, undo, and their leaving."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from leads.models import Stage
from scoring.models import Episode
from sla import handoffs
from sla.handoffs import UNDO_FOR
from sla.models import Handoff, Leg, Rep, State, Target
from tests.desk import Company, clock_of
from tests.races.conftest import PATIENCE, SOME, refused, routed
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

SECOND = timedelta(seconds=1)


@pytest.fixture
def eva(without_ada: Company) -> Rep:
    return without_ada.closer()


def accepted(house: Company, *, now: datetime) -> Handoff:
    return handoffs.accept(routed(house, now=now).pk, by=house.ben.user, now=now)


def to_close(house: Company, eva: Rep, *, now: datetime) -> Handoff:
    """What Ben has converted, on offer to Eva."""
    sales = accepted(house, now=now)
    handoffs.convert(sales.pk, to=eva.user, by=house.ben.user, now=now)
    return Handoff.objects.get(episode=sales.episode_id, leg=Leg.CLOSING)


class TestTheirAnswerAgainstTheClock:
    def test_yes_no_and_the_hop_at_once_end_in_one_answer(
        self, track: Track, without_ada: Company, eva: Rep, now: datetime
    ) -> None:
        ended: Counter[str] = Counter()
        for _ in range(SOME):
            leg = to_close(without_ada, eva, now=now)
            clock = clock_of(leg, Target.ACCEPT)
            late = clock.due_at + (clock.due_at - clock.started_at)
            answers = track.race(
                {"do": "accept", "handoff": leg.pk, "by": eva.user_id, "now": late},
                {"do": "give_back", "handoff": leg.pk, "by": eva.user_id, "now": late},
                {"do": "fire", "clock": clock.pk, "now": late},
            )
            leg.refresh_from_db()
            clock.refresh_from_db()
            assert refused(answers) == ["already_decided"]
            assert clock.verdict == "missed"
            assert clock.fired.filter(key="breach").count() == 1
            ended[leg.state] += 1
            open_now = Handoff.objects.open().filter(episode=leg.episode_id)
            episode = Episode.objects.select_related("lead").get(pk=leg.episode_id)
            if leg.state == State.CONVERTED:
                assert (open_now.count(), episode.closed_as, episode.lead.stage) == (0, "converted", Stage.SQL)
            else:
                assert leg.state == State.REJECTED
                assert open_now.get().user_id == without_ada.ben.user_id
                assert (episode.closed_at, episode.lead.stage) == (None, Stage.SAL)
        assert sum(ended.values()) == SOME


class TestUndoAgainstTheirAnswer:
    def test_either_nobody_was_asked_or_they_have_it(
        self, track: Track, without_ada: Company, eva: Rep, now: datetime
    ) -> None:
        at = now + UNDO_FOR
        for _ in range(SOME):
            leg = to_close(without_ada, eva, now=now)
            sales = Handoff.objects.get(episode=leg.episode_id, leg=Leg.SALES)
            answers = track.race(
                {"do": "undo", "handoff": sales.pk, "by": without_ada.ben.user_id, "now": at},
                {"do": "accept", "handoff": leg.pk, "by": eva.user_id, "now": at},
            )
            for each in (leg, sales):
                each.refresh_from_db()
            assert (refused(answers), sales.state, leg.state, leg.is_undone) in (
                (["cannot_undo"], State.CONVERTED, State.CONVERTED, False),
                (["already_decided"], State.ACCEPTED, State.WITHDRAWN, True),
            )


class TestConvertingAgainstTheirLeaving:
    def test_either_they_are_not_asked_or_it_comes_back(
        self, track: Track, without_ada: Company, now: datetime
    ) -> None:
        ben, at = without_ada.ben, now + SECOND
        for number in range(SOME):
            eva, sales = without_ada.closer(f"Eva {number}"), accepted(without_ada, now=now)
            answers = track.race(
                {"do": "convert_to", "handoff": sales.pk, "to": eva.user_id, "by": ben.user_id, "now": at},
                {"do": "leave", "rep": eva.pk, "now": at},
            )
            assert refused(answers) in ([], ["not_able_to_close"])
            held = Handoff.objects.open().get(episode=sales.episode_id)
            assert (held.user_id, held.state, held.leg) == (ben.user_id, State.ACCEPTED, Leg.SALES)
