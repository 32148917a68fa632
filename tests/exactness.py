"""Is the engine of working time exact? In full, for anyone: `make exactness`.

The engine against the definition, minute by minute, around every change of offset from 2024 to 2030 in twenty zones and
around the date Apia left out; then a million deadlines, each counted back. Every core takes its share. Prints the seed,
what was compared and what differed; ends with 1 if anything did. `SEED=… WINDOWS=… DUES=…` choose another run.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterable
from concurrent.futures import Executor, ProcessPoolExecutor

from tests.sla.worktime_cases import BEGIN, END, ZONES, compare, inverse_fails, random_hours, windows
from tests.sla.worktime_oracle import changes

SHOWN = 5
CALENDARS, PER_SHARE = 20, 10_000  # deadlines asked of so many calendars

Share = tuple[int, list[str]]  # how many were compared, and what is wrong with those that differ


def main() -> int:
    seed, cores = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6)), os.cpu_count()
    print(f"seed {seed}, {cores} processes", flush=True)
    found = 0
    with ProcessPoolExecutor(cores) as pool:
        if wanted := asked("WINDOWS", 5_000):
            found += against_the_oracle(pool, seed, wanted)
        if wanted := asked("DUES", 1_000_000):
            found += counting_back(pool, seed, wanted)
    return 1 if found else 0


def asked(name: str, given: int) -> int:
    """The size of a run: 0 leaves it out."""
    return int(os.environ.get(name) or given)


def against_the_oracle(pool: Executor, seed: int, wanted: int) -> int:
    """At least so many windows: rounds over every change of offset, and some ordinary days, in every zone."""
    begun = time.monotonic()
    rounds = -(-wanted // sum(len(windows(random.Random(seed), zone)) for zone in ZONES))
    compared, found = gather(pool.map(one_round, (f"{seed} round {number}" for number in range(rounds))), "windows")
    known = sum(len(changes(zone, BEGIN, END)) for zone in ZONES)
    print(
        f"{compared} windows in {len(ZONES)} zones, each of {known} changes of offset and the date Apia left out "
        f"{rounds} times: {found} mismatches, {time.monotonic() - begun:.0f} s",
        flush=True,
    )
    return found


def one_round(seed: str) -> Share:
    """Every change of offset of every zone, once."""
    rng, compared, wrong = random.Random(seed), 0, []
    for zone in ZONES:
        for around in windows(rng, zone):
            compared += 1
            try:
                compare(rng, zone, around)
            except AssertionError as difference:
                wrong.append(f"{zone}, {around}: {str(difference)[:600]}")
    return compared, wrong


def counting_back(pool: Executor, seed: int, wanted: int) -> int:
    """Deadlines whose elapsed time is the budget, and less than it a second before."""
    begun = time.monotonic()
    firsts = range(0, wanted, PER_SHARE)
    seeds, sizes = (f"{seed} from {first}" for first in firsts), (min(PER_SHARE, wanted - first) for first in firsts)
    compared, found = gather(pool.map(one_share, seeds, sizes), "deadlines")
    print(f"{compared} deadlines counted back: {found} mismatches, {time.monotonic() - begun:.0f} s", flush=True)
    return found


def one_share(seed: str, size: int) -> Share:
    """So many deadlines of twenty calendars."""
    rng = random.Random(seed)
    calendars = [random_hours(rng) for _ in range(CALENDARS)]
    told = (inverse_fails(rng, rng.choice(calendars)) for _ in range(size))
    return size, [wrong for wrong in told if wrong is not None]


def gather(shares: Iterable[Share], what: str) -> tuple[int, int]:
    """How many were compared and how many differ; the first of these are shown, and how far it is now and then."""
    compared = found = 0
    for number, (size, wrong) in enumerate(shares, 1):
        for sentence in wrong[: max(0, SHOWN - found)]:
            print(f"  {sentence}", flush=True)
        compared, found = compared + size, found + len(wrong)
        if number % 10 == 0:
            print(f"  {compared} {what} so far, {found} mismatches", flush=True)
    return compared, found


if __name__ == "__main__":
    sys.exit(main())
