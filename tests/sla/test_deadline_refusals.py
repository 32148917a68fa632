"""What working time refuses over the API: the field, and the way out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from leads.models import Role
from tests.desk import person
from tests.sla.asking import NEW_YORK, TUESDAY, WORKDAYS, api, ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> APIClient:
    """A program of some rep."""
    return api(person(Role.REP, "Ivo Calm"))


def with_(**parts: Any) -> dict[str, Any]:
    return {"calendar": NEW_YORK | parts}


REFUSED = [
    # What the body says, the field that is named, a word of the way out.
    ({"calendar": {}}, "calendar.time_zone", "America/New_York"),
    ({"calendar": {"time_zone": "UTC"}}, "calendar.weekly", "never open"),
    ({"calendar": {"time_zone": "UTC", "weekly": {"mon": []}}}, "calendar.weekly", "at least one day"),
    (with_(weekly_breaks=dict.fromkeys(WORKDAYS, [["08:00", "18:00"]])), "calendar.weekly", "breaks do not cover"),
    (with_(time_zone="Mars/Olympus"), "calendar.time_zone", "not a time zone"),
    (with_(time_zone="A" * 200_000), "calendar.time_zone", "not a time zone"),
    (with_(zone="UTC"), "calendar.zone", "Its parts are"),
    (with_(weekly={"monday": []}), "calendar.weekly", "mon, tue"),
    (with_(weekly={"mon": "9-17"}), "calendar.weekly.mon", "list of pairs"),
    (with_(weekly={"mon": [["09:00", "12:00"], ["12:00"]]}), "calendar.weekly.mon[1]", "not a pair"),
    (with_(weekly={"mon": [["09:00", "12:00"], ["11:00", "17:00"]]}), "calendar.weekly.mon[1]", "overlaps 09:00-12:00"),
    (with_(weekly={"mon": [["11:00", "17:00"], ["09:00", "12:00"]]}), "calendar.weekly.mon[1]", "overlaps 11:00-17:00"),
    (with_(weekly={"mon": [["22:00", "06:00"]], "tue": [["05:00", "09:00"]]}), "calendar.weekly.tue", "overlaps"),
    (with_(weekly={"mon": [["09:00", "09:00"]]}), "calendar.weekly.mon[0]", '["00:00", "24:00"]'),
    (with_(weekly={"mon": [["24:00", "09:00"]]}), "calendar.weekly.mon[0]", "00:00 of the next day"),
    (with_(weekly={"mon": [["09:00", "25:00"]]}), "calendar.weekly.mon[0]", "not a time"),
    (with_(weekly={"mon": [["09:00", 17]]}), "calendar.weekly.mon[0]", "not a time"),
    (with_(weekly={"mon": [["00:00", "00:01"]] * 25}), "calendar.weekly.mon", "at most 24"),
    (with_(date_overrides={"2026-02-30": []}), "calendar.date_overrides", "not a date"),
    (
        with_(date_overrides={"2026-12-24": [["09:00", "10:00"], ["09:30", "11:00"]]}),
        "calendar.date_overrides.2026-12-24[1]",
        "overlaps",
    ),
    (with_(breaks={"2026-12-24": [["12:00", "12:00"]]}), "calendar.breaks.2026-12-24[0]", "same time"),
    (with_(weekly_breaks={"fri": [["12", "13"]]}), "calendar.weekly_breaks.fri[0]", "not a time"),
    (with_(holidays=["2026-12-24", "2025-02-29"]), "calendar.holidays[1]", "not a date"),
    (with_(holidays={"2026-12-24": "x" * 201}), "calendar.holidays.2026-12-24", "at most 200"),
    (with_(holidays=["2026-12-24"] * 4001), "calendar.holidays", "at most 4000"),
    (with_(recurring_holidays=["01-01", "02-30"]), "calendar.recurring_holidays[1]", "not a day of the year"),
    (with_(recurring_holidays=["1-1"]), "calendar.recurring_holidays[0]", "12-25"),
    ({"calendar": []}, "calendar", "Give an id"),
    ({"calendar": True}, "calendar", "Give an id"),
    ({"calendar": 1.5}, "calendar", "Give an id"),
    ({"start": "2026-03-03T15:00:00"}, "start", "offset from UTC"),
    ({"start": "2026-03-03"}, "start", "offset from UTC"),
    ({"start": "next Tuesday"}, "start", "not a moment"),
    ({"start": "2026-02-30T15:00:00Z"}, "start", "not a moment"),
    ({"start": "2026-03-03T15:00:61Z"}, "start", "not a moment"),
    ({"start": "2026-03-03T15:00:00+25:00"}, "start", "not a moment"),
    ({"start": 1772550000}, "start", "not a moment"),
    ({"start": None}, "start", "missing"),
    ({"start": "1899-12-31T23:59:59Z"}, "start", "between the years"),
    ({"start": "9999-12-31T23:59:59-14:00"}, "start", "between the years"),
    ({"start": "0001-01-01T00:00:00+14:00"}, "start", "between the years"),
    ({"pauses": {}}, "pauses", "list of pairs"),
    ({"pauses": [TUESDAY, TUESDAY]}, "pauses[0]", "where it ends"),
    ({"pauses": [[TUESDAY, TUESDAY], [TUESDAY]]}, "pauses[1]", "where it ends"),
    ({"pauses": [[TUESDAY, "2026-03-03T15:00:00"]]}, "pauses[0][1]", "offset from UTC"),
    ({"pauses": [[None, TUESDAY]]}, "pauses[0][0]", "missing"),
    ({"pauses": [[TUESDAY, "2026-03-03T14:00:00-05:00"]]}, "pauses[0]", "Swap"),
    ({"pauses": [[TUESDAY, TUESDAY]] * 1001}, "pauses", "at most 1000"),
    ({"colour": "red"}, "colour", "The fields are calendar"),
]
EVERY_DAY = [(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(n)).strftime("%m-%d") for n in range(366)]
REFUSED_DEADLINES = [
    ({"seconds": None}, "seconds", "one of seconds and business_days"),
    ({"business_days": 1}, "seconds", "not both"),
    ({"seconds": -1}, "seconds", "0 or more"),
    ({"seconds": 1.5}, "seconds", "whole number"),
    ({"seconds": 60.0}, "seconds", "whole number"),
    ({"seconds": True}, "seconds", "whole number"),
    ({"seconds": "60"}, "seconds", "whole number"),
    ({"seconds": 2**63 - 1}, "seconds", "more than 10 years"),
    ({"seconds": 316_224_001}, "seconds", "more than 10 years"),
    ({"seconds": 100_000_000}, "seconds", "not spent within 10 years"),  # 9.5 years round the clock, 40 of these hours
    ({"seconds": None, "business_days": 0}, "business_days", "1 or more"),
    ({"seconds": None, "business_days": -1}, "business_days", "1 or more"),
    ({"seconds": None, "business_days": 1.0}, "business_days", "whole number"),
    ({"seconds": None, "business_days": True}, "business_days", "whole number"),
    ({"seconds": None, "business_days": 3000}, "business_days", "more than 10 years"),
    ({"seconds": None, "business_days": 2**62}, "business_days", "more than 10 years"),
    ({"seconds": None, "business_days": 2**62, "calendar": "always"}, "business_days", "more than 10 years"),
    ({"pauses": [[TUESDAY, None]]}, "pauses[0][1]", "no end"),
    ({"pauses": [[TUESDAY, "2800-01-01T00:00:00Z"]]}, "start", "shorter pauses"),
    ({"end": TUESDAY}, "end", "The fields are"),
    # Open once, in the past; open never again in the next 366 days; closed by holidays on every day of the year.
    (
        {"calendar": {"time_zone": "UTC", "date_overrides": {"2020-01-01": [["09:00", "10:00"]]}}},
        "calendar",
        "within 366 days",
    ),
    (
        {"calendar": {"time_zone": "UTC", "date_overrides": {"2028-01-01": [["09:00", "10:00"]]}}},
        "calendar",
        "within 366 days",
    ),
    (with_(recurring_holidays=EVERY_DAY), "calendar", "within 366 days"),
]
REFUSED_ELAPSED = [
    ({"end": "2026-03-03T14:59:59-05:00"}, "end", "Swap"),
    ({"end": "2037-03-03T15:00:00-05:00"}, "end", "more than 10 years"),
    ({"end": None}, "end", "missing"),
    ({"seconds": 60}, "seconds", "The fields are"),
]


class TestARefusal:
    @pytest.mark.parametrize(("body", "field", "told"), [*REFUSED, *REFUSED_DEADLINES])
    def test_of_a_deadline_names_the_field_and_the_way_out(self, program, body, field, told) -> None:
        self.assert_refused(
            program, "deadline", {"calendar": NEW_YORK, "start": TUESDAY, "seconds": 60} | body, field, told
        )

    @pytest.mark.parametrize(("body", "field", "told"), [*REFUSED, *REFUSED_ELAPSED])
    def test_of_elapsed_names_the_field_and_the_way_out(self, program, body, field, told) -> None:
        self.assert_refused(
            program, "elapsed", {"calendar": NEW_YORK, "start": TUESDAY, "end": TUESDAY} | body, field, told
        )

    def assert_refused(self, program: APIClient, path: str, body: Any, field: str, told: str) -> None:
        answer = ask(program, path, body)
        assert answer["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert (answer.status_code, problem["status"], problem["field"]) == (422, 422, field), problem
        assert told in problem["detail"], problem
        assert len(problem["detail"]) < 400, problem

    @pytest.mark.parametrize("missing", ["calendar", "start"])
    def test_names_what_is_missing(self, program: APIClient, missing: str) -> None:
        body = {"calendar": NEW_YORK, "start": TUESDAY, "seconds": 60}
        del body[missing]
        answer = ask(program, "deadline", body)
        assert (answer.status_code, answer.json()["field"]) == (422, missing)

    @pytest.mark.parametrize("body", [[], "text", 5, None, [{}], b""])
    def test_of_what_is_no_object_says_what_to_give(self, program: APIClient, body: Any) -> None:
        answer = ask(program, "deadline", body)
        assert answer.status_code == 422
        assert "calendar" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (b'{"seconds": 1, "seconds": 2}', "The key seconds stands twice"),
            (b'{"calendar": {"weekly": {"mon": [], "mon": []}}}', "The key mon stands twice"),
            (b'{"a\\nb": 1, "a\\u000ab": 2}', "stands twice"),
            (b"{", "not valid JSON"),
            (b'{"seconds": NaN}', "NaN"),
            (b'{"seconds": 1e999}', "finite"),
            (b'{"seconds": 99999999999999999999}', "64 bits"),
            (b'{"calendar": "\\u0000"}', "NUL"),
            (b"[" * 5000 + b"]" * 5000, "deep"),
        ],
    )
    def test_of_json_that_could_mean_two_things_says_so(self, program: APIClient, raw: bytes, told: str) -> None:
        answer = ask(program, "deadline", raw)
        assert answer.status_code == 400
        assert told in answer.json()["detail"]

    def test_of_what_is_no_json_names_the_type(self, program: APIClient) -> None:
        answer = program.post("/api/v1/deadline/", "start=now", content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 415

    def test_of_a_body_without_end_comes_early(self, program: APIClient) -> None:
        answer = ask(program, "deadline", b'{"calendar": "' + b"x" * 300_000 + b'"}')
        assert answer.status_code == 413
