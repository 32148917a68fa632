"""Racers in processes of their own, and the house they race in."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from leads import clock
from sla import routing
from sla.models import Handoff
from tests.desk import Company, company
from tests.processes import ROOT, assert_invariants, environment

ROUNDS = int(os.environ.get("BATON_ROUNDS") or 20)
SEED = int(os.environ.get("BATON_SEED") or 7)

Answers = list[dict[str, Any]]


class Racer:
    """One process of `runner.py`."""

    def __init__(self, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.runner"],
            cwd=ROOT,
            env=environment(name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the racer is gone"
        return line.strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


class Track:
    """Lets some racers start at the same moment, now the one a little earlier, now the other."""

    def __init__(self) -> None:
        self.racers = [Racer("test-race-1"), Racer("test-race-2")]
        self.random = random.Random(SEED)

    def race(self, *jobs: dict[str, Any]) -> Answers:
        """All jobs at once; the answers in the order of the jobs. What no verb may raise fails the test."""
        while len(self.racers) < len(jobs):
            self.racers.append(Racer(f"test-race-{len(self.racers) + 1}"))
        racing = self.racers[: len(jobs)]
        for racer, job in zip(racing, jobs, strict=True):
            late = self.random.choice([0, 0, self.random.random() * 0.004])
            racer.say(json.dumps({**job, "now": job["now"].isoformat(), "late": late}))
        for racer in racing:
            assert racer.hear() == "ready"
        for racer in racing:
            racer.say("go")
        answers: Answers = [json.loads(racer.hear()) for racer in racing]
        assert not any("error" in answer for answer in answers), (SEED, jobs, answers)
        return answers

    def end(self) -> None:
        for racer in self.racers:
            racer.end()


def routed(house: Company, *, now: datetime) -> Handoff:
    """A lead on offer to Ben, by the rules."""
    handoff = routing.route(house.episode(house.lead(now=now), now=now).pk, now=now)
    assert handoff is not None
    assert handoff.user_id == house.ben.user_id
    return handoff


def refused(answers: Sequence[dict[str, Any]]) -> list[str]:
    """The codes of those who were told no."""
    return [answer["refused"] for answer in answers if "refused" in answer]


@pytest.fixture(scope="session")
def racers(django_db_setup: None) -> Iterator[Track]:
    track = Track()
    yield track
    track.end()


@pytest.fixture
def track(racers: Track, transactional_db: None) -> Iterator[Track]:
    """The track; when the race is over, nothing in the house is broken."""
    yield racers
    assert_invariants()


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def house(transactional_db: None, now: datetime) -> Company:
    house = company(now)
    for rep in (house.ben, house.ada):
        rep.capacity = 10_000
        rep.save()
    return house
