"""Several processes at the same work: they start, wait for the word, and what they took is counted from there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection

Part = TypeVar("Part")


def at_once(command: list[str], processes: int) -> tuple[list[Any], float]:
    """What each process of this `manage.py` command says at its end, and how many seconds all of them took."""
    whole = [sys.executable, str(settings.BASE_DIR / "manage.py"), *command]
    children: list[Any] = [
        subprocess.Popen(whole, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own)
        for _ in range(processes)
    ]
    for child in children:
        if child.stdout.readline().strip() != "ready":
            raise RuntimeError("A process of the measurement did not start.")
    began = time.perf_counter()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    said = [json.loads(child.stdout.readline()) for child in children]
    took = time.perf_counter() - began
    for child in children:
        child.communicate()
    return said, took


def in_threads(parts: list[Part], work: Callable[[Part], None]) -> float:
    """How many seconds this work takes on all parts, each in a thread with a connection of its own."""

    def run(part: Part) -> None:
        try:
            work(part)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(part,)) for part in parts]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began
