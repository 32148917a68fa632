"""The supervisor: starts the processes of a home, brings back the one that dies, and stops them all together.

Every child stands behind a keeper (see `keeper.py`), so nothing survives the supervisor, however it ends. Children are
started from the main thread only: a parent-death signal is sent when the *thread* that forked is gone.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Self

from config.home.children import Child, HomeError, Running, Stopped, end_orphans, how_it_ended, last_words
from config.home.keeper import LINUX, PR_SET_CHILD_SUBREAPER, prctl

LONGEST_WAIT = 10.0
HEALTHY_AFTER = 10.0


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
