"""The track: racers in processes of their own, let go at the same moment, on several lanes at once."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from tests.processes import ROOT, environment

LATE = 0.004  # seconds; who is in which order before the database is chance, with no more than this to help it

Answers = list[dict[str, Any]]
Job = Mapping[str, Any]


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
            start_new_session=True,
        )

    def racer(self, name: str, *, without_locks: bool = False) -> Racer:
        """A new one; or one who forgets to lock what it reads."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} without-locks\n" if without_locks else f"{name}\n")
        self.process.stdin.flush()
        return Racer(self.listener.accept()[0])

    def end(self) -> None:
        """Nobody races on, nor holds a lock, whatever became of the test."""
        self.process.communicate()
        self.listener.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Racer:
    """The line to one process of `runner.py`, which keeps its connection from race to race."""

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


class Lane:
    """Some racers that start at the same moment."""

    def __init__(self, stable: Stable, name: str, *, without_locks: bool) -> None:
        self.stable, self.name, self.without_locks = stable, name, without_locks
        self.racers: list[Racer] = []

    def call(self, number: int) -> None:
        """Have so many racers at least."""
        while len(self.racers) < number:
            name = f"{self.name}-{len(self.racers) + 1}"
            self.racers.append(self.stable.racer(name, without_locks=self.without_locks))

    def race(self, jobs: Sequence[Job]) -> Answers:
        """All jobs at once; the answers in the order of the jobs."""
        self.call(len(jobs))
        racing = self.racers[: len(jobs)]
        for racer, job in zip(racing, jobs, strict=True):
            racer.say(json.dumps(job))
        for racer in racing:
            assert racer.hear() == "ready"
        for racer in racing:
            racer.say("go")
        return [json.loads(racer.hear()) for racer in racing]

    def end(self) -> None:
        for racer in self.racers:
            racer.end()


class Track:
    """Lanes of racers, now the one a little earlier, now the other; the seed decides."""

    def __init__(self, stable: Stable, *, seed: int, without_locks: bool = False) -> None:
        self.stable, self.seed, self.without_locks = stable, seed, without_locks
        self.lanes: list[Lane] = []
        self.random = random.Random(seed)

    def race(self, *jobs: Job) -> Answers:
        """All jobs at once; the answers in the order of the jobs. What no verb may raise fails the test."""
        return self._sound(jobs, self._lane(0).race([self._told(job) for job in jobs]))

    def races(self, heats: Sequence[Sequence[Job]], *, lanes: int) -> Iterator[tuple[int, Answers]]:
        """Each heat as `race` would, on so many lanes at once: heats that have nothing to do with one another.

        Yields the place of each and its answers, as they come.
        """
        told = [[self._told(job) for job in heat] for heat in heats]
        free: SimpleQueue[Lane] = SimpleQueue()
        for number in range(lanes):
            self._lane(number).call(max(map(len, told), default=0))
            free.put(self._lane(number))

        def run(heat: Sequence[Job]) -> Answers:
            lane = free.get()
            answers = lane.race(heat)
            free.put(lane)
            return answers

        with ThreadPoolExecutor(lanes) as hands:
            places = {hands.submit(run, heat): place for place, heat in enumerate(told)}
            try:
                for done in as_completed(places):
                    yield places[done], self._sound(heats[places[done]], done.result())
            finally:
                hands.shutdown(cancel_futures=True)

    def end(self) -> None:
        for lane in self.lanes:
            lane.end()

    def _lane(self, number: int) -> Lane:
        while len(self.lanes) <= number:
            self.lanes.append(Lane(self.stable, f"test-race-{len(self.lanes) + 1}", without_locks=self.without_locks))
        return self.lanes[number]

    def _told(self, job: Job) -> Job:
        late = self.random.choice([0, 0, self.random.random() * LATE])
        now = job["now"].isoformat() if job["now"] is not None else None
        return {"late": late, **job, "now": now}

    def _sound(self, jobs: Sequence[Job], answers: Answers) -> Answers:
        assert not any("error" in answer for answer in answers), (self.seed, jobs, answers)
        assert all(answer["said"] for answer in answers if "refused" in answer), (self.seed, jobs, answers)
        return answers


def at_once(answers: Answers) -> bool:
    """Whether everybody had begun before anybody was done."""
    return max(answer["began"] for answer in answers) < min(answer["ended"] for answer in answers)


def how_long(answers: Answers) -> float:
    """Seconds from the first who began to the last who was done."""
    return max(answer["ended"] for answer in answers) - min(answer["began"] for answer in answers)
