"""Racers in processes of their own, the house they race in, and how long they race.

`make races` runs all of it in full, ROUNDS=20000 of them; the suite a short form.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import clock
from scoring.models import Episode, Tier
from sla import routing
from sla.models import Handoff
from tests import likes
from tests.desk import Company, company
from tests.processes import assert_invariants
from tests.races.track import Stable, Track

FULL = "BATON_ROUNDS" in os.environ
ROUNDS = int(os.environ.get("BATON_ROUNDS") or 12)
SOME = max(5, ROUNDS // 100)
# In full it is another race each time; the suite's own is always the same.
SEED = int(os.environ.get("BATON_SEED") or (random.SystemRandom().randrange(10**6) if FULL else 7))
PATIENCE = 36_000 if FULL else 300
# While somebody waits for a lock, somebody else's race goes on: the machine is never idle.
LANES = (os.cpu_count() or 1) + 1 if FULL else 1
EVERY = 10.0  # seconds between two words of progress


@dataclass
class Run:
    """One race: how many rounds of it were run, how long they took, and what came of them."""

    name: str
    rounds: int = 0
    took: float = 0.0
    told: list[str] = field(default_factory=list)


RUNS: pytest.StashKey[list[Run]] = pytest.StashKey()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """After a run in full: what was raced, how often, and how quickly."""
    if not (FULL and RUNS in config.stash):
        return
    terminalreporter.section(f"races, SEED={SEED}")
    for run in config.stash[RUNS]:
        terminalreporter.line(
            f"{run.rounds:>8,} rounds {run.took:>7.0f} s {run.rounds / max(run.took, 0.1):>8.1f}/s  {run.name}"
        )
        for sentence in run.told:
            terminalreporter.line(f"{'':>38}{sentence}")


def refused(answers: Sequence[dict[str, Any]]) -> list[str]:
    """The codes of those who were told no."""
    return [answer["refused"] for answer in answers if "refused" in answer]


def routed(house: Company, *, now: datetime) -> Handoff:
    """A lead on offer to Ben, by the rules."""
    handoff = routing.route(house.episode(house.lead(now=now), now=now).pk, now=now)
    assert handoff is not None
    assert handoff.user_id == house.ben.user_id
    return handoff


def offers(house: Company, count: int = SOME, *, now: datetime, step: timedelta = likes.AT_ONCE) -> list[Handoff]:
    """So many leads that are on offer to Ben: one by the verbs, the others its likes, each `step` after the last."""
    with likes.made(count - 1, step=step):
        first = routed(house, now=now)
    found = Handoff.objects.filter(pk__gte=first.pk).select_related("episode__lead").order_by("pk")
    assert len(found) == count
    return list(found)


def waiting(house: Company, count: int = SOME, *, now: datetime, tier: str = Tier.WARM, **lead: Any) -> list[int]:
    """So many episodes that wait for a rep: one by the verbs, the others its likes."""
    with likes.made(count - 1):
        first = house.episode(house.lead(now=now, **lead), now=now, tier=tier)
    return list(Episode.objects.filter(pk__gte=first.pk).order_by("pk").values_list("pk", flat=True))


@pytest.fixture(scope="session")
def racers(django_db_setup: None) -> Iterator[Track]:
    stable = Stable()
    track = Track(stable, seed=SEED)
    yield track
    track.end()
    stable.end()


@pytest.fixture
def track(racers: Track, transactional_db: None) -> Iterator[Track]:
    """The track; when the race is over, nothing in the house is broken."""
    yield racers
    assert_invariants()


class Rounds:
    """Counts rounds: in full it says now and then how far they are, and they stand in the table at the end."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __call__(self, wanted: int) -> Iterator[int]:
        run, began = self.run, time.monotonic()
        said = began
        if FULL:
            print(f"\n{run.name}, SEED={SEED}", flush=True)
        for number in range(wanted):
            yield number
            run.rounds, run.took = number + 1, time.monotonic() - began
            if FULL and time.monotonic() - said >= EVERY:
                said = time.monotonic()
                print(f"  {run.rounds:,} of {wanted:,}, {run.rounds / run.took:.1f}/s", flush=True)

    def tell(self, sentence: str) -> None:
        """What is to stand below the race in the table."""
        self.run.told.append(sentence)


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Rounds:
    """The count of this race."""
    run = Run(request.node.nodeid.partition("races/")[2].replace(".py::", " ").replace("::", " "))
    request.config.stash.setdefault(RUNS, []).append(run)
    return Rounds(run)


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def house(transactional_db: None, now: datetime) -> Company:
    house = company(now)
    for rep in (house.ben, house.ada):
        rep.capacity = 1_000_000
        rep.save()
    return house


@pytest.fixture
def without_ada(house: Company) -> Company:
    """All leads are Ben's, since Ada takes none for now."""
    house.ada.is_active = False
    house.ada.save()
    return house
