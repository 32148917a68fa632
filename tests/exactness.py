"""Is the engine of working time exact? In full, for anyone: `make exactness`.

The engine against the definition, minute by minute, around every change of offset from 2024 to 2030 in twenty zones and
around the date Apia left out; then a million deadlines, each counted back. Prints the seed, what was compared and what
differed; ends with 1 if anything did. `SEED=… WINDOWS=… DUES=…` choose another run.
"""

from __future__ import annotations

import os
import random
import sys
import time

from tests.sla.worktime_cases import BEGIN, END, ZONES, compare, inverse_fails, random_hours, windows
from tests.sla.worktime_oracle import changes

SHOWN = 5
PER_SET = 10_000  # deadlines asked of twenty calendars before the next twenty


def main() -> int:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}", flush=True)
    found = 0
    if wanted := int(os.environ.get("WINDOWS") or 5_000):
        found += against_the_oracle(seed, wanted)
    if wanted := int(os.environ.get("DUES") or 1_000_000):
        found += counting_back(seed, wanted)
    return 1 if found else 0


def against_the_oracle(seed: int, wanted: int) -> int:
    """At least so many windows: rounds over every change of offset, and some ordinary days, in every zone."""
    begun, rng = time.monotonic(), random.Random(seed)
    compared = rounds = found = 0
    while compared < wanted:
        rounds += 1
        for zone in ZONES:
            for around in windows(rng, zone):
                compared += 1
                try:
                    compare(rng, zone, around)
                except AssertionError as difference:
                    found += 1
                    if found <= SHOWN:
                        print(f"  {zone}, {around}: {str(difference)[:600]}")
    known = sum(len(changes(zone, BEGIN, END)) for zone in ZONES)
    print(
        f"{compared} windows in {len(ZONES)} zones, each of {known} changes of offset and the date Apia left out "
        f"{rounds} times: {found} mismatches, {time.monotonic() - begun:.0f} s",
        flush=True,
    )
    return found


def counting_back(seed: int, wanted: int) -> int:
    """Deadlines whose elapsed time is the budget, and less than it a second before."""
    begun, rng, found = time.monotonic(), random.Random(seed + 1), 0
    for number in range(wanted):
        if number % PER_SET == 0:
            calendars = [random_hours(rng) for _ in range(20)]
        told = inverse_fails(rng, rng.choice(calendars))
        if told is not None:
            found += 1
            if found <= SHOWN:
                print(f"  {told}")
    print(f"{wanted} deadlines counted back: {found} mismatches, {time.monotonic() - begun:.0f} s", flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
