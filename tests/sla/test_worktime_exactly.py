"""The engine against the definition: minute by minute around every offset change, and by properties that must hold."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.worktime import (
    Calendar,
    CalendarError,
    Hours,
    business_days_budget,
    due,
    due_at,
    elapsed,
    is_open,
    next_close,
    next_open,
    remaining,
)
from tests.sla.worktime_oracle import ONE_DAY, WEEKDAYS, Oracle, Spec, changes
from tests.thorough import THOROUGH

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
WINDOWS = 5_000 if THOROUGH else 200  # over all zones, and every change of offset at least once
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


class TestTheOracleAgrees:
    @pytest.mark.parametrize("zone", ZONES)
    def test_around_changes_of_offset(self, zone):
        rng = random.Random(zone)
        for around in windows(rng, zone, sample=6):
            compare(rng, zone, around)

    @pytest.mark.slow
    @pytest.mark.timeout(1800)
    @pytest.mark.parametrize("zone", ZONES)
    def test_around_every_change(self, zone):
        rng = random.Random(f"{zone}, at length")
        compared = 0
        while compared * len(ZONES) < WINDOWS:
            for around in windows(rng, zone):
                compare(rng, zone, around)
                compared += 1

    def test_looks_at_the_changes_it_means_to(self):
        assert changes("America/New_York", BEGIN, datetime(2025, 1, 1, tzinfo=UTC)) == (
            datetime(2024, 3, 10, 7, tzinfo=UTC),
            datetime(2024, 11, 3, 6, tzinfo=UTC),
        )
        assert len(changes("Africa/Casablanca", BEGIN, datetime(2026, 1, 1, tzinfo=UTC))) == 4
        assert changes("Asia/Kathmandu", BEGIN, END) == ()


@st.composite
def hours_of(draw: st.DrawFn) -> Hours:
    rng = random.Random(draw(st.integers(0, 10_000)))
    zones = draw(st.lists(st.sampled_from(ZONES), max_size=1))
    around = BEGIN + rng.random() * (END - BEGIN)
    return Hours.of(*(Calendar.from_spec(random_spec(rng, zone, around)) for zone in zones))


INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
PAUSES = st.lists(
    st.tuples(st.timedeltas(timedelta(-3), timedelta(20)), st.timedeltas(timedelta(), timedelta(8))), max_size=4
)
BUDGETS = st.integers(0, 5_000_000_000_000)  # microseconds, up to 58 days


def placed(start: datetime, pauses: list[tuple[timedelta, timedelta]]) -> list[tuple[datetime, datetime]]:
    return [(start + after, start + after + length) for after, length in pauses]


class TestProperties:
    @settings(max_examples=150, deadline=None, database=None)
    @given(hours_of(), INSTANTS, BUDGETS, PAUSES)
    def test_the_time_elapsed_until_due_is_the_budget(self, hours, start, budget, pauses):
        seconds, stops = budget / 1_000_000, placed(start, pauses)
        answer = due(hours, start, seconds=seconds, pauses=stops)
        assert elapsed(hours, start, answer.due_at, stops).seconds == seconds
        assert due_at(hours, start, seconds=seconds, pauses=stops) == answer.due_at
        assert sum((row.until_at - row.from_at for row in answer.counted), timedelta()) == timedelta(
            microseconds=budget
        )
        assert_gapless(answer, start, answer.due_at)
        if budget:  # the first such instant: a microsecond before, it was not yet spent
            before = answer.due_at - timedelta(microseconds=1)
            assert elapsed(hours, start, before, stops).seconds < seconds

    @settings(max_examples=100, deadline=None, database=None)
    @given(hours_of(), INSTANTS, st.tuples(BUDGETS, BUDGETS), PAUSES)
    def test_a_larger_budget_or_another_pause_is_never_due_earlier(self, hours, start, budgets, pauses):
        smaller, larger = (budget / 1_000_000 for budget in sorted(budgets))
        stops = placed(start, pauses)
        assert due_at(hours, start, seconds=smaller) <= due_at(hours, start, seconds=larger)
        assert due_at(hours, start, seconds=larger) <= due_at(hours, start, seconds=larger, pauses=stops)

    @settings(max_examples=100, deadline=None, database=None)
    @given(hours_of(), st.tuples(INSTANTS, INSTANTS), BUDGETS)
    def test_a_later_start_is_never_due_earlier(self, hours, starts, budget):
        earlier, later = sorted(starts)
        assert due_at(hours, earlier, seconds=budget / 1_000_000) <= due_at(hours, later, seconds=budget / 1_000_000)

    @settings(max_examples=100, deadline=None, database=None)
    @given(hours_of(), st.tuples(INSTANTS, INSTANTS, INSTANTS), PAUSES)
    def test_time_adds_up(self, hours, instants, pauses):
        a, b, c = sorted(instants)
        stops = placed(a, pauses)
        parts = elapsed(hours, a, b, stops).seconds + elapsed(hours, b, c, stops).seconds
        assert elapsed(hours, a, c, stops).seconds == pytest.approx(parts, abs=1e-6)
        assert remaining(hours, a, c) == -remaining(hours, c, a)
        assert_gapless(elapsed(hours, a, c, stops), a, c)

    @settings(max_examples=100, deadline=None, database=None)
    @given(hours_of(), INSTANTS)
    def test_what_opens_next_is_open_and_what_closes_is_not(self, hours, at):
        opens, closes = next_open(hours, at), next_close(hours, at)
        assert is_open(hours, opens)
        assert opens >= at
        assert remaining(hours, at, opens) == 0
        if closes is not None:
            assert not is_open(hours, closes)
            assert (closes == at) == (not is_open(hours, at))
