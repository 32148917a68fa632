"""Turns: of each kind of work one worker at a time does all there is, and the others stay free for the other kinds.

Two at once would judge the same marks and route the same episodes, each waiting for the other's locks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

from leads.wake import AT_MOST_EVERY, wake

LONGEST: Final = 60.0  # seconds; a task that never ends would be killed in the middle


@contextmanager
def turn(kind: str) -> Iterator[bool]:
    """Whether it is our turn to do this kind of work, until the block ends; it ends with our session at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [f"baton.{kind}"])
        (ours,) = cursor.fetchone()
    try:
        yield ours
    finally:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [f"baton.{kind}"])


def work_off(kind: str, once: Callable[[], int]) -> None:
    """Call `once` until it finds nothing more to do, unless another worker is at it: then leave it to that one."""
    until = time.monotonic() + LONGEST
    while True:
        with turn(kind) as ours:
            if not ours:
                return
            while once():
                if time.monotonic() > until:
                    wake(kind)
                    return
            # A wake-up may have been withheld because one had just gone out; look once more after that time.
            time.sleep(AT_MOST_EVERY * 1.2)
            while once() and time.monotonic() < until:
                pass
        # Who was woken in the last moment of our turn has left it to us.
        if not once():
            return
