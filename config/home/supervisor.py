"""The supervisor: starts the processes of a home, brings back the one that dies, and stops them all together.

Every child stands behind a keeper (see `keeper.py`), so nothing survives the supervisor, however it ends. Children are
started from the main thread only: a parent-death signal is sent when the *thread* that forked is gone.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from config.home.keeper import LINUX, PR_SET_CHILD_SUBREAPER, descendants, prctl

KEEPER = Path(__file__).with_name("keeper.py")
LONGEST_WAIT = 10.0
HEALTHY_AFTER = 10.0
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


class Supervisor:
    """The one parent of a home's processes. Use it as a context; leaving the context stops everything.

    `inherited` are descriptors the keepers hold on to (the lock of the home: it is free when the last of them is gone).
    """

    def __init__(self, say: Callable[[str], None], inherited: Sequence[int] = ()) -> None:
        self.say = say
        self.inherited = inherited
        self.running: dict[str, Running] = {}
        self.waiting: dict[str, tuple[float, Child]] = {}
        self.failures: dict[str, int] = {}
        self.asked_to_stop = False
        self.status_of_run = 0
        self._adopts = False
        self._former: dict[signal.Signals, object] = {}
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def __enter__(self) -> Self:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        self._adopts = LINUX
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started with nohup
            self._former[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        prctl(PR_SET_CHILD_SUBREAPER, 0)
        self._adopts = False
        signal.set_wakeup_fd(-1)
        for number, former in self._former.items():
            signal.signal(number, former)  # type: ignore[arg-type]
        os.close(self._woken)
        os.close(self._wake)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_stop = True

    def start(self, child: Child, ready: Callable[[], bool] | None = None, within: float = 60.0) -> None:
        """Start a child that shall run from now on, and wait until it is `ready`.

        Raises HomeError with the child's last words if it ends instead or is not ready `within` seconds.
        """
        if child.before:
            child.before()
        process = self.running[child.name] = Running(child, self.inherited)
        deadline = time.monotonic() + within
        while ready and not ready():
            if not self._listen(0.02, only=process):
                status = self._bury(process)
                raise HomeError(f"{child.name} {how_it_ended(status)} at once.\n{last_words(child.log)}")
            if time.monotonic() > deadline:
                raise HomeError(f"{child.name} was not ready within {within:.0f} s.\n{last_words(child.log)}")

    def run(self, child: Child) -> int:
        """Run a child to its end while tending the others, and return its exit status.

        Raises Stopped when somebody asks for the end meanwhile.
        """
        process = self.running[child.name] = Running(child, self.inherited)
        while self.running.get(child.name) is process:
            self._tend(once=child.name)
            if self.asked_to_stop:
                raise Stopped
        return self.status_of_run

    def tend(self) -> None:
        """Watch over the children, bringing back what dies, until somebody asks for the end."""
        while not self.asked_to_stop:
            self._tend()

    def _tend(self, once: str = "") -> None:
        now = time.monotonic()
        for name, (when, child) in list(self.waiting.items()):
            if when <= now:
                del self.waiting[name]
                self._bring_back(child)
        soonest = min((when for when, _ in self.waiting.values()), default=None)
        gone = self._hear(None if soonest is None else max(0.0, soonest - time.monotonic()))
        for process in gone:
            child = process.child
            status = self._bury(process)
            if child.name == once:
                self.status_of_run = status
            elif not self.asked_to_stop:
                self._schedule(child, status, lived=time.monotonic() - process.started)

    def _bring_back(self, child: Child) -> None:
        try:
            self.start(child)
        except (HomeError, OSError) as failure:
            self.say(str(failure))
            self._schedule(child, None, lived=0.0)

    def _schedule(self, child: Child, status: int | None, lived: float) -> None:
        """Decide when a child that ended is started again: at once after a healthy life, else later each time."""
        failures = 0 if lived >= HEALTHY_AFTER else self.failures.get(child.name, 0) + 1
        self.failures[child.name] = failures
        delay = min(LONGEST_WAIT, 0.25 * 2 ** (failures - 1)) if failures else 0.0
        self.waiting[child.name] = (time.monotonic() + delay, child)
        if status is not None:
            where = f" Its log: {child.log}" if failures > 1 and child.log else ""
            after = f" in {delay:.1f} s" if delay >= 1 else ""
            self.say(f"{child.name} {how_it_ended(status)}; starting it again{after}.{where}")

    def _listen(self, seconds: float, only: Running) -> bool:
        """Wait a moment for news of one child; False when it is gone."""
        if self.asked_to_stop:
            raise Stopped
        readable, _, _ = select.select([only.report], [], [], seconds)
        return only.hear() if readable else True

    def _hear(self, seconds: float | None) -> list[Running]:
        """Wait for news of any child, for a signal, or for the time to pass; those that are gone."""
        reports = {process.report: process for process in self.running.values()}
        readable, _, _ = select.select([self._woken, *reports], [], [], seconds)
        if self._woken in readable:
            os.read(self._woken, 512)
        return [reports[number] for number in readable if number in reports and not reports[number].hear()]

    def stop(self) -> None:
        """Stop every child: first those that stand on others, then the foundations. Returns when all are gone."""
        self.waiting.clear()
        for foundation in (False, True):
            leaving = [process for process in self.running.values() if process.child.foundation is foundation]
            for process in leaving:
                process.let_go()
            for process in leaving:
                while process.hear():
                    pass
                self._bury(process)

    def _bury(self, process: Running) -> int:
        """Take leave of a process that is gone, and of what it left behind; its exit status, as shells count it."""
        self.running.pop(process.child.name)
        status = process.bury()
        if process.keeper.returncode < 0 and process.pid:
            keepers = {other.keeper.pid for other in self.running.values()}
            end_orphans(process.child, process.pid, keepers if self._adopts else None)
        return status
