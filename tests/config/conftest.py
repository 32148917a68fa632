"""Real processes for the tests of the home: families of children with a mark on them, and a supervisor to kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent

HOUSE = """
import json, sys
from pathlib import Path
from config.home.children import Child
from config.home.supervisor import Supervisor
with Supervisor(lambda sentence: print(sentence, flush=True)) as supervisor:
    for child in json.loads(sys.argv[1]):
        supervisor.start(Child(**child, directory=Path("/")))
    print("up", flush=True)
    supervisor.tend()
"""

# A child with a son in its own session and a daughter in the child's group, all deaf to SIGTERM. The first argument is
# the mark by which tests find them.
FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
elif os.fork() == 0:
    pass
time.sleep(300)
"""


def eventually(condition: Callable[[], Any], within: float = 60.0) -> Any:
    """Ask again until the answer is true, and return it; fail when the time is over."""
    deadline = time.monotonic() + within
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"this did not come true within {within} s"
        time.sleep(0.02)
    return answer


def marked(mark: str) -> dict[int, str]:
    """Living processes with a mark in their command, zombies left out: {pid: command}."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark in command and state not in "ZX" and int(process.name) != os.getpid():
            found[int(process.name)] = command
    return found


class House:
    """A supervisor in a process of its own."""

    def __init__(self) -> None:
        self.mark = f"mark-{uuid.uuid4().hex}"
        self.said: list[str] = []

    def open(self, *children: dict[str, Any]) -> None:
        """Start it with these children and wait until all are started."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOUSE, json.dumps(children)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        )
        self.hear("up")

    def hear(self, words: str) -> None:
        """Wait until it has said this."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line.strip())
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}, only {self.said}")

    def family(self, name: str, **details: Any) -> dict[str, Any]:
        """A child that has children of its own."""
        return {"name": name, "command": [sys.executable, "-c", FAMILY, f"{self.mark}-{name}"], "grace": 0.5, **details}

    def members(self, name: str = "") -> set[int]:
        """Who of the families lives; keepers are not among them."""
        return {
            pid for pid, told in marked(f"{self.mark}-{name}").items() if "keeper.py" not in told and HOUSE not in told
        }

    def keepers(self) -> set[int]:
        return {pid for pid, told in marked(self.mark).items() if "keeper.py" in told}

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()
    try:
        eventually(lambda: not marked(house.mark))
    finally:
        for pid in marked(house.mark):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home with a path short enough for a socket."""
    from config.home import lodging

    home = Path(tempfile.mkdtemp(prefix="baton-home-"))
    yield home
    lodging.forget(home)
    shutil.rmtree(home)
