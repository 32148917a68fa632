"""CPU time: what to go by on a busy machine, of our processes and, where it can be seen, of the database's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.db import connection

TICKS: Final = 100  # of CPU time in /proc, a second


def backend() -> int:
    """The process that serves this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def seconds_of(pid: int) -> float | None:
    """CPU seconds of a process on this machine; None where that can't be seen, or it is no database's."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, _, rest = told.partition("(")[2].rpartition(")")
    fields = rest.split()
    return (int(fields[11]) + int(fields[12])) / TICKS if name.startswith("postgres") else None


def since(before: float | None, pid: int) -> float | None:
    """CPU seconds of the process since `before`; None where either can't be seen."""
    after = seconds_of(pid)
    return None if before is None or after is None else after - before


def total(parts: list[float | None]) -> float | None:
    """The sum; None if one of them is unknown, for a part would pass for the whole."""
    known = [each for each in parts if each is not None]
    return sum(known) if len(known) == len(parts) else None
