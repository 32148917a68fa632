"""Eight workers at one line: each lead is offered once, nobody passes their room, and the weights keep their word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from django.db.models import Count

from leads.models import Team
from scoring.models import Episode, Tier
from sla import routing
from sla.handoffs import open_load
from sla.models import CapacityOverride, Desk, FairnessSpan, FairnessTurn, Handoff, Rep, RoutingRule
from tests.desk import Company, rep_in
from tests.races.conftest import FULL, PATIENCE, ROUNDS, Rounds, waiting
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

SECOND = timedelta(seconds=1)
WORKERS = 8
CLOCKS = 2  # of them
WOKEN = 5
MILLION = 1_000_000
# Episodes in line at once: those that the sweep finds, and those of which each is named to the workers by itself.
SWEPT, NAMED = (500, 100) if FULL else (40, 12)
SWEEPS, NAMINGS = max(1, ROUNDS // 1000), max(1, ROUNDS // 2000)
COUNTRIES = ("DE", "FR", "US", "AU")
ONE_IN = 20  # of those that the sweep finds is also named
WEIGHT_SETS = max(3, ROUNDS // 100)
LEADS_EACH = 24


def shares(track: Track, episodes: Iterable[int], *, times: int) -> list[list[int]]:
    """Each episode so many times, shuffled and dealt to the workers."""
    calls = [episode for episode in episodes for _ in range(times)]
    track.random.shuffle(calls)
    return [calls[worker::WORKERS] for worker in range(WORKERS)]


def make_room(track: Track, reps: list[Rep], leads: int) -> None:
    """Room for just so many more, not alike with everybody."""
    for _ in range(leads):
        track.random.choice(reps).capacity += 1
    Rep.objects.bulk_update(reps, ["capacity"])


def assert_all_are_offered_once(reps: list[Rep], episodes: int) -> None:
    assert Episode.objects.filter(phase="offered").count() == Handoff.objects.count() == episodes
    assert Handoff.objects.aggregate(different=Count("episode", distinct=True))["different"] == episodes
    assert {rep.pk: open_load(rep) for rep in reps} == {rep.pk: rep.capacity for rep in reps}
    assert not CapacityOverride.objects.exists()


class TestEightWorkers:
    def test_who_sweep_at_once_offer_each_once_and_never_beyond_capacity(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        """All of them are woken five times for the whole line, and for some of it by name, in any order.

        Six take turns, as workers do, and two ask nobody, as the sweeps of clock processes.
        """
        teams = desks_of(house)
        reps = {name: [rep_in(team, f"Rep {name} {number}") for number in range(6)] for name, team in teams.items()}
        Rep.objects.update(capacity=0)
        everyone = [rep for team in reps.values() for rep in team]
        for rep in everyone:
            rep.capacity = 0
        made, late = dict.fromkeys(range(WORKERS), 0), 0
        for number in rounds(SWEEPS):
            line = []
            for country in COUNTRIES:
                make_room(track, reps[country], SWEPT // len(COUNTRIES))
                line += waiting(house, SWEPT // len(COUNTRIES), now=now, country=country)
            jobs = []
            for worker, share in enumerate(shares(track, line[::ONE_IN], times=WOKEN)):
                wakes: list[int | None] = [*share, *[None] * WOKEN]
                track.random.shuffle(wakes)
                jobs.append({"do": "wake_up", "wakes": wakes, "in_turn": worker >= CLOCKS, "now": now + SECOND})
            offered = [answer["answer"] for answer in track.race(*jobs)]
            made = {worker: made[worker] + offered[worker] for worker in made}
            # Whom a worker could not lock in time is left to the next sweep.
            late += (left := routing.route_waiting(lambda: now + SECOND))
            assert sum(offered) + left == SWEPT
            assert_all_are_offered_once(everyone, (number + 1) * SWEPT)
        by = ", ".join(map(str, made.values()))
        rounds.tell(f"{SWEEPS * SWEPT:,} episodes, as many hand-offs; by worker {by}; left to the next sweep {late}")

    def test_woken_five_times_for_each_offer_each_once_and_never_beyond_capacity(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        reps = [house.ben, house.ada, *(rep_in(house.team, f"Rep {number}") for number in range(10))]
        for rep in reps:
            rep.capacity = 0
        for number in rounds(NAMINGS):
            make_room(track, reps, NAMED)
            line = waiting(house, NAMED, now=now)
            jobs = [{"do": "route_each", "episodes": s, "now": now + SECOND} for s in shares(track, line, times=WOKEN)]
            assert sum(answer["answer"] for answer in track.race(*jobs)) == NAMED
            assert_all_are_offered_once(reps, (number + 1) * NAMED)
        rounds.tell(f"{NAMINGS * NAMED:,} episodes, each named {WOKEN} times")


def desks_of(house: Company) -> dict[str, Team]:
    """A team for each country, by the hours of the house's."""
    calendar = Desk.objects.get(team=house.team).calendar
    teams = {}
    for position, country in enumerate(COUNTRIES):
        teams[country] = team = Team.objects.create(name=f"Desk {country}")
        Desk.objects.create(team=team, calendar=calendar)
        condition = {"field": "lead.country", "op": "is", "value": country}
        RoutingRule.objects.create(name=f"To {country}", team=team, position=position - 100, condition=condition)
    return teams


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
