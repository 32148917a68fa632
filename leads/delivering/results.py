"""How one sending ended, and whom it concerns: the message alone, or everything that goes the same way. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Result:
    """One conversation's end.

    `is_final`: trying again is of no use. `holds`: the relay or the endpoint failed, so nothing else is tried there
    for a while; `wait` is what it asked for. `counts`: the attempt is counted against the message. `may_have_left`:
    the message may have arrived all the same. `is_gone`: the endpoint said that it is no more.
    """

    is_sent: bool = False
    status: int | None = None
    said: str = ""
    is_final: bool = False
    holds: bool = False
    wait: timedelta | None = None
    counts: bool = True
    may_have_left: bool = False
    is_gone: bool = False


SENT = Result(is_sent=True)
