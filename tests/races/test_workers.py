"""Eight workers at one line: each lead is offered once, nobody passes their room, and the weights keep their word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from django.db.models import F

from scoring.models import Tier
from sla.handoffs import open_load
from sla.models import CapacityOverride, FairnessSpan, FairnessTurn, Handoff, Rep
from tests.desk import Company, rep_in
from tests.races.conftest import FULL, PATIENCE, ROUNDS, Track, waiting

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

Rounds = Callable[[int], Iterator[int]]

SECOND = timedelta(seconds=1)
WORKERS = 8
WOKEN = 5
MILLION = 1_000_000
A_FIELD = 100 if FULL else 40  # episodes in line at once
FIELDS = max(1, ROUNDS // 200)
WEIGHT_SETS = max(3, ROUNDS // 100)
LEADS_EACH = 24


def shares(track: Track, episodes: Iterable[int], *, times: int) -> list[list[int]]:
    """Each episode so many times, shuffled and dealt to the workers."""
    calls = [episode for episode in episodes for _ in range(times)]
    track.random.shuffle(calls)
    return [calls[worker::WORKERS] for worker in range(WORKERS)]


class TestEightWorkers:
    def test_woken_five_times_for_each_offer_each_once_and_never_beyond_capacity(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        """There is room for just as many as are in line, not alike with everybody."""
        reps = [house.ben, house.ada, *(rep_in(house.team, f"Rep {number}") for number in range(10))]
        Rep.objects.update(capacity=0)
        for number in rounds(FIELDS):
            room = [track.random.random() for _ in reps]
            for rep, part in zip(reps, room, strict=True):
                Rep.objects.filter(pk=rep.pk).update(capacity=F("capacity") + int(part / sum(room) * A_FIELD))
            spare = (number + 1) * A_FIELD - sum(Rep.objects.values_list("capacity", flat=True))
            Rep.objects.filter(pk=house.ben.pk).update(capacity=F("capacity") + spare)
            line = waiting(house, A_FIELD, now=now)
            answers = track.race(
                *(
                    {"do": "route_each", "episodes": share, "now": now + SECOND}
                    for share in shares(track, line, times=WOKEN)
                )
            )
            assert sum(answer["answer"] for answer in answers) == A_FIELD
            assert Handoff.objects.filter(episode__in=line).count() == A_FIELD
            assert all(open_load(rep) == rep.capacity for rep in Rep.objects.all())
        assert Handoff.objects.count() == FIELDS * A_FIELD
        assert not CapacityOverride.objects.exists()


class TestFairness:
    def test_holds_for_random_weights_whatever_the_order_of_the_writers(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        reps = [house.ben, house.ada, *(rep_in(house.team, f"Rep {number}", capacity=MILLION) for number in range(6))]
        for _ in rounds(WEIGHT_SETS):
            for rep in reps:
                room = MILLION if track.random.random() < 0.8 or rep is house.ben else 0
                Rep.objects.filter(pk=rep.pk).update(weight=track.random.randint(1, 12), capacity=room)
            line = [
                episode
                for tier in (Tier.WARM, Tier.COOL)
                for episode in waiting(house, LEADS_EACH // 2, now=now, tier=tier)
            ]
            jobs = [{"do": "route_each", "episodes": s, "now": now + SECOND} for s in shares(track, line, times=1)]
            assert sum(answer["answer"] for answer in track.race(*jobs)) == LEADS_EACH
        assert Handoff.objects.count() == FairnessTurn.objects.count() == WEIGHT_SETS * LEADS_EACH
        assert count_with_pencil_and_paper() >= WEIGHT_SETS * LEADS_EACH


def count_with_pencil_and_paper() -> int:
    """Nobody is a whole lead from their quota at any moment, counted turn by turn from the ledger; how many prefixes.

    The quota is what was carried into the span, and weight/total of each lead since. Turns stand in the order in which
    they were committed, which is that of their keys.
    """
    turns = defaultdict(list)
    for turn in FairnessTurn.objects.order_by("pk").select_related("handoff", "rep"):
        assert (turn.rep.user_id, turn.at) == (turn.handoff.user_id, turn.handoff.offered_at)
        turns[turn.span_id].append(turn)
    counted = 0
    for span in FairnessSpan.objects.order_by("pool", "number"):
        total, given = sum(span.weights.values()), dict.fromkeys(span.weights, 0)
        assert sum(span.carry.values()) == 0
        for number, turn in enumerate(turns[span.pk], 1):
            assert turn.number == number
            given[str(turn.rep_id)] += 1
            for who, weight in span.weights.items():
                quota = Fraction(span.carry[who], MILLION) + Fraction(number * weight, total)
                assert abs(given[who] - quota) < 1, (
                    f"{span}, after turn {number}: rep {who} has {given[who]} of {quota}"
                )
            counted += 1
    return counted
