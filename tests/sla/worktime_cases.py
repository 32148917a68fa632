"""Random questions to working time, and how the engine's answers are compared with the definition's.

Shared by the test suite (short) and by `python -m tests.exactness` (in full).
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sla.worktime import (
    Calendar,
    CalendarError,
    Hours,
    TooFar,
    business_days_budget,
    due,
    due_at,
    elapsed,
    is_open,
    next_close,
    next_open,
)
from tests.sla.worktime_oracle import ONE_DAY, WEEKDAYS, Oracle, Spec, changes

ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # half an hour
    "Africa/Casablanca",  # back for Ramadan
    "Africa/Cairo",  # at midnight
    "America/Santiago",  # at midnight, the other half of the year
    "Asia/Kathmandu",  # +05:45, no changes
    "Asia/Tehran",  # +03:30, none any more
    "Pacific/Apia",
    "Pacific/Chatham",  # +12:45
    "America/St_Johns",  # -03:30
    "Europe/London",
    "Europe/Dublin",  # winter is the exception there
    "Asia/Beirut",  # at midnight
    "America/Havana",
    "America/Nuuk",  # at an evening hour of the day before
    "Antarctica/Troll",  # two hours
    "Asia/Almaty",  # once, in 2024
    "America/Asuncion",  # until 2024
    "UTC",
)
BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
APIA_SKIPS = datetime(2011, 12, 30, 10, tzinfo=UTC)

SHIFTS: tuple[list[list[str]], ...] = (
    [["09:00", "17:00"]],
    [["09:00", "17:00"]],
    [["09:00", "12:30"], ["13:30", "18:00"]],
    [["08:15", "12:00"], ["12:00", "16:45"]],
    [["22:00", "06:00"]],
    [["18:30", "02:30"]],
    [["23:59", "00:01"]],
    [["00:00", "24:00"]],
    [["00:00", "00:30"], ["23:30", "24:00"]],
    [["01:30", "03:00"]],
    [["02:00", "03:00"], ["03:00", "03:01"]],
    [["00:30", "01:00"], ["01:15", "02:15"], ["20:00", "00:00"]],
    [],
    [],
)
BREAKS: tuple[list[list[str]], ...] = (
    [["12:00", "13:00"]],
    [["02:00", "02:30"]],
    [["01:00", "03:00"]],
    [["23:30", "00:30"]],
    [["00:00", "01:00"], ["00:30", "04:00"]],
)


def random_spec(rng: random.Random, zone: str, around: datetime) -> Spec:
    """A calendar with everything in it that can go wrong on the dates around."""
    while True:
        dates = [(around + n * ONE_DAY).date().isoformat() for n in range(-3, 4)]
        spec: dict[str, Any] = {"time_zone": zone, "weekly": {day: rng.choice(SHIFTS) for day in WEEKDAYS}}
        if rng.random() < 0.6:
            spec["weekly_breaks"] = {day: rng.choice(BREAKS) for day in rng.sample(WEEKDAYS, 4)}
        if rng.random() < 0.4:
            spec["breaks"] = {day: rng.choice(BREAKS) for day in rng.sample(dates, 2)}
        if rng.random() < 0.4:
            spec["date_overrides"] = {day: rng.choice(SHIFTS) for day in rng.sample(dates, 2)}
        if rng.random() < 0.4:
            spec["holidays"] = rng.sample(dates, 2)
        if rng.random() < 0.2:
            spec["recurring_holidays"] = [rng.choice(dates)[5:]]
        try:
            Calendar.from_spec(spec)
        except CalendarError:  # overlapping shifts, or none
            continue
        return spec


def windows(rng: random.Random, zone: str, sample: int | None = None) -> list[datetime]:
    """The instants to look around: changes of offset, ordinary moments, and the date Apia left out."""
    found = list(changes(zone, BEGIN, END))
    found = found if sample is None else rng.sample(found, min(sample, len(found)))
    found += [BEGIN + rng.random() * (END - BEGIN) for _ in range(3)]
    return [*found, APIA_SKIPS] if zone == "Pacific/Apia" else found


def compare(rng: random.Random, zone: str, around: datetime) -> None:
    """Asks the engine and the oracle the same questions about the two or three days around a moment."""
    specs = [random_spec(rng, zone, around)]
    if rng.random() < 0.2:
        specs.append(random_spec(rng, rng.choice(ZONES), around))
    hours = Hours.of(*map(Calendar.from_spec, specs))
    middle = around.replace(second=0, microsecond=0)
    start, end = middle - ONE_DAY - timedelta(minutes=rng.randrange(1440)), middle + ONE_DAY
    oracle = Oracle(specs, start, end)
    context = f"{specs} from {start} to {end}"

    answer = elapsed(hours, start, end)
    assert [row[:2] for row in answer.counted] == oracle.intervals(), context
    assert_gapless(answer, start, end)
    for _ in range(4):
        begun = start + timedelta(seconds=rng.randrange((end - start) // timedelta(seconds=2)) + rng.choice((0, 0.25)))
        compare_moment(hours, oracle, begun, context)
        compare_due(rng, hours, oracle, begun, context)
    compare_business_days(hours, oracle, start, context)


def compare_moment(hours: Hours, oracle: Oracle, at: datetime, context: str) -> None:
    assert is_open(hours, at) == oracle.is_open(at), f"{at} in {context}"
    for answer, expected in ((next_open, oracle.next(at, True)), (next_close, oracle.next(at, False))):
        if expected is not None:
            assert answer(hours, at) == expected, f"{at} in {context}"


def compare_due(rng: random.Random, hours: Hours, oracle: Oracle, start: datetime, context: str) -> None:
    pauses = []
    for _ in range(rng.choice((0, 0, 1, 3))):
        begun = start + timedelta(minutes=rng.randrange(-300, 2000), seconds=rng.choice((0, 17)))
        pauses.append((begun, begun + timedelta(minutes=rng.randrange(0, 900))))
    # Half of the budgets end exactly where an interval does.
    whole = oracle.elapsed(start, rng.choice(oracle.intervals() or [(start, start)])[1], pauses)
    budget = rng.choice((whole, timedelta(seconds=rng.randrange(0, 80_000))))
    expected = oracle.due(start, budget, pauses)
    if expected is not None:
        answer = due(hours, start, seconds=budget.total_seconds(), pauses=pauses)
        asked = f"{start} + {budget}, pauses {pauses}, in {context}"
        assert answer.due_at == expected, asked
        assert elapsed(hours, start, expected, pauses).seconds == budget.total_seconds(), asked
        assert_gapless(answer, start, expected)


def compare_business_days(hours: Hours, oracle: Oracle, start: datetime, context: str) -> None:
    by_date = sorted(oracle.seconds_by_date().items())[1:-1]  # the window cuts the first date off, and the last
    worth = [seconds for _, seconds in by_date if seconds]
    for days in range(1, len(worth) + 1):
        assert business_days_budget(hours, start, days) == sum(worth[:days]), f"{days} days in {context}"


def assert_gapless(answer: Any, start: datetime, end: datetime) -> None:
    at = start
    for row in sorted([*answer.counted, *answer.uncounted]):
        assert row.from_at == at
        assert row.until_at > at
        at = row.until_at
    assert at == end


def random_hours(rng: random.Random) -> Hours:
    """One calendar of any zone, sometimes two, rarely none; what differs by date lies anywhere in the seven years."""
    while True:
        around = BEGIN + rng.random() * (END - BEGIN)
        count = rng.choices((0, 1, 2), (1, 30, 6))[0]
        hours = Hours.of(*(Calendar.from_spec(random_spec(rng, rng.choice(ZONES), around)) for _ in range(count)))
        # Two may never be open at once, and a week without hours is open on its dates only.
        # Where little is open an answer lies decades away and takes a thousand times as long: few of these are asked.
        least = 3600 if rng.random() < 0.01 else 20 * 3600
        if elapsed(hours, around - 60 * ONE_DAY, around - 30 * ONE_DAY).seconds > least:
            return hours


SECOND, FIFTY_YEARS = timedelta(seconds=1), 50 * 366 * timedelta(days=1)


def inverse_fails(rng: random.Random, hours: Hours) -> str | None:
    """Asks when a random budget is spent, and counts back; what is wrong with the answer, if anything.

    The time elapsed until due must be the budget, and a second earlier it must be less.
    """
    start = BEGIN + timedelta(microseconds=rng.randrange((END - BEGIN) // timedelta(microseconds=1)))
    start = start.replace(microsecond=0) if rng.random() < 0.7 else start
    pauses = [(at, at + ONE_DAY * rng.random() * 5) for at in _moments(rng, start, rng.choice((0, 0, 0, 1, 3)))]
    draw = rng.random()
    if draw < 0.2:  # exactly where an interval ends
        closes = next_close(hours, next_open(hours, start) + ONE_DAY * rng.randrange(20))
        seconds = elapsed(hours, start, closes or start, pauses).seconds
    else:
        seconds = rng.randrange(5_000_000) if draw < 0.8 else rng.randrange(5_000_000_000) / 1000
    try:
        at = due_at(hours, start, seconds=seconds, pauses=pauses)
    except TooFar:
        # Right where so little is open that fifty years do not hold the budget.
        reach = elapsed(hours, start, start + FIFTY_YEARS, pauses).seconds
        return None if reach < seconds else f"{hours} from {start} + {seconds} s: refused, though {reach} s are open"
    back = elapsed(hours, start, at, pauses).seconds
    less = elapsed(hours, start, max(start, at - SECOND), pauses).seconds
    if back == seconds and (less < seconds or not seconds):
        return None
    return f"{hours} from {start} + {seconds} s, pauses {pauses}: due {at}, counted back {back}, a second before {less}"


def _moments(rng: random.Random, start: datetime, count: int) -> Iterator[datetime]:
    return (start + ONE_DAY * rng.uniform(-2, 30) for _ in range(count))
