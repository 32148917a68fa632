"""Golden tables: deadlines a person can check with pencil and paper."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sla.worktime import (
    BudgetError,
    Calendar,
    Hours,
    InstantError,
    Limits,
    NeverOpen,
    PauseError,
    TooFar,
    business_days_budget,
    due,
    due_at,
    elapsed,
    is_open,
    next_close,
    next_open,
    remaining,
)

HOUR = 3600
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
NEW_YORK = {"time_zone": "America/New_York", "weekly": dict.fromkeys(WORKDAYS, [["09:00", "17:00"]])}
LUNCH = {**NEW_YORK, "weekly_breaks": dict.fromkeys(WORKDAYS, [["12:00", "13:00"]])}
THANKSGIVING = {**NEW_YORK, "holidays": {"2026-11-26": "Thanksgiving"}}
NIGHTS = {"time_zone": "America/New_York", "weekly": dict.fromkeys(WORKDAYS, [["22:00", "06:00"]])}


def hours(*specs: dict[str, Any]) -> Hours:
    return Hours.of(*(Calendar.from_spec(spec) for spec in specs))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def zone(name: str, **weekly: list[list[str]]) -> dict[str, Any]:
    return {"time_zone": name, "weekly": weekly}


def daily(name: str, *shifts: list[str]) -> dict[str, Any]:
    return zone(name, **dict.fromkeys((*WORKDAYS, "sat", "sun"), list(shifts)))


ORDINARY = [
    # 2026-03-03 is a Tuesday, at UTC-5; clocks go forward on Sunday 2026-03-08.
    (NEW_YORK, "2026-03-03T15:00-05:00", 1 * HOUR, "2026-03-03T16:00-05:00"),  # plain
    (NEW_YORK, "2026-03-03T15:00-05:00", 2 * HOUR, "2026-03-03T17:00-05:00"),  # ends at closing: due at closing
    (NEW_YORK, "2026-03-03T15:00-05:00", 2 * HOUR + 1, "2026-03-04T09:00:01-05:00"),  # one second more: tomorrow
    (NEW_YORK, "2026-03-03T15:00-05:00", 0.25, "2026-03-03T15:00:00.250-05:00"),  # a part of a second is kept
    (NEW_YORK, "2026-03-03T07:00-05:00", 1 * HOUR, "2026-03-03T10:00-05:00"),  # before opening: from opening
    (NEW_YORK, "2026-03-03T17:00-05:00", 1 * HOUR, "2026-03-04T10:00-05:00"),  # at closing: from the next opening
    (NEW_YORK, "2026-03-03T16:59:59-05:00", 2, "2026-03-04T09:00:01-05:00"),  # a second on each side of the night
    (NEW_YORK, "2026-03-07T12:00-05:00", 1 * HOUR, "2026-03-09T10:00-04:00"),  # Saturday: from Monday
    (NEW_YORK, "2026-03-06T16:00-05:00", 2 * HOUR, "2026-03-09T10:00-04:00"),  # Friday evening, across the change
    (NEW_YORK, "2026-03-03T20:00+00:00", 40 * HOUR, "2026-03-10T15:00-04:00"),  # a working week later, same wall time
    (NEW_YORK, "2026-03-03T15:00-05:00", 0, "2026-03-03T15:00-05:00"),  # no budget, open: now
    (NEW_YORK, "2026-03-03T17:00-05:00", 0, "2026-03-04T09:00-05:00"),  # no budget, at closing: the next opening
    (NEW_YORK, "2026-03-07T12:00-05:00", 0, "2026-03-09T09:00-04:00"),  # no budget, Saturday: Monday's opening
    (LUNCH, "2026-03-03T11:30-05:00", 1 * HOUR, "2026-03-03T13:30-05:00"),  # straddles lunch
    (LUNCH, "2026-03-03T11:00-05:00", 1 * HOUR, "2026-03-03T12:00-05:00"),  # ends as lunch begins
    (LUNCH, "2026-03-03T12:15-05:00", 1800, "2026-03-03T13:30-05:00"),  # starts within lunch
    (LUNCH, "2026-03-03T09:00-05:00", 8 * HOUR, "2026-03-04T10:00-05:00"),  # a day has seven hours here
    (THANKSGIVING, "2026-11-26T10:00-05:00", 1 * HOUR, "2026-11-27T10:00-05:00"),  # starts on a holiday
    (THANKSGIVING, "2026-11-25T16:00-05:00", 2 * HOUR, "2026-11-27T10:00-05:00"),  # runs across a holiday
    (THANKSGIVING, "2026-11-25T16:00-05:00", 1 * HOUR, "2026-11-25T17:00-05:00"),  # ends as the eve closes
    (NIGHTS, "2026-03-03T23:00-05:00", 2 * HOUR, "2026-03-04T01:00-05:00"),  # across midnight
    (NIGHTS, "2026-03-07T05:00-05:00", 2 * HOUR, "2026-03-09T23:00-04:00"),  # Friday's tail on Saturday, then Monday
    (daily("UTC", ["00:00", "24:00"]), "2026-03-03T15:00+00:00", 240 * HOUR, "2026-03-13T15:00+00:00"),  # no seam
    (daily("UTC", ["18:00", "00:00"]), "2026-03-03T23:00+00:00", 2 * HOUR, "2026-03-04T19:00+00:00"),  # 00:00 is 24:00
    (daily("UTC", ["09:00", "12:00"], ["12:00", "17:00"]), "2026-03-03T11:00+00:00", 7200, "2026-03-03T13:00+00:00"),
    # A night worked on Thursday, the next day off: the holiday takes the shift that starts on it, not the tail before.
    ({**NIGHTS, "holidays": ["2026-03-05"]}, "2026-03-05T00:00-05:00", 7 * HOUR, "2026-03-06T23:00-05:00"),
    # A break cuts the wall clock of its own date out of the shift that began the day before.
    (
        {**NIGHTS, "breaks": {"2026-03-04": [["02:00", "03:00"]]}},
        "2026-03-04T01:30-05:00",
        3600,
        "2026-03-04T03:30-05:00",
    ),
    # A break that itself runs past midnight.
    (
        {**NIGHTS, "breaks": {"2026-03-03": [["23:30", "00:30"]]}},
        "2026-03-03T23:00-05:00",
        3600,
        "2026-03-04T01:00-05:00",
    ),
    # The weekly break and the date's own both cut, and where they overlap they cut once.
    (
        {**LUNCH, "breaks": {"2026-03-03": [["12:30", "14:00"]]}},
        "2026-03-03T11:00-05:00",
        7200,
        "2026-03-03T15:00-05:00",
    ),
    # An override opens a holiday, closes a workday, and is still cut by lunch.
    (
        {**THANKSGIVING, "date_overrides": {"2026-11-26": [["10:00", "11:00"]]}},
        "2026-11-25T16:00-05:00",
        7200,
        "2026-11-26T11:00-05:00",
    ),
    ({**NEW_YORK, "date_overrides": {"2026-03-04": []}}, "2026-03-03T16:00-05:00", 7200, "2026-03-05T10:00-05:00"),
    (
        {**LUNCH, "date_overrides": {"2026-03-04": [["11:00", "14:00"]]}},
        "2026-03-03T17:00-05:00",
        7200,
        "2026-03-04T14:00-05:00",
    ),
    # A holiday that recurs; February 29 recurs in leap years.
    ({**NEW_YORK, "recurring_holidays": ["12-25"]}, "2026-12-24T16:00-05:00", 7200, "2026-12-28T10:00-05:00"),
    # It takes the night that starts on it, and with it the morning after.
    ({**NIGHTS, "recurring_holidays": ["12-25"]}, "2026-12-25T12:00-05:00", 3600, "2026-12-28T23:00-05:00"),
    ({**NEW_YORK, "recurring_holidays": ["02-29"]}, "2024-02-28T16:00-05:00", 7200, "2024-03-01T10:00-05:00"),
    ({**NEW_YORK, "recurring_holidays": ["02-29"]}, "2023-02-28T16:00-05:00", 7200, "2023-03-01T10:00-05:00"),
]

CLOCK_CHANGES = [
    # New York, 2024-03-10: 02:00 becomes 03:00. A shift 01:30-03:00 has half an hour, the rest is a week later.
    (zone("America/New_York", sun=[["01:30", "03:00"]]), "2024-03-10T00:00-05:00", 2700, "2024-03-17T01:45-04:00"),
    (
        zone("America/New_York", sun=[["00:00", "24:00"]]),
        "2024-03-10T00:00-05:00",
        82800,
        "2024-03-11T00:00-04:00",
    ),  # 23 h
    (
        zone("America/New_York", sun=[["02:00", "03:00"]]),
        "2024-03-10T00:00-05:00",
        60,
        "2024-03-17T02:01-04:00",
    ),  # missing
    (zone("America/New_York", sat=[["22:00", "06:00"]]), "2024-03-09T22:00-05:00", 7 * HOUR, "2024-03-10T06:00-04:00"),
    # New York, 2024-11-03: 02:00 becomes 01:00 again, and that hour counts twice.
    (zone("America/New_York", sun=[["00:00", "03:00"]]), "2024-11-03T00:00-04:00", 3 * HOUR, "2024-11-03T02:00-05:00"),
    (zone("America/New_York", sun=[["01:00", "02:00"]]), "2024-11-03T00:00-04:00", 5400, "2024-11-03T01:30-05:00"),
    (zone("America/New_York", sun=[["01:30", "03:00"]]), "2024-11-03T00:00-04:00", 2700, "2024-11-03T01:45-05:00"),
    # The same wall time before and after: the start's offset says which of the two 01:30 is meant.
    (zone("America/New_York", sun=[["01:00", "05:00"]]), "2024-11-03T01:30-04:00", HOUR, "2024-11-03T01:30-05:00"),
    (zone("America/New_York", sun=[["01:00", "05:00"]]), "2024-11-03T01:30-05:00", HOUR, "2024-11-03T02:30-05:00"),
    # Berlin, the same days by its own rule.
    (zone("Europe/Berlin", sat=[["22:00", "06:00"]]), "2024-03-30T22:00+01:00", 7 * HOUR, "2024-03-31T06:00+02:00"),
    (zone("Europe/Berlin", sat=[["22:00", "06:00"]]), "2024-10-26T22:00+02:00", 9 * HOUR, "2024-10-27T06:00+01:00"),
    # Lord Howe moves by half an hour: 02:00 becomes 01:30 on 2024-04-07, and 02:30 on 2024-10-06.
    (zone("Australia/Lord_Howe", sun=[["01:00", "03:00"]]), "2024-04-07T01:00+11:00", 9000, "2024-04-07T03:00+10:30"),
    (zone("Australia/Lord_Howe", sun=[["01:00", "03:00"]]), "2024-10-06T01:00+10:30", 5400, "2024-10-06T03:00+11:00"),
    # Cairo changes at midnight: Friday 2024-04-26 begins at 01:00; Thursday 2024-10-31 has 23:00 twice.
    (zone("Africa/Cairo", fri=[["00:00", "02:00"]]), "2024-04-25T22:00+02:00", HOUR, "2024-04-26T02:00+03:00"),
    (zone("Africa/Cairo", thu=[["22:00", "24:00"]]), "2024-10-31T22:00+03:00", 3 * HOUR, "2024-11-01T00:00+02:00"),
    # Santiago as well: Saturday 2024-04-06 has 23:00 twice, Sunday 2024-09-08 begins at 01:00.
    (zone("America/Santiago", sat=[["22:00", "02:00"]]), "2024-04-06T22:00-03:00", 5 * HOUR, "2024-04-07T02:00-04:00"),
    (zone("America/Santiago", sat=[["22:00", "02:00"]]), "2024-09-07T22:00-04:00", 3 * HOUR, "2024-09-08T02:00-03:00"),
    # Casablanca goes back for Ramadan: 2024-03-10 03:00 becomes 02:00, 2024-04-14 02:00 becomes 03:00.
    (zone("Africa/Casablanca", sun=[["01:00", "05:00"]]), "2024-03-10T01:00+01:00", 5 * HOUR, "2024-03-10T05:00+00:00"),
    (zone("Africa/Casablanca", sun=[["01:00", "05:00"]]), "2024-04-14T01:00+00:00", 3 * HOUR, "2024-04-14T05:00+01:00"),
    # Tehran's last change, 2022-09-22 00:00 becomes 23:00 of the day before.
    (zone("Asia/Tehran", wed=[["23:00", "01:00"]]), "2022-09-21T23:00+04:30", 3 * HOUR, "2022-09-22T01:00+03:30"),
    # Quarters of an hour.
    (zone("Asia/Kathmandu", mon=[["09:00", "17:00"]]), "2026-03-02T03:15+00:00", 8 * HOUR, "2026-03-02T11:15+00:00"),
    # Apia went from Thursday 2011-12-29 to Saturday 2011-12-31: Friday had no instants.
    (
        {"time_zone": "Pacific/Apia", "weekly": dict.fromkeys(WORKDAYS, [["09:00", "17:00"]])},
        "2011-12-29T16:00-10:00",
        7200,
        "2012-01-02T10:00+14:00",
    ),
    # Thursday's night shift lost its tail with the Friday on which it lay; the next is a week later.
    (zone("Pacific/Apia", thu=[["22:00", "06:00"]]), "2011-12-29T22:00-10:00", 3 * HOUR, "2012-01-05T23:00+14:00"),
]


class TestDue:
    @pytest.mark.parametrize(("spec", "start", "seconds", "expected"), ORDINARY + CLOCK_CHANGES)
    def test_is_the_first_instant_at_which_the_budget_is_spent(self, spec, start, seconds, expected):
        answer = due(hours(spec), at(start), seconds=seconds)
        assert answer.due_at == at(expected)
        assert answer.due_at.tzinfo is UTC
        assert answer.budget_seconds == seconds
        assert sum(row.seconds for row in answer.counted) == seconds
        assert due_at(hours(spec), at(start), seconds=seconds) == at(expected)

    def test_counts_round_the_clock_without_a_calendar(self):
        assert due_at(Hours.always(), at("2026-03-07T12:00+00:00"), seconds=300) == at("2026-03-07T12:05+00:00")
        assert Hours.of() is Hours.always()

    def test_reads_the_start_in_whatever_zone_it_is_given(self):
        moments = ["2026-03-03T20:00+00:00", "2026-03-03T15:00-05:00", "2026-03-04T05:30+09:30"]
        assert len({due_at(hours(NEW_YORK), at(moment), seconds=9 * HOUR) for moment in moments}) == 1

    def test_shows_its_sum_gapless_with_the_reasons(self):
        spec = {**THANKSGIVING, "weekly_breaks": {"fri": [["12:00", "13:00"]]}}
        pause = (at("2026-11-27T15:00-05:00"), at("2026-11-27T15:30-05:00"))
        answer = due(hours(spec), at("2026-11-25T16:00-05:00"), seconds=9 * HOUR, pauses=[pause])
        rows = sorted([*answer.counted, *answer.uncounted])
        assert [(f"{row.from_at:%d %H:%M}", f"{row.until_at:%d %H:%M}", row[2]) for row in rows] == [
            ("25 21:00", "25 22:00", HOUR),
            ("25 22:00", "26 05:00", "outside hours"),
            ("26 05:00", "27 05:00", "holiday: Thanksgiving"),
            ("27 05:00", "27 14:00", "outside hours"),
            ("27 14:00", "27 17:00", 3 * HOUR),
            ("27 17:00", "27 18:00", "break"),
            ("27 18:00", "27 20:00", 2 * HOUR),
            ("27 20:00", "27 20:30", "paused"),
            ("27 20:30", "27 22:00", 5400),
            ("27 22:00", "28 05:00", "outside hours"),
            ("28 05:00", "30 05:00", "day off"),
            ("30 05:00", "30 14:00", "outside hours"),
            ("30 14:00", "30 15:30", 5400),
        ]

    def test_counts_an_overnight_shift_as_one_stretch(self):
        answer = due(hours(NIGHTS), at("2026-03-03T23:00-05:00"), seconds=2 * HOUR)
        assert answer.counted == ((at("2026-03-03T23:00-05:00"), at("2026-03-04T01:00-05:00"), 2 * HOUR),)
        assert answer.uncounted == ()

    def test_says_why_a_zero_budget_waited(self):
        answer = due(hours(NEW_YORK), at("2026-03-07T12:00-05:00"), seconds=0)
        assert [row.why for row in answer.uncounted] == ["day off", "outside hours"]
        assert answer.counted == ()
        assert due(hours(NEW_YORK), at("2026-03-03T12:00-05:00"), seconds=0).uncounted == ()

    @pytest.mark.parametrize("budget", [-1, -0.5, float("nan"), float("inf"), True, "60", None])
    def test_refuses_what_is_not_a_length_of_time(self, budget):
        with pytest.raises(BudgetError, match="seconds"):
            due(hours(NEW_YORK), at("2026-03-03T12:00-05:00"), seconds=budget)

    def test_refuses_two_budgets(self):
        with pytest.raises(BudgetError, match="not both"):
            due(hours(NEW_YORK), at("2026-03-03T12:00-05:00"), seconds=1, business_days=1)

    @pytest.mark.parametrize("start", [datetime(2026, 3, 3, 12), datetime(1899, 12, 31, tzinfo=UTC), "2026-03-03"])  # noqa: DTZ001
    def test_refuses_a_start_it_cannot_place(self, start):
        with pytest.raises(InstantError, match="start"):
            due(hours(NEW_YORK), start, seconds=60)


class TestNeverOpen:
    ONCE = {"time_zone": "UTC", "date_overrides": {"2026-03-03": [["09:00", "10:00"]]}}

    def test_opens_on_the_366th_day_at_the_latest(self):
        assert due_at(hours(self.ONCE), at("2025-03-02T09:00+00:00"), seconds=60) == at("2026-03-03T09:01+00:00")
        assert next_open(hours(self.ONCE), at("2025-03-02T09:00+00:00")) == at("2026-03-03T09:00+00:00")

    @pytest.mark.parametrize("seconds", [0, 60])
    def test_is_said_a_microsecond_beyond(self, seconds):
        start = at("2025-03-02T09:00+00:00") - timedelta(microseconds=1)
        with pytest.raises(NeverOpen, match="366 days of 2025-03-02 08:59 UTC"):
            due_at(hours(self.ONCE), start, seconds=seconds)

    def test_is_said_when_the_rest_of_a_budget_finds_no_hours(self):
        assert due_at(hours(self.ONCE), at("2026-03-01T00:00+00:00"), seconds=HOUR) == at("2026-03-03T10:00+00:00")
        with pytest.raises(NeverOpen, match="366 days of 2026-03-03 10:00 UTC"):
            due_at(hours(self.ONCE), at("2026-03-01T00:00+00:00"), seconds=HOUR + 1)

    def test_is_said_of_two_calendars_that_never_meet(self):
        mornings, evenings = daily("UTC", ["06:00", "12:00"]), daily("UTC", ["12:00", "20:00"])
        for ask in (
            lambda both: due_at(both, at("2026-03-03T09:00+00:00"), seconds=1),
            lambda both: business_days_budget(both, at("2026-03-03T09:00+00:00"), 1),
            lambda both: next_open(both, at("2026-03-03T09:00+00:00")),
        ):
            with pytest.raises(NeverOpen):
                ask(hours(mornings, evenings))

    def test_is_another_thing_than_too_far(self):
        with pytest.raises(TooFar):
            due_at(hours(NEW_YORK), at("2026-03-03T09:00-05:00"), seconds=10**9)
        with pytest.raises(TooFar):
            due_at(Hours.always(), at("2026-03-03T09:00-05:00"), business_days=10**9)


FRIDAY_SHORT = {**NEW_YORK, "date_overrides": {"2026-03-06": [["09:00", "13:00"]]}}


class TestBusinessDays:
    @pytest.mark.parametrize(
        ("spec", "start", "days", "budget", "expected"),
        [
            (NEW_YORK, "2026-03-03T15:00-05:00", 1, 8, "2026-03-04T15:00-05:00"),  # Tue 15:00 + 1: Wed 15:00
            (NEW_YORK, "2026-03-07T12:00-05:00", 1, 8, "2026-03-09T17:00-04:00"),  # Sat 12:00 + 1: Mon 17:00
            (FRIDAY_SHORT, "2026-03-05T15:00-05:00", 1, 4, "2026-03-06T11:00-05:00"),  # Thu, a 4-hour Friday: Fri 11:00
            (NEW_YORK, "2026-03-06T15:00-05:00", 3, 24, "2026-03-11T15:00-04:00"),  # Fri + 3: Wed
            (NEW_YORK, "2026-03-06T18:00-05:00", 1, 8, "2026-03-09T17:00-04:00"),  # after hours: as if from Monday
            (NEW_YORK, "2026-03-03T15:00-05:00", 0, 0, "2026-03-03T15:00-05:00"),  # none: now
            (NEW_YORK, "2026-03-07T12:00-05:00", 0, 0, "2026-03-09T09:00-04:00"),  # none, Saturday: Monday's opening
            (THANKSGIVING, "2026-11-25T15:00-05:00", 1, 8, "2026-11-27T15:00-05:00"),  # a holiday is no business day
            # 02:00 UTC on Wednesday is still Tuesday in New York, so the next date is Wednesday.
            (FRIDAY_SHORT, "2026-03-06T02:00+00:00", 1, 4, "2026-03-06T13:00-05:00"),
            # The Sunday on which clocks go forward has 23 hours, the one on which they go back has 25.
            (daily("America/New_York", ["00:00", "24:00"]), "2026-03-07T12:00-05:00", 1, 23, "2026-03-08T12:00-04:00"),
            (daily("America/New_York", ["00:00", "24:00"]), "2026-10-31T12:00-04:00", 1, 25, "2026-11-01T12:00-05:00"),
            # Apia had no Friday 2011-12-30; the next date is Saturday.
            (daily("Pacific/Apia", ["09:00", "17:00"]), "2011-12-29T15:00-10:00", 1, 8, "2011-12-31T15:00+14:00"),
            # Nights: each date has the seconds its own wall clock shows, Tuesday 0-6 and 22-24.
            (NIGHTS, "2026-03-02T12:00-05:00", 1, 8, "2026-03-03T06:00-05:00"),
        ],
    )
    def test_are_a_budget_of_open_seconds(self, spec, start, days, budget, expected):
        answer = due(hours(spec), at(start), business_days=days)
        assert business_days_budget(hours(spec), at(start), days) == budget * HOUR == answer.budget_seconds
        assert answer.due_at == at(expected) == due_at(hours(spec), at(start), business_days=days)

    def test_are_utc_days_round_the_clock(self):
        assert due_at(Hours.always(), at("2026-03-07T12:00-05:00"), business_days=2) == at("2026-03-09T17:00+00:00")

    def test_take_the_first_calendars_zone_for_the_date(self):
        tokyo = daily("Asia/Tokyo", ["00:00", "24:00"])
        # Monday 18:00 in New York is Tuesday 08:00 in Tokyo. Tokyo has hours on each date, New York none on Saturday.
        start = at("2026-03-05T18:00-05:00")
        assert business_days_budget(hours(NEW_YORK, tokyo), start, 1) == 8 * HOUR  # New York's Friday
        assert business_days_budget(hours(tokyo, NEW_YORK), start, 1) == 7 * HOUR  # Tokyo's Saturday, until 07:00

    @pytest.mark.parametrize("days", [-1, 1.5, True, "1"])
    def test_refuse_what_is_not_a_number_of_days(self, days):
        with pytest.raises(BudgetError, match="business_days"):
            due_at(hours(NEW_YORK), at("2026-03-03T12:00-05:00"), business_days=days)


class TestPauses:
    START = "2026-03-03T10:00-05:00"

    @pytest.mark.parametrize(
        ("pauses", "expected"),
        [
            ([("11:00", "12:00")], "15:00"),  # one hour later
            ([("11:00", "12:00"), ("11:30", "12:30")], "15:30"),  # overlapping ones count once
            ([("11:00", "13:00"), ("11:30", "12:00")], "16:00"),  # one within the other
            ([("12:00", "13:00"), ("11:00", "12:00")], "16:00"),  # out of order, touching
            ([("08:00", "09:30")], "14:00"),  # over before the start
            ([("08:00", "10:30")], "14:30"),  # began before the start
            ([("14:00", "15:00")], "14:00"),  # begins as the budget is spent
            ([("14:30", "15:00")], "14:00"),  # after it
            ([("11:00", "11:00")], "14:00"),  # no length
            ([("13:59", "16:59")], "17:00"),  # and ends exactly at closing
        ],
    )
    def test_make_the_clock_stand_still(self, pauses, expected):
        spans = [(at(f"2026-03-03T{begun}-05:00"), at(f"2026-03-03T{ended}-05:00")) for begun, ended in pauses]
        answer = due(hours(NEW_YORK), at(self.START), seconds=4 * HOUR, pauses=spans)
        assert answer.due_at == at(f"2026-03-03T{expected}-05:00")
        assert answer.due_at == due_at(hours(NEW_YORK), at(self.START), seconds=4 * HOUR, pauses=spans)
        assert elapsed(hours(NEW_YORK), at(self.START), answer.due_at, spans).seconds == 4 * HOUR

    def test_outside_hours_cost_nothing(self):
        night = (at("2026-03-03T17:00-05:00"), at("2026-03-04T09:00-05:00"))
        assert due_at(hours(NEW_YORK), at(self.START), seconds=8 * HOUR, pauses=[night]) == at("2026-03-04T10:00-05:00")

    def test_hold_a_zero_budget_until_they_end(self):
        pause = (at("2026-03-03T09:30-05:00"), at("2026-03-03T11:00-05:00"))
        assert due_at(hours(NEW_YORK), at(self.START), seconds=0, pauses=[pause]) == at("2026-03-03T11:00-05:00")

    def test_hold_a_zero_budget_that_would_be_due_as_they_begin(self):
        pause = (at("2026-03-09T09:00-04:00"), at("2026-03-09T10:00-04:00"))  # from Monday's opening
        assert due_at(hours(NEW_YORK), at("2026-03-07T12:00-05:00"), seconds=0, pauses=[pause]) == pause[1]

    def test_are_refused_without_an_end_where_an_answer_is_due(self):
        running = [(at("2026-03-03T12:00-05:00"), None)]
        for ask in (due, due_at):
            with pytest.raises(PauseError, match="2026-03-03 17:00 UTC has no end"):
                ask(hours(NEW_YORK), at(self.START), seconds=60, pauses=running)

    def test_may_still_run_where_time_is_measured(self):
        running = [(at("2026-03-03T12:00-05:00"), None)]
        answer = elapsed(hours(NEW_YORK), at(self.START), at("2026-03-03T16:00-05:00"), running)
        assert answer.seconds == 2 * HOUR
        assert [row.why for row in answer.uncounted] == ["paused"]

    def test_are_refused_when_they_end_before_they_start(self):
        backwards = [(at("2026-03-03T12:00-05:00"), at("2026-03-03T11:00-05:00"))]
        with pytest.raises(PauseError, match="ends before it starts"):
            due(hours(NEW_YORK), at(self.START), seconds=60, pauses=backwards)


class TestElapsed:
    @pytest.mark.parametrize(
        ("spec", "start", "end", "seconds"),
        [
            (NEW_YORK, "2026-03-03T15:00-05:00", "2026-03-04T10:00-05:00", 3 * HOUR),  # over one night
            (NEW_YORK, "2026-03-06T16:00-05:00", "2026-03-09T10:00-04:00", 2 * HOUR),  # over the weekend of the change
            (NEW_YORK, "2026-03-07T00:00-05:00", "2026-03-08T00:00-05:00", 0),  # a Saturday
            (NEW_YORK, "2026-03-03T12:00-05:00", "2026-03-03T12:00-05:00", 0),  # no time at all
            (NEW_YORK, "2026-03-03T12:00-05:00", "2026-03-03T12:00:00.5-05:00", 0.5),
            (NEW_YORK, "2026-01-01T00:00-05:00", "2027-01-01T00:00-05:00", 261 * 8 * HOUR),  # 261 weekdays in 2026
            (daily("Europe/Berlin", ["00:00", "24:00"]), "2024-03-31T00:00+01:00", "2024-04-01T00:00+02:00", 23 * HOUR),
        ],
    )
    def test_is_the_working_time_between(self, spec, start, end, seconds):
        answer = elapsed(hours(spec), at(start), at(end))
        assert answer.seconds == seconds
        assert sum(row.seconds for row in answer.counted) == seconds

    def test_refuses_an_end_before_the_start(self):
        with pytest.raises(InstantError, match="end: lies before the start"):
            elapsed(hours(NEW_YORK), at("2026-03-04T10:00-05:00"), at("2026-03-03T10:00-05:00"))

    def test_refuses_a_distance_nobody_means(self):
        with pytest.raises(TooFar, match="end"):
            elapsed(hours(NEW_YORK), at("1950-03-04T10:00-05:00"), at("2026-03-03T10:00-05:00"))


class TestLimits:
    DAILY = daily("UTC", ["09:00", "10:00"])
    START = "2026-01-01T00:00+00:00"

    @pytest.mark.parametrize(
        ("budget", "field"),
        [
            ({"seconds": 2 * 366 * HOUR}, None),  # 732 days: within two years of 366
            ({"seconds": 2 * 366 * HOUR + HOUR * 64}, "seconds"),  # two months more
            ({"seconds": 2 * 366 * 24 * HOUR + 1}, "seconds"),  # more seconds than two years have
            ({"seconds": 1e308}, "seconds"),
            ({"business_days": 731}, None),
            ({"business_days": 734}, "business_days"),
            ({"business_days": 10**30}, "business_days"),
        ],
    )
    def test_bound_how_far_ahead_an_answer_may_lie(self, budget, field):
        def ask():
            return due(hours(self.DAILY), at(self.START), limits=Limits(years=2), **budget)

        if field is None:
            assert ask().due_at
        else:
            with pytest.raises(TooFar) as refused:
                ask()
            assert refused.value.field == field
            assert str(refused.value).startswith(f"{field}: ")

    def test_bound_it_through_pauses_too(self):
        pauses = [(at("2026-01-02T00:00+00:00"), at("2029-01-01T00:00+00:00"))]
        assert due(hours(self.DAILY), at(self.START), seconds=2 * HOUR, pauses=pauses).due_at.year == 2029
        with pytest.raises(TooFar, match="shorter pauses"):
            due(hours(self.DAILY), at(self.START), seconds=2 * HOUR, pauses=pauses, limits=Limits(years=2))

    def test_bound_how_far_apart_two_moments_may_be(self):
        assert elapsed(hours(self.DAILY), at(self.START), at("2028-01-01T00:00+00:00"), limits=Limits(years=2)).seconds
        with pytest.raises(TooFar, match="end: lies more than 2 years"):
            elapsed(hours(self.DAILY), at(self.START), at("2028-01-05T00:00+00:00"), limits=Limits(years=2))

    def test_bound_the_lines_of_a_sum_and_never_cut_it_short(self):
        days = 10  # each gives two lines, the last ends as it closes: 9 nights joined, one morning before
        for lines, fits in ((2 * days, True), (2 * days - 1, False)):
            answer = due(hours(self.DAILY), at(self.START), seconds=days * HOUR, limits=Limits(lines=lines))
            assert answer.due_at == at("2026-01-10T10:00+00:00")
            if fits:
                assert len(answer.counted) + len(answer.uncounted) == lines
            else:
                with pytest.raises(TooFar, match="start: the sum from here has more than 19 lines"):
                    assert answer.counted

    def test_do_not_let_a_long_pause_hide_lines(self):
        pauses = [(at(self.START), at("2026-01-20T00:00+00:00"))]  # one line, laid over many
        answer = elapsed(
            hours(self.DAILY), at(self.START), at("2026-01-19T00:00+00:00"), pauses, limits=Limits(lines=20)
        )
        with pytest.raises(TooFar):
            assert answer.uncounted


class TestAskedOnce:
    def test_is_the_same_answer_and_leaves_nothing_behind(self):
        calendar = Calendar.from_spec(LUNCH)
        kept, once = Hours.of(calendar), Hours.once(calendar)
        assert Hours.once(calendar) is not once
        asked = (at("2026-03-03T15:00-05:00"),)
        assert due(kept, *asked, seconds=100_000).counted == due(once, *asked, seconds=100_000).counted


class TestSeveralCalendars:
    def test_are_open_where_each_is(self):
        berlin = {"time_zone": "Europe/Berlin", "weekly": dict.fromkeys(WORKDAYS, [["09:00", "18:00"]])}
        both = hours(NEW_YORK, berlin)
        # 2026-03-03: New York 14-22 UTC, Berlin 8-17 UTC, both 14-17 UTC.
        assert elapsed(both, at("2026-03-03T00:00+00:00"), at("2026-03-04T00:00+00:00")).seconds == 3 * HOUR
        # 2026-03-17, New York already on summer time: 13-21 UTC, so both 13-17 UTC.
        assert elapsed(both, at("2026-03-17T00:00+00:00"), at("2026-03-18T00:00+00:00")).seconds == 4 * HOUR

    def test_give_the_first_ones_reason(self):
        rep = {**NEW_YORK, "holidays": {"2026-03-04": "Founders' day"}}
        for combined, why in (
            (hours(NEW_YORK, rep), "outside hours"),
            (hours(rep, NEW_YORK), "holiday: Founders' day"),
        ):
            answer = elapsed(combined, at("2026-03-04T06:00-05:00"), at("2026-03-04T12:00-05:00"))
            assert answer.uncounted[0].why == why
            assert answer.uncounted[-1].why == "holiday: Founders' day"
            assert answer.counted == ()

    def test_share_what_is_compiled_when_equal(self):
        assert hours(NEW_YORK) is hours(dict(reversed(NEW_YORK.items())))
        assert hours(NEW_YORK, NEW_YORK) is hours(NEW_YORK)
        assert hours(NEW_YORK, LUNCH) is not hours(LUNCH, NEW_YORK)


class TestMoments:
    @pytest.mark.parametrize(
        ("moment", "expected", "opens", "closes"),
        [
            ("2026-03-03T08:59:59-05:00", False, "2026-03-03T09:00-05:00", "2026-03-03T08:59:59-05:00"),
            ("2026-03-03T09:00-05:00", True, "2026-03-03T09:00-05:00", "2026-03-03T17:00-05:00"),  # opening is open
            ("2026-03-03T16:59:59-05:00", True, "2026-03-03T16:59:59-05:00", "2026-03-03T17:00-05:00"),
            ("2026-03-03T17:00-05:00", False, "2026-03-04T09:00-05:00", "2026-03-03T17:00-05:00"),  # closing is closed
            ("2026-03-06T18:00-05:00", False, "2026-03-09T09:00-04:00", "2026-03-06T18:00-05:00"),  # Friday: Monday
        ],
    )
    def test_are_open_or_closed(self, moment, expected, opens, closes):
        assert is_open(hours(NEW_YORK), at(moment)) is expected
        assert next_open(hours(NEW_YORK), at(moment)) == at(opens)
        assert next_close(hours(NEW_YORK), at(moment)) == at(closes)

    def test_never_close_round_the_clock(self):
        moment = at("2026-03-03T17:00-05:00")
        for always in (Hours.always(), hours(daily("America/New_York", ["00:00", "24:00"]))):
            assert is_open(always, moment)
            assert next_open(always, moment) == moment
            assert next_close(always, moment) is None

    @pytest.mark.parametrize(
        ("now", "left"),
        [
            ("2026-03-03T16:13-05:00", 47 * 60),  # 47 min of working time left
            ("2026-03-03T20:00-05:00", 0),  # due at closing, hours later: not a working second has passed
            ("2026-03-04T09:10-05:00", -600),  # ten working minutes late
            ("2026-03-03T17:00-05:00", 0),
        ],
    )
    def test_have_working_time_left_or_lost(self, now, left):
        assert remaining(hours(NEW_YORK), at(now), at("2026-03-03T17:00-05:00")) == left
