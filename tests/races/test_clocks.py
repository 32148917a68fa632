"""Two who accept and one clock that breaches, on one offer, within 50 ms of its due time: one of them wins.

Once as if it were that time, with every order of the three; once by the wall's clock, in real time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from django.db import connection

from leads import clock
from sla import publishing
from sla.models import Clock, Handoff, Heat, LadderStep, Target
from tests import desk
from tests.desk import Company
from tests.races.conftest import FULL, LANES, PATIENCE, ROUNDS, SEED, SOME, Rounds, offers, refused
from tests.races.track import Answers, Job, Track, at_once, how_long

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

NEAR = 50_000  # microseconds
A_FIELD = 500  # rounds that are prepared and judged together
LEAST, MOST = 0.001, 0.2  # seconds
FEW = 40
# By the wall: offers that are due one so long after the other, the first so soon after they are made.
BY_THE_WALL = SOME if not FULL else 5 * SOME
A_WHILE = 25
BUDGET = timedelta(seconds=desk.ACCEPT[Heat.WARM])
APART, SOON = timedelta(milliseconds=100), timedelta(seconds=2)

FOUND = """
SELECT handoff.id, handoff.state, handoff.accepted_at, clock.due_at, clock.met_at, clock.verdict, clock.breached_at,
    ARRAY(SELECT to_state::text FROM sla_handoffchange AS change
          WHERE change.handoff_id = handoff.id AND from_state = 'offered'),
    (SELECT by_id FROM sla_handoffchange AS change
     WHERE change.handoff_id = handoff.id AND to_state = 'accepted' ORDER BY id LIMIT 1),
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
    accepted_by: int | None
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
    """One of them has it, the others were told, and the verdict is what the timestamps say. Returns its state."""
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


class Three:
    """The rep and the manager who accept, and the clock that moves the lead on: each within 50 ms of the due time."""

    def __init__(self, house: Company, dice: random.Random) -> None:
        self.house, self.dice = house, dice
        self.rep, self.manager = house.ben.user_id, house.manager.pk

    def heat(self, clock: Clock) -> list[Job]:
        return [
            {"do": "accept", "handoff": clock.handoff_id, "by": self.rep, "now": self.near(clock)},
            {"do": "accept", "handoff": clock.handoff_id, "by": self.manager, "now": self.near(clock)},
            {"do": "fire", "clock": clock.pk, "now": self.near(clock, at_least=0), "late": self.handicap()},
        ]

    def handicap(self) -> float:
        """A rep's page asks more before it has the lead's lock than a clock does: how much, the machine decides."""
        return LEAST * (MOST / LEAST) ** self.dice.random()

    def near(self, clock: Clock, *, at_least: int = -NEAR) -> datetime:
        return clock.due_at + timedelta(microseconds=self.dice.randint(at_least, NEAR))

    def winner(self, offer: Found, said: Answers) -> str:
        if judge(offer, said) == "moved":
            return "the clock"
        return {self.rep: "the rep", self.manager: "the manager"}[offer.accepted_by or 0]


def accept_clocks(line: Sequence[Handoff]) -> list[Clock]:
    return list(Clock.objects.filter(target=Target.ACCEPT, handoff__in=line).order_by("handoff"))


class TestTwoAcceptsAndABreach:
    def test_have_one_winner_whose_verdict_is_arithmetic(
        self, track: Track, hopping: Company, now: datetime, rounds: Rounds
    ) -> None:
        three = Three(hopping, track.random)
        won: Counter[str] = Counter()
        met = together = 0
        count = rounds(ROUNDS)
        for start in range(0, ROUNDS, A_FIELD):
            clocks = accept_clocks(offers(hopping, min(A_FIELD, ROUNDS - start), now=now))
            said: dict[int, Answers] = {}
            for place, answers in track.races([three.heat(each) for each in clocks], lanes=LANES):
                said[clocks[place].handoff_id or 0] = answers
                together += at_once(answers)
                next(count)
            for offer in found(list(said)):
                won[three.winner(offer, said[offer.id])] += 1
                met += offer.verdict == "met"
        next(count, None)
        assert won.total() == ROUNDS
        rounds.tell(f"won by {shown(won)}; {met:,} met; all three at it at once in {together:,}")
        if ROUNDS >= 200:
            assert len(won) == 3, won
            assert together > ROUNDS / 2


class TestByTheWall:
    """The due times of many offers go by one after the other, and everybody acts in real time around each."""

    @pytest.fixture
    def now(self) -> datetime:
        return clock.now() - BUDGET

    def test_the_verdict_is_what_the_timestamps_say(
        self, track: Track, hopping: Company, now: datetime, rounds: Rounds
    ) -> None:
        rep = hopping.ben.user_id
        came: Counter[str] = Counter()
        near, apart, soon = 0, APART, SOON
        count = rounds(BY_THE_WALL)
        for start in range(0, BY_THE_WALL, A_WHILE):
            began = clock.now()
            line = offers(hopping, min(A_WHILE, BY_THE_WALL - start), now=began - BUDGET + soon, step=apart)
            clocks = accept_clocks(line)
            heats: list[list[Job]] = [
                [
                    {"do": "accept", "handoff": due.handoff_id, "by": rep, "now": None, "when": when(track, due)},
                    {"do": "fire_by_the_wall", "clock_id": due.pk, "now": None, "when": when(track, due, at_least=0)},
                ]
                for due in clocks
            ]
            starts_at = clock.now()
            said: dict[int, Answers] = {}
            for place, answers in track.races(heats, lanes=LANES):
                said[clocks[place].handoff_id or 0] = answers
                next(count)
            # On a slow machine the next ones are due later, and less close to one another.
            soon = max(SOON, 1.5 * (starts_at - began))
            lasts = sum(how_long(answers) for answers in said.values()) / len(said)
            apart = max(APART, timedelta(seconds=1.5 * lasts / LANES))
            for offer in found(list(said)):
                asked = datetime.fromisoformat(said[offer.id][0]["at"])
                near += abs((asked - offer.due_at) / timedelta(microseconds=1)) <= NEAR
                state = judge(offer, said[offer.id])
                came[f"accepted and {offer.verdict}" if state == "accepted" else state] += 1
                if state == "accepted":
                    assert offer.accepted_at == max(asked, offer.breached_at or now)
        next(count, None)
        rounds.tell(f"{shown(came)}; asked within {NEAR // 1000} ms of the due time: {near:,}")


def when(track: Track, due: Clock, *, at_least: int = -NEAR) -> float:
    """A moment of the wall's clock close to the due time."""
    return due.due_at.timestamp() + track.random.uniform(at_least, NEAR) / 1e6


class TestWithoutLocks:
    """Racers who lock nothing: had Baton forgotten its locks, these races would tell."""

    def test_a_race_is_seen_to_be_lost_within_a_few_rounds(
        self, racers: Track, hopping: Company, now: datetime, rounds: Rounds
    ) -> None:
        track = Track(racers.stable, seed=SEED, without_locks=True)
        three = Three(hopping, track.random)
        try:
            for number, each in zip(rounds(FEW), accept_clocks(offers(hopping, FEW, now=now)), strict=False):
                try:
                    said = track.race(*three.heat(each))
                    judge(*found([each.handoff_id or 0]), said)
                except AssertionError:
                    rounds.tell(f"without locks, round {number + 1} is seen to be lost")
                    return
            pytest.fail(f"In {FEW} rounds without a lock nobody noticed.")
        finally:
            track.end()


def shown(counted: Counter[str]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in sorted(counted.items()))
