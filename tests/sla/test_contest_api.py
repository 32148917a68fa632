"""Contests over the API: contested by marketing's programs, decided by a manager's, read by who may read the lead."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from leads import clock
from leads.models import Role, User
from sla import contests, handoffs
from sla.models import Contest, Handoff
from tests.desk import Company, company, person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    """Doors ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now - 2 * DAY)


@pytest.fixture
def theo(firm: Company) -> User:
    return person(Role.MARKETING, "Theo Marsh")


def api(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def rejected(firm: Company, now: datetime, reason: str = "bad_contact") -> Handoff:
    handoff = firm.offered(now=now - DAY)
    return handoffs.reject(handoff.pk, reason=reason, note="Bounced.", by=firm.ben.user, now=now - DAY)


def contested(firm: Company, theo: User, now: datetime, **fields: Any) -> Contest:
    return contests.contest(rejected(firm, now, **fields).pk, words="They wrote", by=theo, now=now)


class TestContesting:
    def test_answers_with_the_contest(self, firm: Company, theo: User, now: datetime) -> None:
        handoff = rejected(firm, now)
        path = f"/api/v1/handoffs/{handoff.public_id}/contest/"
        answer = api(theo).post(path, {"words": "They wrote"}, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        assert answer.status_code == 201
        assert answer.json()["words"] == "They wrote"
        assert answer.json()["decision"] == ""
        again = api(theo).post(path, {"words": "They wrote"}, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        assert (again.status_code, again.json()) == (201, answer.json())
        other = api(theo).post(path, {"words": "They wrote"}, format="json")
        assert (other.status_code, other.json()["code"]) == (409, "cannot_contest")


class TestDeciding:
    def test_upholds(self, firm: Company, theo: User, now: datetime) -> None:
        path = f"/api/v1/contests/{contested(firm, theo, now).public_id}/uphold/"
        answer = api(firm.manager).post(path, {"why": "It bounced"}, format="json").json()
        assert (answer["decision"], answer["decided_by"], answer["offer"]) == ("upheld", firm.manager.email, None)

    def test_overturns_to_a_named_rep_or_by_the_rules(self, firm: Company, theo: User, now: datetime) -> None:
        for to, whose in ((firm.ben.user.email.upper(), firm.ben.user), (None, firm.ada.user)):
            path = f"/api/v1/contests/{contested(firm, theo, now).public_id}/overturn/"
            answer = api(firm.manager).post(path, {"why": "They did", "to": to}, format="json").json()
            assert (answer["decision"], answer["became"]) == ("overturned", "offered")
            assert Handoff.objects.get(public_id=answer["offer"]).user == whose

    def test_to_nobody_known_is_refused(self, firm: Company, theo: User, now: datetime) -> None:
        path = f"/api/v1/contests/{contested(firm, theo, now).public_id}/overturn/"
        answer = api(firm.manager).post(path, {"why": "They did", "to": "nobody@halyard.example"}, format="json")
        assert (answer.status_code, Contest.objects.get().is_open) == (422, True)


class TestTheList:
    def test_is_narrowed(self, firm: Company, theo: User, now: datetime) -> None:
        first, second = contested(firm, theo, now), contested(firm, theo, now, reason="student")
        contests.uphold(second.pk, why="No", by=firm.manager, now=now)
        for query, found in (
            ({}, [second, first]),
            ({"decision": "open"}, [first]),
            ({"decision": "upheld"}, [second]),
            ({"reason": "student"}, [second]),
            ({"lead": str(first.handoff.episode.lead.public_id)}, [first]),
            ({"handoff": str(first.handoff.public_id)}, [first]),
            ({"rep": firm.ben.user.email.upper()}, [second, first]),
            ({"by": firm.manager.email}, []),
            ({"since": (now + DAY).isoformat()}, []),
        ):
            rows = api(theo).get("/api/v1/contests/", query).json()["results"]
            assert [row["public_id"] for row in rows] == [str(each.public_id) for each in found], query

    def test_asks_as_much_for_many_as_for_one(
        self, firm: Company, theo: User, now: datetime, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(3):
            contested(firm, theo, now)
        client = api(theo)
        with django_assert_max_num_queries(6):
            assert len(client.get("/api/v1/contests/").json()["results"]) == 3
