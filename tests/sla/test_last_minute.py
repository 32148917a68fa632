"""Touches told twice, and those in the last minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from leads import clock as clock_room
from leads.models import ExternalId, Lead, Role, User
from sla import last_minute, touches
from sla.models import Clock, Handoff, Target, Touch
from tests.desk import Company, clock_of, company, person

pytestmark = pytest.mark.django_db

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def touch(handoff: Handoff, at: datetime, **fields: Any) -> Touch:
    given = {"means": "call", "outcome": "no_answer", "performed_by": handoff.user, "recorded_by": handoff.user}
    return touches.record(handoff.episode.lead_id, **given | fields, occurred_at=at, now=at)


class TestReport:
    def found(self, house: Company, since: datetime) -> list[Clock]:
        return [each.clock for each in last_minute.of_teams([house.team], since=since)]

    @pytest.mark.parametrize(("before", "listed"), [(0, True), (60, True), (61, False), (-1, False), (3600, False)])
    def test_lists_what_came_in_the_last_minute(self, house: Company, now: datetime, before: int, listed: bool) -> None:
        handoff = house.accepted(now=now)
        clock = clock_of(handoff, Target.FIRST_TOUCH)
        touch(handoff, clock.due_at - before * SECOND)

        assert self.found(house, now) == ([clock] if listed else [])

    def test_leaves_out_what_was_followed_up_by_a_person(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        at = clock_of(handoff, Target.FIRST_TOUCH).due_at - 10 * SECOND
        touch(handoff, at)
        touch(handoff, at + MINUTE, automated=True)
        assert len(self.found(house, now)) == 1
        touch(handoff, at + 2 * MINUTE)
        assert self.found(house, now) == []

    def test_is_for_managers_of_the_team_alone(
        self, house: Company, now: datetime, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(3):
            handoff = house.accepted(now=now)
            Lead.objects.filter(pk=handoff.episode.lead_id).update(first_name="=cmd()")
            touch(handoff, clock_of(handoff, Target.FIRST_TOUCH).due_at - 10 * SECOND)
        monkeypatch.setattr(clock_room, "now", lambda: now + timedelta(days=1))

        def get(user: User, path: str) -> Any:
            client = Client()
            client.force_login(user)
            return client.get(path)

        other = person(Role.MANAGER, "Nora Else")
        assert get(house.ben.user, "/board/last-minute/").status_code == 404
        assert "None. Every first touch" in get(other, "/board/last-minute/").content.decode()
        with django_assert_max_num_queries(20):
            page = get(house.manager, "/board/last-minute/").content.decode()
        assert page.count("<tr>") == 4
        told = get(house.manager, "/board/last-minute/?as=csv").content.decode().splitlines()
        assert len(told) == 4
        assert "'=cmd()" in told[1]
        api = APIClient()
        api.force_authenticate(house.manager)
        assert [each["seconds_before"] for each in api.get("/api/v1/touches/last-minute/").json()] == [10.0] * 3
        api.force_authenticate(house.ben.user)
        assert api.get("/api/v1/touches/last-minute/").status_code == 404


class TestToldTwice:
    @pytest.fixture
    def dialler(self) -> APIClient:
        client = APIClient()
        client.force_authenticate(person(Role.REVOPS, "Dial Er"), token="key")  # noqa: S106 (not a secret)
        return client

    def body(self, handoff: Handoff, **fields: Any) -> dict[str, Any]:
        lead = handoff.episode.lead
        ExternalId.objects.get_or_create(system="crm", value=f"00{lead.pk}", defaults={"lead": lead})
        told = {"lead_external_id": f"crm:00{lead.pk}", "performed_by": handoff.user.email, "means": "call"}
        at = handoff.offered_at.isoformat()
        return told | {"outcome": "reached", "occurred_at": at, "external_id": "call-1"} | fields

    def test_is_answered_as_the_first_time(self, house: Company, now: datetime, dialler: APIClient) -> None:
        handoff = house.offered(now=now)
        first = dialler.post("/api/v1/touches/", self.body(handoff), format="json")
        again = dialler.post("/api/v1/touches/", self.body(handoff), format="json")

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert Touch.objects.count() == 1
        handoff.refresh_from_db()
        assert (handoff.state, clock_of(handoff, Target.FIRST_TOUCH).verdict) == ("accepted", "met")

    @pytest.mark.parametrize(
        "other",
        [
            {"means": "email"},
            {"outcome": "no_answer"},
            {"direction": "inbound"},
            {"automated": True},
            {"note": "x"},
            {"occurred_at": "2026-03-10T15:00:01Z"},
        ],
    )
    def test_with_another_body_is_a_conflict(
        self, house: Company, now: datetime, dialler: APIClient, other: dict[str, Any]
    ) -> None:
        handoff = house.offered(now=now)
        first = dialler.post("/api/v1/touches/", self.body(handoff), format="json")
        refused = dialler.post("/api/v1/touches/", self.body(handoff, **other), format="json")

        assert refused.status_code == 409
        assert refused.json()["code"] == "touch_conflict"
        assert refused.json()["touch"] == first.json()["public_id"]
        assert Touch.objects.count() == 1

    def test_of_another_lead_is_a_conflict_too(self, house: Company, now: datetime, dialler: APIClient) -> None:
        dialler.post("/api/v1/touches/", self.body(house.offered(now=now)), format="json")
        refused = dialler.post("/api/v1/touches/", self.body(house.offered(now=now)), format="json")

        assert (refused.status_code, refused.json()["code"]) == (409, "touch_conflict")
