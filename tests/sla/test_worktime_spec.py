"""What a calendar may say, how it refuses, and how it reads."""

import json
import subprocess
import sys

import pytest

from sla.worktime import Calendar, CalendarError, Hours, WorktimeError, sentence

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = {"time_zone": "America/New_York", "weekly": dict.fromkeys(WORKDAYS, [["09:00", "17:30"]])}
NIGHT = [["22:00", "06:00"]]


def weekly(**days):
    return {"time_zone": "UTC", "weekly": days}


class TestFromSpec:
    @pytest.mark.parametrize(
        ("spec", "field", "day", "told"),
        [
            ([], "calendar", "", "give an object"),
            ({}, "time_zone", "", "missing"),
            ({**OFFICE, "time_zone": "America/Gotham"}, "time_zone", "", "not a time zone"),
            ({**OFFICE, "time_zone": "America"}, "time_zone", "", "not a time zone"),
            ({**OFFICE, "time_zone": "../../etc/passwd"}, "time_zone", "", "not a time zone"),
            ({**OFFICE, "time_zone": 5}, "time_zone", "", "not a time zone"),
            ({**OFFICE, "time_zone": ["UTC"]}, "time_zone", "", "not a time zone"),
            ({**OFFICE, "holiday": []}, "holiday", "", "Its parts are time_zone, weekly"),
            ({**OFFICE, "weekly": [["09:00", "17:00"]]}, "weekly", "", "give an object"),
            (weekly(monday=[["09:00", "17:00"]]), "weekly", "", "They are mon, tue"),
            (weekly(mon="09:00-17:00"), "weekly", "mon", "list of pairs"),
            (weekly(mon=["09:00", "17:00"]), "weekly", "mon", "not a pair of times"),
            (weekly(mon=[["09:00", "12:00", "13:00"]]), "weekly", "mon", "not a pair of times"),
            (weekly(mon=[["9:00", "17:00"]]), "weekly", "mon", "'9:00' is not a time"),
            (weekly(mon=[["09:00", "24:30"]]), "weekly", "mon", "'24:30' is not a time"),
            (weekly(mon=[["09:00", "17:60"]]), "weekly", "mon", "'17:60' is not a time"),
            (weekly(mon=[["09:00", "17:00\n"]]), "weekly", "mon", "is not a time"),
            (weekly(mon=[["09:00", "١٧:٠٠"]]), "weekly", "mon", "is not a time"),
            (weekly(mon=[["09:00", None]]), "weekly", "mon", "None is not a time"),
            (weekly(mon=[["24:00", "06:00"]]), "weekly", "mon", "24:00 can only be an end"),
            (weekly(mon=[["09:00", "09:00"]]), "weekly", "mon", 'write ["00:00", "24:00"]'),
            ({**OFFICE, "date_overrides": {"24.12.2026": []}}, "date_overrides", "", "not a date"),
            ({**OFFICE, "date_overrides": {"2026-02-30": []}}, "date_overrides", "", "not a date"),
            ({**OFFICE, "date_overrides": {"2026-12-24": None}}, "date_overrides", "2026-12-24", "list of pairs"),
            ({**OFFICE, "breaks": {"2026-12-24": [["12:00", "12:00"]]}}, "breaks", "2026-12-24", "same time"),
            ({**OFFICE, "weekly_breaks": {"fri": [["12", "13"]]}}, "weekly_breaks", "fri", "not a time"),
            ({**OFFICE, "holidays": "2026-12-24"}, "holidays", "", "give a list"),
            ({**OFFICE, "holidays": ["20261224"]}, "holidays", "", "not a date"),
            ({**OFFICE, "holidays": ["0026-12-24"]}, "holidays", "", "out of reach"),
            ({**OFFICE, "holidays": [["2026-12-24"]]}, "holidays", "", "not a date"),
            ({**OFFICE, "holidays": {"2026-12-24": 7}}, "holidays", "2026-12-24", "not a name"),
            ({**OFFICE, "recurring_holidays": ["24-12"]}, "recurring_holidays", "", "not a day of the year"),
            ({**OFFICE, "recurring_holidays": ["2026-12-24"]}, "recurring_holidays", "", "not a day of the year"),
        ],
    )
    def test_refuses_what_cannot_be_meant(self, spec, field, day, told):
        with pytest.raises(CalendarError) as refused:
            Calendar.from_spec(spec)
        assert isinstance(refused.value, WorktimeError | ValueError)
        assert (refused.value.field, refused.value.day) == (field, day)
        assert told in str(refused.value)
        assert str(refused.value).startswith(f"{field}, {day}: " if day else f"{field}: ")

    @pytest.mark.parametrize(
        ("spec", "path"),
        [
            (weekly(mon=[["09:00", "12:00"], ["12:00", "12:00"]]), "weekly.mon[1]"),
            (weekly(mon=[["13:00", "17:00"], ["09:00", "14:00"]]), "weekly.mon[1]"),  # as given, not as sorted
            (weekly(mon=NIGHT, tue=[["05:00", "09:00"]]), "weekly.tue"),
            ({**OFFICE, "breaks": {"2026-12-24": [["12:00", "13:00"], [1, 2]]}}, "breaks.2026-12-24[1]"),
            ({**OFFICE, "holidays": ["2026-12-25", "2026-13-25"]}, "holidays[1]"),
            ({**OFFICE, "holidays": {"2026-12-25": 5}}, "holidays.2026-12-25"),
            ({**OFFICE, "recurring_holidays": ["12-25", "02-30"]}, "recurring_holidays[1]"),
            ({**OFFICE, "time_zone": "x"}, "time_zone"),
        ],
    )
    def test_says_where(self, spec, path):
        with pytest.raises(CalendarError) as refused:
            Calendar.from_spec(spec)
        assert refused.value.path == path

    @pytest.mark.parametrize(
        ("spec", "told"),
        [
            (weekly(mon=[["00:00", "00:01"]] * 25), "at most 24"),
            ({**OFFICE, "weekly_breaks": {"mon": [["00:00", "00:01"]] * 25}}, "at most 24"),
            ({**OFFICE, "holidays": ["2026-12-25"] * 4_001}, "at most 4000"),
            ({**OFFICE, "holidays": {"2026-12-25": "x" * 201}}, "at most 200"),
            ({**OFFICE, "time_zone": "x" * 10_000}, "not a time zone"),
            ({**OFFICE, "x" * 10_000: 1}, "not part of a calendar"),
        ],
    )
    def test_refuses_sizes_nobody_means_in_few_words(self, spec, told):
        with pytest.raises(CalendarError, match=told) as refused:
            Calendar.from_spec(spec)
        assert len(str(refused.value)) < 300

    @pytest.mark.parametrize(
        ("spec", "field", "day", "told"),
        [
            (
                weekly(mon=[["09:00", "12:00"], ["11:00", "17:00"]]),
                "weekly",
                "mon",
                "11:00-17:00 overlaps 09:00-12:00.",
            ),
            (weekly(mon=[["11:00", "17:00"], ["09:00", "12:00"]]), "weekly", "mon", "overlaps"),  # in any order
            (weekly(mon=[["09:00", "12:00"], ["09:00", "12:00"]]), "weekly", "mon", "overlaps"),  # twice the same
            (weekly(mon=[["09:00", "17:00"], ["10:00", "11:00"]]), "weekly", "mon", "overlaps"),  # one within the other
            (weekly(mon=[["20:00", "04:00"], ["22:00", "23:00"]]), "weekly", "mon", "overlaps"),  # before midnight
            # Across midnight, and across the wrap of the week.
            (weekly(mon=NIGHT, tue=[["05:00", "09:00"]]), "weekly", "tue", "05:00-09:00 overlaps 22:00-06:00 of mon."),
            (weekly(sun=NIGHT, mon=[["05:59", "09:00"]]), "weekly", "mon", "overlaps 22:00-06:00 of sun."),
            # What overrides meet, before and after them.
            (
                {**weekly(mon=NIGHT), "date_overrides": {"2026-03-03": [["05:00", "09:00"]]}},
                "date_overrides",
                "2026-03-03",
                "05:00-09:00 overlaps 22:00-06:00 of 2026-03-02.",
            ),
            (
                {**OFFICE, "date_overrides": {"2026-03-02": [["20:00", "10:00"]]}},
                "date_overrides",
                "2026-03-02",
                "20:00-10:00 overlaps 09:00-17:30 of 2026-03-03.",
            ),
        ],
    )
    def test_refuses_overlapping_shifts(self, spec, field, day, told):
        with pytest.raises(CalendarError) as refused:
            Calendar.from_spec(spec)
        assert (refused.value.field, refused.value.day) == (field, day)
        assert told in str(refused.value)
        assert "End one where the other begins" in str(refused.value)

    @pytest.mark.parametrize(
        "spec",
        [
            weekly(mon=[["09:00", "12:00"], ["12:00", "17:00"]]),
            weekly(mon=NIGHT, tue=[["06:00", "09:00"]]),
            weekly(sun=NIGHT, mon=[["06:00", "24:00"]]),
            weekly(mon=[["00:00", "24:00"]], tue=[["00:00", "24:00"]]),
            # The next day's shift falls to a holiday, so nothing overlaps.
            {**OFFICE, "date_overrides": {"2026-03-02": [["20:00", "10:00"]]}, "holidays": ["2026-03-03"]},
            # Breaks may overlap: they cut once.
            {**OFFICE, "weekly_breaks": {"mon": [["12:00", "13:00"], ["12:30", "13:30"]]}},
        ],
    )
    def test_takes_shifts_that_touch(self, spec):
        assert Calendar.from_spec(spec)

    @pytest.mark.parametrize(
        "spec",
        [
            weekly(),
            {"time_zone": "UTC"},
            weekly(mon=[]),
            {**weekly(), "date_overrides": {"2026-03-03": []}},
            {**weekly(mon=[["09:00", "12:00"]]), "weekly_breaks": {"mon": [["08:00", "12:00"]]}},
            {**weekly(mon=NIGHT), "weekly_breaks": {"mon": [["22:00", "24:00"]], "tue": [["00:00", "06:00"]]}},
        ],
    )
    def test_refuses_a_calendar_that_is_never_open(self, spec):
        with pytest.raises(CalendarError, match="never open") as refused:
            Calendar.from_spec(spec)
        assert refused.value.field == "weekly"

    def test_takes_a_calendar_open_on_single_dates_only(self):
        assert Calendar.from_spec({"time_zone": "UTC", "date_overrides": {"2026-03-03": [["09:00", "10:00"]]}})


