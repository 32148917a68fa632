"""What changed, in the business's words."""

from __future__ import annotations

from typing import Any

import pytest

from sla.publishing.differences import differences, said_by_calendar

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
BASE: dict[str, Any] = {"time_zone": "UTC", "weekly": dict.fromkeys(WEEKDAYS, [["09:00", "17:00"]])}


def hours(**parts: Any) -> dict[str, Any]:
    return BASE | parts


class TestDifferences:
    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ({"Accept for hot": "15 min"}, {"Accept for hot": "10 min"}, ["Accept for hot: 15 min → 10 min"]),
            ({"A": "1", "B": "2"}, {"A": "1", "B": "2"}, []),
            ({}, {"Accept for cool": "4 h"}, ["+ Accept for cool: 4 h"]),
            ({"Accept for cool": "4 h"}, {}, ["− Accept for cool: 4 h"]),
            # What is simply there reads without a colon.
            ({"Ladder of accept at 75 %": ""}, {}, ["− Ladder of accept at 75 %"]),
            ({"holiday 24 Dec": ""}, {"holiday 24 Dec": "Eve"}, ["holiday 24 Dec: empty → Eve"]),
            # In the order of the newer version, then what is gone.
            ({"A": "1", "B": "2", "C": "3"}, {"C": "4", "A": "0"}, ["C: 3 → 4", "A: 1 → 0", "− B: 2"]),
        ],
    )
    def test_say_what_reads_otherwise(self, old: dict[str, str], new: dict[str, str], told: list[str]) -> None:
        assert differences(old, new) == told


class TestCalendars:
    @pytest.mark.parametrize(
        ("new", "told"),
        [
            (hours(), []),
            (
                hours(weekly=BASE["weekly"] | {"mon": [["09:00", "18:00"]]}),
                ["Mon 09:00–17:00 → 09:00–18:00"],
            ),
            (
                hours(weekly={day: BASE["weekly"][day] for day in WEEKDAYS[:4]} | {"sat": [["10:00", "24:00"]]}),
                ["Fri 09:00–17:00 → closed", "Sat closed → 10:00–24:00"],
            ),
            (hours(recurring_holidays=["12-24"]), ["+ holiday every 24 Dec"]),
            (hours(recurring_holidays=["02-29"]), ["+ holiday every 29 Feb"]),
            (hours(holidays={"2026-12-24": "Christmas Eve"}), ["+ holiday 24 Dec 2026: Christmas Eve"]),
            (hours(weekly_breaks={"tue": [["12:00", "12:30"]]}), ["+ break Tue 12:00–12:30"]),
            (hours(breaks={"2026-06-12": [["14:00", "16:00"]]}), ["+ break on 12 Jun 2026: 14:00–16:00"]),
            (hours(date_overrides={"2026-12-31": []}), ["+ hours on 31 Dec 2026: closed"]),
            (hours(time_zone="Europe/Berlin"), ["Time zone: UTC → Europe/Berlin"]),
        ],
    )
    def test_say_days_and_dates(self, new: dict[str, Any], told: list[str]) -> None:
        assert differences(said_by_calendar(BASE), said_by_calendar(new)) == told
        back = differences(said_by_calendar(new), said_by_calendar(BASE))
        assert len(back) == len(told), "the way back tells as much"
