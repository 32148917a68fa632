"""Two who accept and one clock that breaches, on one offer, within 50 ms of its due time: one of them wins.

BATON_ROUNDS=20000 runs it in full; the seed of a failure is printed.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pytest

from leads.models import Outcome
from sla import publishing
from sla.models import Clock, Handoff, HandoffChange, LadderStep, Target
from tests.desk import Company, clock_of
from tests.races.conftest import ROUNDS, Track, refused, routed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 if "BATON_ROUNDS" not in os.environ else 36_000)]

NEAR = 50_000  # microseconds


@pytest.fixture
def hopping(house: Company, now: datetime) -> Company:
    """A house in which a lead moves on in the moment of the breach; all are Ben's, since Ada takes none for now."""
    version = publishing.draft_policy(house.policy.policy)
    version.steps.all().delete()
    LadderStep.objects.create(version=version, target=Target.ACCEPT, share=100, action=LadderStep.Action.HOP)
    publishing.publish_policy(version, now=now, by=None)
    house.ada.is_active = False
    house.ada.save()
    return house


class TestTwoAcceptsAndABreach:
    def test_have_one_winner_whose_verdict_is_arithmetic(self, track: Track, hopping: Company, now: datetime) -> None:
        won = {"accepted": 0, "moved": 0}
        for _ in range(ROUNDS):
            handoff = routed(hopping, now=now)
            won[self.race(track, hopping, handoff)] += 1
        if ROUNDS >= 200:
            assert min(won.values()) > 0, won

    def race(self, track: Track, house: Company, handoff: Handoff) -> str:
        clock = clock_of(handoff, Target.ACCEPT)

        def near(at_least: int = -NEAR) -> datetime:
            return clock.due_at + timedelta(microseconds=track.random.randint(at_least, NEAR))

        said = track.race(
            {"do": "accept", "handoff": handoff.pk, "by": house.ben.user_id, "now": near()},
            {"do": "accept", "handoff": handoff.pk, "by": house.manager.pk, "now": near()},
            {"do": "fire", "clock": clock.pk, "now": near(0)},
        )
        handoff.refresh_from_db()
        clock.refresh_from_db()
        left = list(HandoffChange.objects.filter(handoff=handoff, from_state="offered"))
        accepted = Outcome.objects.filter(matter=handoff.episode.public_id, kind="accepted").count()
        breaches = clock.fired.filter(key="breach").count()
        assert [change.to_state for change in left] == [handoff.state], said
        if handoff.state == "accepted":
            assert refused(said) == []
            assert (accepted, clock.met_at) == (1, handoff.accepted_at)
            assert clock.verdict == ("met" if handoff.accepted_at <= clock.due_at else "missed")
            assert breaches == (clock.verdict == "missed")
        else:
            assert (handoff.state, refused(said)) == ("moved", ["already_decided"] * 2)
            assert (accepted, clock.verdict, clock.met_at, breaches) == (0, "missed", None, 1)
            assert clock.fired.filter(step__action="hop").count() == 1
        assert not Clock.objects.filter(handoff=handoff, target=Target.ACCEPT, verdict="").exists()
        return str(handoff.state)