class TestToSpec:
    FULL = {
        "time_zone": "Europe/Berlin",
        "weekly": {"mon": [["09:00", "12:30"], ["13:30", "24:00"]], "fri": [["22:00", "06:00"]]},
        "date_overrides": {"2026-12-24": [["09:00", "12:00"]], "2026-12-27": []},
        "breaks": {"2026-12-21": [["10:00", "10:15"]]},
        "weekly_breaks": {"mon": [["15:00", "15:15"]]},
        "holidays": {"2026-12-25": "Christmas", "2026-12-26": ""},
        "recurring_holidays": ["01-01", "05-01"],
    }

    def test_gives_back_what_was_said(self):
        assert Calendar.from_spec(self.FULL).to_spec() == self.FULL
        assert Calendar.from_spec(json.loads(json.dumps(self.FULL))).to_spec() == self.FULL

    def test_puts_equal_calendars_into_one_form(self):
        scrambled = {
            "recurring_holidays": ["05-01", "01-01", "05-01"],
            "holidays": {"2026-12-26": " ", "2026-12-25": "Christmas "},
            "weekly_breaks": {"mon": (("15:00", "15:15"),), "tue": []},
            "breaks": {"2026-12-21": [["10:00", "10:15"]], "2026-12-22": []},
            "date_overrides": {"2026-12-27": [], "2026-12-24": [["09:00", "12:00"]]},
            "weekly": {"fri": [["22:00", "06:00"]], "mon": [["13:30", "00:00"], ["09:00", "12:30"]], "sun": []},
            "time_zone": "Europe/Berlin",
        }
        one, other = Calendar.from_spec(self.FULL), Calendar.from_spec(scrambled)
        assert one == other
        assert hash(one) == hash(other)
        assert other.to_spec() == self.FULL
        assert Hours.of(one) is Hours.of(other)

    def test_tells_different_calendars_apart(self):
        assert Calendar.from_spec(self.FULL) != Calendar.from_spec({**self.FULL, "holidays": ["2026-12-25"]})


