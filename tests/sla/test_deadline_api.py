"""Working time over the API: the answers, stored calendars, and who may ask."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from leads import clock
from leads.models import Role, Team
from sla.models import Calendar, CalendarVersion, Desk
from tests import desk
from tests.desk import Company, person, rep_in
from tests.sla.asking import BERLIN, NEW_YORK, TUESDAY, WORKDAYS, api, ask, deadline, elapsed

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> APIClient:
    """A program of some rep."""
    return api(person(Role.REP, "Ivo Calm"))


@pytest.fixture
def company() -> Company:
    return desk.company(clock.now() - timedelta(days=1))


class TestADeadline:
    def test_says_when_and_how_it_was_counted(self, program: APIClient) -> None:
        """The example of docs/api.md: an hour on Thursday, three on Tuesday, Easter between."""
        holidays = {"2026-04-03": "Good Friday", "2026-04-06": "Easter Monday"}
        answer = deadline(
            program, calendar=BERLIN | {"holidays": holidays}, start="2026-04-02T17:00:00+02:00", seconds=14400
        )
        assert answer == {
            "due_at": "2026-04-07T10:00:00Z",
            "seconds": 14400,
            "counted": [
                {"from": "2026-04-02T15:00:00Z", "to": "2026-04-02T16:00:00Z", "seconds": 3600},
                {"from": "2026-04-07T07:00:00Z", "to": "2026-04-07T10:00:00Z", "seconds": 10800},
            ],
            "uncounted": [
                {"from": "2026-04-02T16:00:00Z", "to": "2026-04-02T22:00:00Z", "why": "outside hours"},
                {"from": "2026-04-02T22:00:00Z", "to": "2026-04-03T22:00:00Z", "why": "holiday: Good Friday"},
                {"from": "2026-04-03T22:00:00Z", "to": "2026-04-05T22:00:00Z", "why": "day off"},
                {"from": "2026-04-05T22:00:00Z", "to": "2026-04-06T22:00:00Z", "why": "holiday: Easter Monday"},
                {"from": "2026-04-06T22:00:00Z", "to": "2026-04-07T07:00:00Z", "why": "outside hours"},
            ],
            "calendar_version": None,
        }

    @pytest.mark.parametrize(
        ("calendar", "start", "budget", "due_at"),
        [
            (NEW_YORK, TUESDAY, {"seconds": 7200}, "2026-03-03T22:00:00Z"),  # ends at closing: due at closing
            (NEW_YORK, TUESDAY, {"seconds": 7201}, "2026-03-04T14:00:01Z"),
            (NEW_YORK, "2026-03-07T12:00:00Z", {"seconds": 0}, "2026-03-09T13:00:00Z"),  # Saturday: Monday's opening
            (NEW_YORK, TUESDAY, {"business_days": 1}, "2026-03-04T20:00:00Z"),
            (NEW_YORK, "2026-03-07T12:00:00-05:00", {"business_days": 1}, "2026-03-09T21:00:00Z"),
            (
                NEW_YORK | {"weekly_breaks": {"tue": [["16:00", "16:30"]]}},
                TUESDAY,
                {"seconds": 5400},
                "2026-03-03T22:00:00Z",
            ),
            (
                NEW_YORK | {"breaks": {"2026-03-03": [["15:30", "16:30"]]}},
                TUESDAY,
                {"seconds": 3600},
                "2026-03-03T22:00:00Z",
            ),
            (
                NEW_YORK | {"date_overrides": {"2026-03-03": [["09:00", "15:30"]]}},
                TUESDAY,
                {"seconds": 3600},
                "2026-03-04T14:30:00Z",
            ),
            (NEW_YORK | {"holidays": ["2026-03-04"]}, TUESDAY, {"seconds": 7260}, "2026-03-05T14:01:00Z"),
            (NEW_YORK | {"recurring_holidays": ["03-04"]}, TUESDAY, {"seconds": 7260}, "2026-03-05T14:01:00Z"),
            # 29 February 2028, a Tuesday, recurs; in 2027 there is none and 1 March is a workday.
            (
                NEW_YORK | {"recurring_holidays": ["02-29"]},
                "2028-02-28T16:00:00-05:00",
                {"seconds": 7200},
                "2028-03-01T15:00:00Z",
            ),
            (
                NEW_YORK | {"recurring_holidays": ["02-29"]},
                "2027-02-26T16:00:00-05:00",
                {"seconds": 7200},
                "2027-03-01T15:00:00Z",
            ),
            # 22:00 to 06:00 runs past midnight, over the missing hour of 8 March: seven hours, then a week later.
            (
                {"time_zone": "America/New_York", "weekly": {"sat": [["22:00", "06:00"]]}},
                "2026-03-07T22:00:00-05:00",
                {"seconds": 25200},
                "2026-03-08T10:00:00Z",
            ),
            (
                {"time_zone": "UTC", "weekly": dict.fromkeys((*WORKDAYS, "sat", "sun"), [["00:00", "24:00"]])},
                "2026-03-03T23:59:00Z",
                {"seconds": 120},
                "2026-03-04T00:01:00Z",
            ),
            ("always", TUESDAY, {"seconds": 60}, "2026-03-03T20:01:00Z"),
            (None, TUESDAY, {"business_days": 1}, "2026-03-04T20:00:00Z"),
            # Parts of a second stay.
            (NEW_YORK, "2026-03-03T15:00:00.25-05:00", {"seconds": 1}, "2026-03-03T20:00:01.250000Z"),
        ],
    )
    def test_is_due(self, program: APIClient, calendar: Any, start: str, budget: Any, due_at: str) -> None:
        answer = deadline(program, calendar=calendar, start=start, **budget)
        assert answer["due_at"] == due_at
        assert sum(row["seconds"] for row in answer["counted"]) == answer["seconds"]
        assert_gapless(answer, start, due_at)

    def test_stands_still_in_pauses_and_counts_overlapping_ones_once(self, program: APIClient) -> None:
        pauses = [["2026-03-03T20:30:00Z", "2026-03-03T21:00:00Z"], ["2026-03-03T20:45:00Z", "2026-03-03T21:15:00Z"]]
        answer = deadline(program, calendar=NEW_YORK, start=TUESDAY, seconds=3600, pauses=pauses)
        assert answer["due_at"] == "2026-03-03T21:45:00Z"
        assert answer["uncounted"] == [{"from": "2026-03-03T20:30:00Z", "to": "2026-03-03T21:15:00Z", "why": "paused"}]

    def test_is_undone_by_elapsed(self, program: APIClient) -> None:
        pauses = [["2026-03-04T15:00:00Z", "2026-03-04T16:00:00Z"]]
        due = deadline(program, calendar=BERLIN, start=TUESDAY, seconds=100_000, pauses=pauses)
        back = elapsed(program, calendar=BERLIN, start=TUESDAY, end=due["due_at"], pauses=pauses)
        assert back["seconds"] == 100_000
        assert (back["counted"], back["uncounted"]) == (due["counted"], due["uncounted"])


def assert_gapless(answer: dict[str, Any], start: str, end: str) -> None:
    rows = [(row["from"], row["to"]) for row in answer["counted"] + answer["uncounted"]]
    at = datetime.fromisoformat(start)
    for begun, ended in sorted((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in rows):
        assert begun == at
        assert ended > begun
        at = ended
    assert at == datetime.fromisoformat(end)


class TestElapsed:
    def test_is_the_working_time_between(self, program: APIClient) -> None:
        answer = elapsed(program, calendar=NEW_YORK, start=TUESDAY, end="2026-03-04T10:00:00-05:00")
        assert answer == {
            "seconds": 10800,
            "counted": [
                {"from": "2026-03-03T20:00:00Z", "to": "2026-03-03T22:00:00Z", "seconds": 7200},
                {"from": "2026-03-04T14:00:00Z", "to": "2026-03-04T15:00:00Z", "seconds": 3600},
            ],
            "uncounted": [{"from": "2026-03-03T22:00:00Z", "to": "2026-03-04T14:00:00Z", "why": "outside hours"}],
            "calendar_version": None,
        }

    def test_of_no_time_is_nothing(self, program: APIClient) -> None:
        answer = elapsed(program, calendar=NEW_YORK, start=TUESDAY, end=TUESDAY)
        assert (answer["seconds"], answer["counted"], answer["uncounted"]) == (0, [], [])

    def test_takes_a_pause_that_still_runs(self, program: APIClient) -> None:
        pauses = [["2026-03-03T21:00:00Z", None]]
        answer = elapsed(program, calendar=NEW_YORK, start=TUESDAY, end="2026-03-03T22:00:00Z", pauses=pauses)
        assert (answer["seconds"], answer["uncounted"][0]["why"]) == (3600, "paused")


class TestAStoredCalendar:
    def test_is_known_by_its_id_and_counts_by_the_version_in_force(self, program: APIClient, company: Company) -> None:
        stored = company.team.desk.calendar
        for number, opens in ((stored.current().number + 1, "09:00"), (stored.current().number + 2, "10:00")):
            spec = {"time_zone": "UTC", "weekly": dict.fromkeys(WORKDAYS, [[opens, "17:00"]])}
            CalendarVersion.objects.create(calendar=stored, number=number, spec=spec, created_at=clock.now())
        for known_as in (str(stored.public_id), stored.pk):
            answer = deadline(program, calendar=known_as, start="2026-03-03T00:00:00Z", seconds=60)
            assert answer["due_at"] == "2026-03-03T10:01:00Z"
            assert answer["calendar_version"] == number

    def test_is_listed_with_its_id_and_the_spec_that_may_be_asked_with(
        self, program: APIClient, company: Company, django_assert_max_num_queries: Any
    ) -> None:
        Calendar.objects.create(name="Without hours")
        stored = company.team.desk.calendar
        with django_assert_max_num_queries(4):  # the key, its last use, the page
            rows = program.get("/api/v1/calendars/").json()["results"]
        assert "Without hours" not in {row["name"] for row in rows}
        (row,) = (row for row in rows if row["public_id"] == str(stored.public_id))
        assert (row["public_id"], row["name"], row["version"]) == (str(stored.public_id), stored.name, 1)
        assert row["hours"]
        asked = {"start": TUESDAY, "seconds": 100_000}
        by_id, inline = (deadline(program, calendar=each, **asked) for each in (row["public_id"], row["spec"]))
        assert by_id["due_at"] == inline["due_at"]
        assert program.get(f"/api/v1/calendars/{row['public_id']}/").json() == row

    @pytest.mark.parametrize(
        "unknown",
        ["2fec4775-58b9-4e2f-8141-da5847d3dcdb", "Office", "", "1", 0, -1, 2**62, "\x00".replace("\x00", "%00")],
    )
    def test_that_is_unknown_is_refused_with_the_way_out(self, program: APIClient, unknown: Any) -> None:
        answer = ask(program, "deadline", {"calendar": unknown, "start": TUESDAY, "seconds": 60})
        assert (answer.status_code, answer.json()["field"]) == (422, "calendar")
        assert "GET /api/v1/calendars/" in answer.json()["detail"]

    def test_without_hours_is_refused_too(self, program: APIClient) -> None:
        bare = Calendar.objects.create(name="Without hours")
        answer = ask(program, "deadline", {"calendar": bare.pk, "start": TUESDAY, "seconds": 60})
        assert answer.status_code == 422


class TestWhoMayAsk:
    def test_anyone_with_a_key(self, company: Company) -> None:
        elsewhere = Team.objects.create(name="Elsewhere")
        Desk.objects.create(team=elsewhere, calendar=company.team.desk.calendar)
        stranger = rep_in(elsewhere, "Zoe Other").user
        body = {"calendar": str(company.team.desk.calendar.public_id), "start": TUESDAY, "seconds": 60}
        people = [company.ben.user, company.manager, stranger, person(Role.MARKETING, "Theo M")]
        answers = [ask(api(user), "deadline", body) for user in people]
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1

    def test_nobody_without(self) -> None:
        for path in ("deadline", "elapsed"):
            assert ask(APIClient(), path, {}).status_code == 401
        assert APIClient().get("/api/v1/calendars/").status_code == 401

    def test_a_session_may_with_its_token(self, company: Company) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(company.ben.user)
        body = json.dumps({"calendar": "always", "start": TUESDAY, "seconds": 60})
        assert client.post("/api/v1/deadline/", body, content_type="application/json").status_code == 403
        client.get("/inbox/")
        client.cookies["csrftoken"] = token = "a" * 32
        answer = client.post("/api/v1/deadline/", body, "application/json", headers={"X-CSRFToken": token})
        assert answer.status_code == 200

    def test_only_by_post(self, program: APIClient) -> None:
        assert program.get("/api/v1/deadline/").status_code == 405

    def test_the_openapi_document_says_how(self) -> None:
        document = APIClient().get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()
        for path, required in (("deadline", ["calendar", "start"]), ("elapsed", ["calendar", "start", "end"])):
            said = document["paths"][f"/api/v1/{path}/"]["post"]
            body = said["requestBody"]["content"]["application/json"]
            assert body["schema"]["required"] == required
            assert body["examples"]
            assert {"200", "400", "422"} <= set(said["responses"])
