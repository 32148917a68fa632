"""Racers in processes of their own, the house they race in, and how long they race.

`make races` runs all of it in full, ROUNDS=20000 of them; the suite a short form.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import clock
from scoring.models import Episode, Tier
from sla import routing
from sla.models import Handoff
from tests import likes
from tests.desk import Company, company
from tests.processes import ROOT, assert_invariants, environment

FULL = "BATON_ROUNDS" in os.environ
ROUNDS = int(os.environ.get("BATON_ROUNDS") or 12)
SOME = max(5, ROUNDS // 100)
# In full it is another race each time; the suite's own is always the same.
SEED = int(os.environ.get("BATON_SEED") or (random.SystemRandom().randrange(10**6) if FULL else 7))
PATIENCE = 36_000 if FULL else 300
EVERY = 10.0  # seconds between two words of progress

Answers = list[dict[str, Any]]


@dataclass
class Run:
    """One race: how many rounds of it were run, and how long they took."""

    name: str
    rounds: int
    took: float


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


class Stable:
    """Forks a racer whenever one is wanted."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.runner", str(port)],
            cwd=ROOT,
            env=environment("test-races"),
            stdin=subprocess.PIPE,
            text=True,
        )

    def racer(self, name: str) -> Racer:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        return Racer(self.listener.accept()[0])

    def end(self) -> None:
        self.process.communicate()
        self.listener.close()


class Racer:
    """The line to one process of `runner.py`."""

    def __init__(self, line: socket.socket) -> None:
        self.line, self.file = line, line.makefile("rw")

    def say(self, word: str) -> None:
        self.file.write(f"{word}\n")
        self.file.flush()

    def hear(self) -> str:
        said = self.file.readline()
        assert said, "the racer is gone"
        return said.strip()

    def end(self) -> None:
        self.file.close()
        self.line.close()


class Track:
    """Lets some racers start at the same moment, now the one a little earlier, now the other."""

    def __init__(self, stable: Stable) -> None:
        self.stable, self.racers = stable, [stable.racer("test-race-1"), stable.racer("test-race-2")]
        self.random = random.Random(SEED)

    def race(self, *jobs: dict[str, Any]) -> Answers:
        """All jobs at once; the answers in the order of the jobs. What no verb may raise fails the test."""
        while len(self.racers) < len(jobs):
            self.racers.append(self.stable.racer(f"test-race-{len(self.racers) + 1}"))
        racing = self.racers[: len(jobs)]
        for racer, job in zip(racing, jobs, strict=True):
            late = self.random.choice([0, 0, self.random.random() * 0.004])
            now = job["now"].isoformat() if job["now"] is not None else None
            racer.say(json.dumps({**job, "now": now, "late": late}))
        for racer in racing:
            assert racer.hear() == "ready"
        for racer in racing:
            racer.say("go")
        answers: Answers = [json.loads(racer.hear()) for racer in racing]
        assert not any("error" in answer for answer in answers), (SEED, jobs, answers)
        assert all(answer["said"] for answer in answers if "refused" in answer), (SEED, jobs, answers)
        return answers

    def end(self) -> None:
        for racer in self.racers:
            racer.end()


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
    track = Track(stable)
    yield track
    track.end()
    stable.end()


@pytest.fixture
def track(racers: Track, transactional_db: None) -> Iterator[Track]:
    """The track; when the race is over, nothing in the house is broken."""
    yield racers
    assert_invariants()


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int], Iterator[int]]:
    """Counts rounds: in full it says now and then how far they are, and they stand in the table at the end."""

    def count(wanted: int) -> Iterator[int]:
        began = said = time.monotonic()
        run = Run(request.node.nodeid.partition("races/")[2].replace(".py::", " ").replace("::", " "), 0, 0.0)
        request.config.stash.setdefault(RUNS, []).append(run)
        if FULL:
            print(f"\n{run.name}, SEED={SEED}", flush=True)
        for number in range(wanted):
            yield number
            run.rounds, run.took = number + 1, time.monotonic() - began
            if FULL and time.monotonic() - said >= EVERY:
                said = time.monotonic()
                print(f"  {run.rounds:,} of {wanted:,}, {run.rounds / run.took:.1f}/s", flush=True)

    return count


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
