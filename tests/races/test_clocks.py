"""Two who accept and one clock that breaches, on one offer, within 50 ms of its due time: one of them wins.

Once as if it were that time, with every order of the three; once by the wall's clock, in real time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection

from leads import clock
from sla import publishing
from sla.models import Clock, Heat, LadderStep, Target
from tests import desk
from tests.desk import Company
from tests.races.conftest import FULL, PATIENCE, ROUNDS, SOME, Answers, Track, offers, refused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

NEAR = 50_000  # microseconds
A_FIELD = 500  # rounds that are prepared and judged together
APART = timedelta(milliseconds=120)

FOUND = """
SELECT handoff.id, handoff.state, handoff.accepted_at, clock.due_at, clock.met_at, clock.verdict, clock.breached_at,
    ARRAY(SELECT to_state::text FROM sla_handoffchange AS change
          WHERE change.handoff_id = handoff.id AND from_state = 'offered'),
    (SELECT count(*) FROM leads_outcome AS outcome WHERE outcome.matter = episode.public_id AND kind = 'accepted'),
    (SELECT count(*) FROM sla_clockstep AS step WHERE step.clock_id = clock.id AND key = 'breach'),
    (SELECT count(*) FROM sla_clockstep AS step JOIN sla_ladderstep AS rung ON rung.id = step.step_id
     WHERE step.clock_id = clock.id AND rung.action = 'hop')
FROM sla_handoff AS handoff JOIN scoring_episode AS episode ON episode.id = handoff.episode_id
JOIN sla_clock AS clock ON clock.handoff_id = handoff.id AND clock.target = 'accept'
WHERE handoff.id = ANY(%s) ORDER BY handoff.id
"""


class Found(NamedTuple):
    """What became of one offer."""

    id: int
    state: str
    accepted_at: datetime | None
    due_at: datetime
    met_at: datetime | None
    verdict: str
    breached_at: datetime | None
    left_as: list[str]
    accepted: int
    breaches: int
    hops: int


def found(handoffs: list[int]) -> list[Found]:
    with connection.cursor() as cursor:
        cursor.execute(FOUND, [handoffs])
        return [Found(*row) for row in cursor.fetchall()]


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


def judge(offer: Found, said: Answers) -> str:
    """One of them has it, the others were told, and the verdict is what the timestamps say."""
    assert offer.left_as == [offer.state], said
    assert offer.met_at == offer.accepted_at
    if offer.accepted_at is not None:
        assert (offer.state, refused(said), offer.accepted, offer.hops) == ("accepted", [], 1, 0), said
        assert offer.verdict == ("met" if offer.accepted_at <= offer.due_at else "missed")
        assert offer.breaches == (offer.verdict == "missed")
    else:
        assert (offer.state, offer.accepted, offer.verdict, offer.breaches) == ("moved", 0, "missed", 1), said
        assert set(refused(said)) == {"already_decided"}
        assert (offer.hops, offer.breached_at) == (1, offer.due_at)
    return offer.state


class TestTwoAcceptsAndABreach:
    def test_have_one_winner_whose_verdict_is_arithmetic(
        self, track: Track, hopping: Company, now: datetime, rounds: Callable[[int], Iterator[int]]
    ) -> None:
        said: dict[int, Answers] = {}
        won = {"accepted": 0, "moved": 0}
        line: list[Any] = []
        for number in rounds(ROUNDS):
            if not line:
                line = offers(hopping, min(A_FIELD, ROUNDS - number), now=now)
                due = dict(Clock.objects.filter(target=Target.ACCEPT).values_list("handoff", "due_at"))
                clocks = dict(Clock.objects.filter(target=Target.ACCEPT).values_list("handoff", "pk"))
            pk = line.pop().pk

            def near(due_at: datetime, at_least: int = -NEAR) -> datetime:
                return due_at + timedelta(microseconds=track.random.randint(at_least, NEAR))

            said[pk] = track.race(
                {"do": "accept", "handoff": pk, "by": hopping.ben.user_id, "now": near(due[pk])},
                {"do": "accept", "handoff": pk, "by": hopping.manager.pk, "now": near(due[pk])},
                {"do": "fire", "clock": clocks[pk], "now": near(due[pk], 0)},
            )
            if not line:
                for offer in found(list(said)):
                    won[judge(offer, said[offer.id])] += 1
                said.clear()
        assert sum(won.values()) == ROUNDS
        if ROUNDS >= 200:
            assert min(won.values()) > 0, won


class TestByTheWall:
    """The due times of many offers go by one after the other, and everybody acts in real time around each."""

    @pytest.fixture
    def now(self) -> datetime:
        return clock.now() - timedelta(seconds=desk.ACCEPT[Heat.WARM] - 2)

    def test_the_verdict_is_what_the_timestamps_say(
        self, track: Track, hopping: Company, now: datetime, rounds: Callable[[int], Iterator[int]]
    ) -> None:
        line = offers(hopping, SOME if not FULL else 5 * SOME, now=now, step=APART)
        clocks = {each.handoff_id: each for each in Clock.objects.filter(target=Target.ACCEPT)}
        said: dict[int, Answers] = {}
        for number in rounds(len(line)):
            due = clocks[line[number].pk]

            def near(at_least: float, due_at: datetime = due.due_at) -> float:
                return due_at.timestamp() + track.random.uniform(at_least, NEAR) / 1e6

            said[line[number].pk] = track.race(
                {
                    "do": "accept",
                    "handoff": due.handoff_id,
                    "by": hopping.ben.user_id,
                    "now": None,
                    "when": near(-NEAR),
                },
                {"do": "fire_by_the_wall", "clock_id": due.pk, "now": None, "when": near(0)},
            )
        for offer in found(list(said)):
            asked = said[offer.id][0]
            if judge(offer, said[offer.id]) == "accepted":
                assert offer.accepted_at == max(datetime.fromisoformat(asked["at"]), offer.breached_at or now)
