"""The engine against the definition: minute by minute around every offset change, and by properties that must hold."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.worktime import (
    Calendar,
    Hours,
    due,
    due_at,
    elapsed,
    is_open,
    next_close,
    next_open,
    remaining,
)
from tests.sla.worktime_cases import (
    BEGIN,
    END,
    ZONES,
    assert_gapless,
    compare,
    inverse_fails,
    random_hours,
    random_spec,
    windows,
)
from tests.sla.worktime_oracle import changes
from tests.thorough import THOROUGH

WINDOWS = 5_000 if THOROUGH else 200  # over all zones, and every change of offset at least once
INVERSES = 1_000_000 if THOROUGH else 2_000


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

    @pytest.mark.timeout(3600)
    def test_counting_back_from_due_gives_the_budget(self):
        rng = random.Random(7)
        calendars = [random_hours(rng) for _ in range(INVERSES // 100)]
        assert [told for _ in range(INVERSES) if (told := inverse_fails(rng, rng.choice(calendars)))] == []

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
    @settings(max_examples=1_500 if THOROUGH else 75, deadline=None, database=None)
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

    @settings(max_examples=1_000 if THOROUGH else 50, deadline=None, database=None)
    @given(hours_of(), INSTANTS, st.tuples(BUDGETS, BUDGETS), PAUSES)
    def test_a_larger_budget_or_another_pause_is_never_due_earlier(self, hours, start, budgets, pauses):
        smaller, larger = (budget / 1_000_000 for budget in sorted(budgets))
        stops = placed(start, pauses)
        assert due_at(hours, start, seconds=smaller) <= due_at(hours, start, seconds=larger)
        assert due_at(hours, start, seconds=larger) <= due_at(hours, start, seconds=larger, pauses=stops)

    @settings(max_examples=1_000 if THOROUGH else 50, deadline=None, database=None)
    @given(hours_of(), st.tuples(INSTANTS, INSTANTS), BUDGETS)
    def test_a_later_start_is_never_due_earlier(self, hours, starts, budget):
        earlier, later = sorted(starts)
        assert due_at(hours, earlier, seconds=budget / 1_000_000) <= due_at(hours, later, seconds=budget / 1_000_000)

    @settings(max_examples=1_000 if THOROUGH else 50, deadline=None, database=None)
    @given(hours_of(), st.tuples(INSTANTS, INSTANTS, INSTANTS), PAUSES)
    def test_time_adds_up(self, hours, instants, pauses):
        a, b, c = sorted(instants)
        stops = placed(a, pauses)
        parts = elapsed(hours, a, b, stops).seconds + elapsed(hours, b, c, stops).seconds
        assert elapsed(hours, a, c, stops).seconds == pytest.approx(parts, abs=1e-6)
        assert remaining(hours, a, c) == -remaining(hours, c, a)
        assert_gapless(elapsed(hours, a, c, stops), a, c)

    @settings(max_examples=1_000 if THOROUGH else 50, deadline=None, database=None)
    @given(hours_of(), INSTANTS)
    def test_what_opens_next_is_open_and_what_closes_is_not(self, hours, at):
        opens, closes = next_open(hours, at), next_close(hours, at)
        assert is_open(hours, opens)
        assert opens >= at
        assert remaining(hours, at, opens) == 0
        if closes is not None:
            assert not is_open(hours, closes)
            assert (closes == at) == (not is_open(hours, at))