class TestSentence:
    @pytest.mark.parametrize(
        ("spec", "told"),
        [
            (OFFICE, "Mon–Fri 09:00–17:30, New York time"),
            (
                {
                    **OFFICE,
                    "weekly_breaks": dict.fromkeys(WORKDAYS, [["12:00", "13:00"]]),
                    "holidays": [f"2026-0{n}-01" for n in range(1, 9)],
                    "recurring_holidays": ["12-25"],
                },
                "Mon–Fri 09:00–17:30, lunch 12:00–13:00, New York time, 9 holidays",
            ),
            (
                weekly(**dict.fromkeys(("mon", "tue", "wed", "sat"), [["09:00", "12:30"], ["13:30", "18:00"]])),
                "Mon–Wed and Sat 09:00–12:30 and 13:30–18:00, UTC",
            ),
            (weekly(mon=NIGHT, fri=[["09:00", "24:00"]]), "Mon 22:00–06:00 the next day, Fri 09:00–24:00, UTC"),
            (weekly(**dict.fromkeys((*WORKDAYS, "sat", "sun"), [["00:00", "24:00"]])), "round the clock, UTC"),
            (
                {**OFFICE, "weekly_breaks": {"fri": [["15:00", "15:30"]]}, "date_overrides": {"2026-12-24": []}},
                "Mon–Fri 09:00–17:30, break Fri 15:00–15:30, New York time, 1 special date",
            ),
            (
                {"time_zone": "UTC", "date_overrides": {"2026-12-24": [["09:00", "10:00"]]}},
                "no weekly hours, UTC, 1 special date",
            ),
        ],
    )
    def test_says_the_calendar(self, spec, told):
        assert sentence(spec) == told

    def test_refuses_what_is_no_calendar(self):
        with pytest.raises(CalendarError):
            sentence({"time_zone": "UTC"})


class TestTheRoom:
    def test_is_pure(self):
        code = "import sys, sla.worktime; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
