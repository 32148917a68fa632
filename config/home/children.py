"""One process of a home: what it is, one start of it behind a keeper, its log, and what it may leave behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.home.keeper import descendants

KEEPER = Path(__file__).with_name("keeper.py")
GRACE_ALONE = 1.0
LOG_LIMIT = 5_000_000


class HomeError(Exception):
    """Something at home cannot work; the message is a sentence for the person at the terminal."""


class Stopped(Exception):
    """Somebody asked for the end while something was still being prepared."""


@dataclass(frozen=True)
class Child:
    """A process to run: its command, how it is asked to stop and how many seconds it gets for that.

    `identity` is `plain`, `namespace` or `uid:gid` (see `keeper.become`). `foundation` children are stopped last,
    because the others stand on them. `before` is called before every start. Without a `log` the child writes where the
    supervisor does; `output` is a file for its standard output alone.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = field(default_factory=Path.cwd)
    log: Path | None = None
    output: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 5.0
    identity: str = "plain"
    foundation: bool = False
    before: Callable[[], None] | None = None


def how_it_ended(status: int) -> str:
    """An exit status as shells count it, in words."""
    if status > 128:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(status - 128).name}"
    return f"ended with status {status}"


class Running:
    """One start of a child: its keeper, the pipe that keeps it alive, and the pipe that reports on it."""

    def __init__(self, child: Child, inherited: Sequence[int]) -> None:
        self.child = child
        self.started = time.monotonic()
        self.pid: int | None = None
        lifeline, self.lifeline = os.pipe()
        self.report, report = os.pipe()
        order = {
            "command": list(child.command),
            "directory": str(child.directory),
            "identity": child.identity,
            "stop_signal": int(child.stop_signal),
            "supervisor": os.getpid(),
            "grace": child.grace,
            "grace_alone": child.grace if child.foundation else min(child.grace, GRACE_ALONE),
            "report": report,
            "inherited": [report, *inherited],
        }
        log = open_log(child.log) if child.log else None
        output = os.open(child.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if child.output else None
        try:
            self.keeper = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", str(KEEPER), json.dumps(order)],
                stdin=lifeline,
                stdout=log if output is None else output,
                stderr=log,
                env={**os.environ, **child.environment},
                pass_fds=[report, *inherited],
                start_new_session=True,
            )
        finally:
            for number in (lifeline, report, log, output):
                if number is not None:
                    os.close(number)

    def hear(self) -> bool:
        """Read what the keeper reports; False once it is gone."""
        told = os.read(self.report, 64)
        if told:
            self.pid = int(told)
        return bool(told)

    def let_go(self) -> None:
        """Ask for the end, by letting go of the pipe that keeps the child alive."""
        if self.lifeline >= 0:
            os.close(self.lifeline)
            self.lifeline = -1

    def bury(self) -> int:
        """Wait for the keeper and return the child's exit status, as shells count it."""
        self.let_go()
        os.close(self.report)
        status = self.keeper.wait()
        return 128 - status if status < 0 else status


def open_log(path: Path) -> int:
    """A log to append to; one that has grown too long is put aside first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT:
            path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def last_words(log: Path | None, lines: int = 15) -> str:
    """The end of a log, for a message about what went wrong."""
    if log is None or not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def end_orphans(child: Child, group: int, keepers: set[int] | None) -> None:
    """End what a killed keeper left behind: its child was told to stop by its death, the rest learns it here.

    With `keepers`, those still at work, we are the reaper of orphans, so whoever else is below us is one of them,
    whatever session it is in; without, the child's group has to do.
    """
    deadline = time.monotonic() + child.grace
    while True:
        left = [] if keepers is None else descendants(os.getpid(), without=keepers)
        late = time.monotonic() > deadline
        number = signal.SIGKILL if late else child.stop_signal
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            if not left:
                return
            number = signal.SIGKILL
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        for pid in {group, *left}:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if late and not left:
            return
        time.sleep(0.05)


def complete(child: Child) -> int:
    """Run a child to its end, and return its exit status."""
    process = Running(child, ())
    while process.hear():
        pass
    return process.bury()
