"""Working time over the API takes whatever is sent: no question costs much, and none breaks it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from leads.models import Role
from sla.worktime import hours
from tests.desk import person
from tests.sla.asking import NEW_YORK, TUESDAY, WORKDAYS, api, ask, deadline
from tests.thorough import THOROUGH

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> APIClient:
    """A program of some rep."""
    return api(person(Role.REP, "Ivo Calm"))


# Every day cut into 24 shifts and as many breaks: the dearest lawful calendar.
COMB = [[f"{hour:02}:00", f"{hour:02}:30"] for hour in range(24)]
TEETH = [[f"{hour:02}:10", f"{hour:02}:20"] for hour in range(24)]
DEAREST = {
    "time_zone": "Africa/Casablanca",
    "weekly": dict.fromkeys((*WORKDAYS, "sat", "sun"), COMB),
    "weekly_breaks": dict.fromkeys((*WORKDAYS, "sat", "sun"), TEETH),
    "recurring_holidays": ["02-29"],
}
DATES = [(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(n)).date().isoformat() for n in range(4000)]
RARE = {"time_zone": "UTC", "date_overrides": {day: [["00:00", "00:01"]] for day in DATES[::200]}}
DEAR = {
    "ten years of a comb": {"calendar": DEAREST, "seconds": 80_000_000},
    "half a minute a day": {
        "calendar": {"time_zone": "UTC", "weekly": {"mon": [["00:00", "00:01"]]}},
        "seconds": 31_000,
    },
    "one minute in two hundred days": {"calendar": RARE, "seconds": 3000},
    "as many business days as fit": {"calendar": DEAREST, "business_days": 3600},
    "many dates": {
        "calendar": NEW_YORK | {"holidays": DATES, "date_overrides": dict.fromkeys(DATES[:3000], [])},
        "seconds": 60,
    },
    "dates that are all closed": {
        "calendar": {"time_zone": "UTC", "date_overrides": dict.fromkeys(DATES, [])},
        "seconds": 60,
    },
    "many pauses": {
        "calendar": NEW_YORK,
        "seconds": 36_000_000,
        "pauses": [[f"{day}T00:00:00Z", f"{day}T15:00:00Z"] for day in DATES[:1000]],
    },
    "pauses in another millennium": {
        "calendar": NEW_YORK,
        "seconds": 60,
        "pauses": [[f"{year}-01-01T00:00:00Z", f"{year + 1}-01-01T00:00:00Z"] for year in range(2026, 2890)],
    },
}


class TestTheCost:
    @pytest.mark.parametrize("case", DEAR)
    def test_of_a_hostile_question_is_bounded(self, program: APIClient, case: str) -> None:
        begun = time.process_time()
        answer = ask(program, "deadline", {"start": "2026-01-01T00:00:00Z"} | DEAR[case])
        assert answer.status_code in (200, 422)
        assert time.process_time() - begun < 2.0, f"{case}: one second at most, on a quiet machine"

    def test_of_a_sum_is_bounded_in_lines(self, program: APIClient) -> None:
        body = {"calendar": DEAREST, "start": "2026-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"}
        answer = ask(program, "elapsed", body)
        assert (answer.status_code, answer.json()["field"]) == (422, "start")
        assert "more than 20000 lines" in answer.json()["detail"]

    def test_leaves_nothing_of_an_inline_calendar_behind(self, program: APIClient) -> None:
        kept = hours._interned.cache_info().currsize, hours._kept_segments.cache_info().currsize
        deadline(program, calendar=NEW_YORK | {"time_zone": "Asia/Kathmandu"}, start=TUESDAY, seconds=60)
        assert (hours._interned.cache_info().currsize, hours._kept_segments.cache_info().currsize) == kept


SMALL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["09:00", "24:00", "2026-03-03", "02-29", "UTC", TUESDAY, "mon", "always"]),
)
KEYS = st.sampled_from(
    [
        "calendar",
        "start",
        "seconds",
        "business_days",
        "pauses",
        "end",
        "time_zone",
        "weekly",
        "mon",
        "sun",
        "breaks",
        "weekly_breaks",
        "holidays",
        "recurring_holidays",
        "date_overrides",
        "2026-03-03",
        "12-25",
        "",
        "x",
    ]
)
ANYTHING = st.recursive(SMALL, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5))
LIKELY = st.fixed_dictionaries(
    {"calendar": st.just(NEW_YORK) | ANYTHING, "start": st.just(TUESDAY) | SMALL},
    optional={"seconds": st.integers(0, 10**9) | SMALL, "business_days": SMALL, "pauses": ANYTHING, "end": SMALL},
)
CALENDARS = st.fixed_dictionaries(
    {"time_zone": st.sampled_from(["UTC", "Africa/Cairo", "Australia/Lord_Howe"])},
    optional=dict.fromkeys(("weekly", "weekly_breaks"), st.dictionaries(KEYS, ANYTHING, max_size=3))
    | dict.fromkeys(("breaks", "date_overrides", "holidays", "recurring_holidays"), ANYTHING),
)


class TestWhateverIsSent:
    @settings(
        max_examples=2_000 if THOROUGH else 80,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(body=ANYTHING | LIKELY | CALENDARS.map(lambda each: {"calendar": each, "start": TUESDAY, "seconds": 60}))
    def test_is_answered_or_refused_and_never_breaks(self, program: APIClient, body: Any) -> None:
        for path in ("deadline", "elapsed"):
            answer = ask(program, path, body)
            assert answer.status_code in (200, 400, 422), (path, body)
            if answer.status_code != 200:
                assert answer.json()["detail"]
