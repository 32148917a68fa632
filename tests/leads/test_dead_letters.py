"""Dead letters over the API: who may see them, what they tell, and sending them again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from leads import clock, endpoints
from leads.keys import digest, new_key
from leads.models import ApiKey, DeliveryStep, Endpoint, Notification, Role, User
from tests.desk import person

pytestmark = pytest.mark.django_db
URL = "/api/v1/dead-letters/"


def api(user: User) -> APIClient:
    key = new_key("ak")
    ApiKey.objects.create(user=user, name="test", prefix=key[:8], key_hash=digest(key))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


@pytest.fixture
def revops() -> APIClient:
    return api(person(Role.REVOPS, "Robin Ops"))


@pytest.fixture
def ear(now: datetime) -> Endpoint:
    listens = {"kind": "standard", "url": "https://hooks.example/in", "events": ["clock.breached"]}
    return Endpoint.objects.create(name="CRM", created_at=now, **listens)


def letter(now: datetime, state: str = "dead", **fields: Any) -> Notification:
    settled = None if state == "queued" else now
    made = Notification.objects.create(
        effect_key=str(uuid4()), kind=fields.pop("kind", "breach"), subject="Late", text="secret words",
        to_address=fields.pop("to_address", ""), state=state, created_at=now, not_before=now, settled_at=settled,
        attempts=12, last_error="550: no such box", **fields,
    )  # fmt: skip
    DeliveryStep.objects.create(notification=made, what="dead", at=now, attempt=12, status=550, said="550: no such box")
    return made


class TestWhoMaySee:
    def test_revops_and_admins_and_nobody_else(self, now: datetime) -> None:
        made = letter(now)
        for role in (Role.REVOPS, Role.ADMIN):
            assert api(person(role, f"Robin {role}")).get(URL).status_code == 200
        for role in (Role.REP, Role.MANAGER, Role.MARKETING):
            client = api(person(role, f"Sam {role}"))
            for answer in (client.get(URL), client.get(f"{URL}{made.public_id}/"), client.post(f"{URL}replay/")):
                assert answer.status_code == 403
                assert "RevOps and admins" in answer.json()["detail"]
        assert APIClient().get(URL).status_code == 401


class TestList:
    def test_holds_what_was_given_up_and_nothing_else(self, revops: APIClient, now: datetime) -> None:
        made = letter(now, to_address="ada@x.example")
        letter(now, state="sent")
        letter(now, state="queued")
        (row,) = revops.get(URL).json()["results"]
        assert (row["public_id"], row["recipient"], row["attempts"]) == (str(made.public_id), "ada@x.example", 12)
        assert row["last_error"] == "550: no such box"
        assert "secret words" not in revops.get(f"{URL}{made.public_id}/").content.decode()

    def test_one_tells_what_became_of_it(self, revops: APIClient, now: datetime) -> None:
        made = letter(now)
        (step,) = revops.get(f"{URL}{made.public_id}/").json()["steps"]
        assert (step["what"], step["status"], step["by"]) == ("dead", 550, None)

    def test_is_narrowed_by_endpoint_recipient_kind_and_time(
        self, revops: APIClient, ear: Endpoint, now: datetime
    ) -> None:
        letter(now, kind="clock.breached", endpoint=ear)
        letter(now - timedelta(days=2), to_address="ada@x.example")

        def kinds(**asked: Any) -> list[str]:
            answer = revops.get(URL, asked)
            assert answer.status_code == 200, answer.content
            return [row["kind"] for row in answer.json()["results"]]

        assert kinds() == ["breach", "clock.breached"]
        assert kinds(endpoint=str(ear.public_id)) == kinds(kind="clock.breached") == ["clock.breached"]
        assert kinds(recipient="ADA@x.example") == ["breach"]
        day_ago = (now - timedelta(days=1)).isoformat()
        assert kinds(given_up_after=day_ago) == ["clock.breached"]
        assert kinds(given_up_before=day_ago) == ["breach"]
        assert revops.get(URL, {"endpoint": "x"}).status_code == 400

    def test_costs_the_same_however_long(
        self, revops: APIClient, ear: Endpoint, now: datetime, django_assert_num_queries: Any
    ) -> None:
        letter(now, endpoint=ear)
        revops.get(URL)
        with django_assert_num_queries(4):  # the key, the time, the roles, the page
            revops.get(URL)
        for _ in range(5):
            letter(now, endpoint=ear)
        with django_assert_num_queries(4):
            assert len(revops.get(URL).json()["results"]) == 6


class TestReplay:
    def test_queues_one_again_under_its_id(self, revops: APIClient, now: datetime) -> None:
        made = letter(now)
        assert revops.post(f"{URL}{made.public_id}/replay/").json() == {"queued": 1}
        made.refresh_from_db()
        assert (made.state, made.attempts, made.last_error) == ("queued", 0, "")
        again = made.steps.get(what="again")
        assert again.by is not None
        assert again.by.full_name == "Robin Ops"
        assert revops.post(f"{URL}{made.public_id}/replay/").status_code == 404

    def test_queues_many_again(self, revops: APIClient, now: datetime) -> None:
        ids = [str(letter(now).public_id) for _ in range(3)]
        assert revops.post(f"{URL}replay/", {"ids": [*ids, ids[0]]}, format="json").json() == {"queued": 3}

    def test_queues_none_where_one_is_no_dead_letter(self, revops: APIClient, now: datetime) -> None:
        ids = [str(letter(now, state=state).public_id) for state in ("dead", "sent")]
        answer = revops.post(f"{URL}replay/", {"ids": ids}, format="json")
        assert (answer.status_code, answer.json()["field"], answer.json()["missing"]) == (422, "ids", [ids[1]])
        assert Notification.objects.filter(state="queued").count() == 0

    @pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": ["x"]}, {"ids": [str(uuid4())] * 501}])
    def test_asks_for_ids(self, revops: APIClient, body: Any) -> None:
        answer = revops.post(f"{URL}replay/", body, format="json")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["ids"])

    def test_asks_to_switch_the_endpoint_on_first(self, revops: APIClient, ear: Endpoint, now: datetime) -> None:
        made = letter(now, endpoint=ear)
        endpoints.change(ear.pk, is_active=False, by=None, now=clock.now())
        answer = revops.post(f"{URL}{made.public_id}/replay/")
        assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_off")
        assert "Switch CRM on first" in answer.json()["detail"]
        endpoints.change(ear.pk, is_active=True, by=None, now=clock.now())
        assert revops.post(f"{URL}{made.public_id}/replay/").json() == {"queued": 1}
