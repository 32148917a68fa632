"""Endpoints over the API and in the admin: who may, what is judged, and that no address is ever shown again."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import httpx
import pytest
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, transaction
from django.test import Client
from rest_framework.test import APIClient

from leads import delivery, endpoints, outbox
from leads.delivering import reaching, webhooks
from leads.delivering.secrets import secret_of
from leads.keys import digest, new_key
from leads.models import ApiKey, Endpoint, EndpointChange, Notification, Role, Team, User
from tests.desk import person

pytestmark = pytest.mark.django_db
URL = "/api/v1/endpoints/"
TOKEN = "abcdefghijklmnopqrstuvwx"
SLACK = f"https://hooks.slack.example/services/T00000000/B11111111/{TOKEN}"
CRM = {"name": "CRM", "url": "https://crm.example/in", "events": ["handoff.offered"]}


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.7"] if host.startswith("inside") else ["93.184.215.14"]

    monkeypatch.setattr(reaching, "addresses_of", resolve)


def api(user: User) -> APIClient:
    key = new_key("ak")
    ApiKey.objects.create(user=user, name="test", prefix=key[:8], key_hash=digest(key))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


@pytest.fixture
def robin() -> User:
    return person(Role.REVOPS, "Robin Ops")


@pytest.fixture
def revops(robin: User) -> APIClient:
    return api(robin)


def add(client: APIClient, **fields: Any) -> Any:
    return client.post(URL, CRM | fields, format="json")


def done(made: Endpoint) -> list[str]:
    return list(made.changes.values_list("what", flat=True))


class TestWhoMay:
    @pytest.mark.parametrize("role", [Role.REP, Role.MANAGER, Role.MARKETING])
    def test_nobody_but_revops_and_admins(self, role: str, revops: APIClient) -> None:
        made = add(revops).json()["public_id"]
        client = api(person(role, "Sam Else"))
        asked = [client.get(URL), add(client, name="Other"), client.get(f"{URL}{made}/")]
        asked += [client.patch(f"{URL}{made}/", {"is_active": False}), client.post(f"{URL}{made}/secret/")]
        assert [answer.status_code for answer in asked] == [403] * 5
        assert Endpoint.objects.get().is_active


class TestAdding:
    def test_tells_the_secret_once(self, revops: APIClient, robin: User) -> None:
        answer = add(revops)
        assert answer.status_code == 201
        made = Endpoint.objects.get()
        told = answer.json()
        assert told["secret"] == secret_of(made)
        assert (told["kind"], told["events"], told["team"]) == ("standard", ["handoff.offered"], None)
        assert (made.created_by, done(made)) == (robin, ["added"])
        for shown in (revops.get(URL), revops.get(f"{URL}{made.public_id}/")):
            assert told["secret"] not in shown.content.decode()
            assert "secret" not in shown.json()

    def test_is_for_one_team_by_name(self, revops: APIClient) -> None:
        Team.objects.create(name="East")
        assert add(revops, team="East").json()["team"] == "East"
        assert [row["name"] for row in revops.get(URL, {"team": "East"}).json()["results"]] == ["CRM"]
        assert revops.get(URL, {"team": "West"}).json()["results"] == []

    @pytest.mark.parametrize(
        ("fields", "field", "told"),
        [
            ({"url": "https://inside.example/x"}, "url", "leads into a private network (10.0.0.7)"),
            ({"url": "http://crm.example/in"}, "url", "must start with https://"),
            ({"url": "crm"}, "url", "https://host/path"),
            ({"url": "https://crm.example:99999/"}, "url", "can't be read"),
            ({"name": "Taken"}, "name", "there is an endpoint called “Taken” already"),
        ],
    )
    def test_names_the_field_and_the_way_out(
        self, revops: APIClient, fields: dict[str, str], field: str, told: str
    ) -> None:
        add(revops, name="Taken")
        answer = add(revops, **fields)
        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert told in answer.json()["detail"]
        assert Endpoint.objects.count() == 1

    @pytest.mark.parametrize(
        "fields",
        [{"events": ["handoff.eaten"]}, {"events": []}, {"kind": "pigeon"}, {"team": "Nowhere"}, {"name": "x" * 121}],
    )
    def test_names_what_is_not_known(self, revops: APIClient, fields: dict[str, Any]) -> None:
        answer = add(revops, **fields)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, list(fields))


class TestChanging:
    def test_changes_what_is_given_and_leaves_the_rest(self, revops: APIClient) -> None:
        made = Endpoint.objects.get(public_id=add(revops).json()["public_id"])
        answer = revops.patch(f"{URL}{made.public_id}/", {"events": ["clock.breached"]}, format="json")
        assert (answer.status_code, answer.json()["events"]) == (200, ["clock.breached"])
        made.refresh_from_db()
        assert (made.name, made.url, made.is_active) == ("CRM", CRM["url"], True)
        last = made.changes.last()
        assert last is not None
        assert (last.what, last.said) == ("changed", "events")

    def test_judges_another_address(self, revops: APIClient) -> None:
        made = add(revops).json()["public_id"]
        answer = revops.patch(f"{URL}{made}/", {"url": "https://inside.example/"}, format="json")
        assert (answer.status_code, answer.json()["field"]) == (422, "url")
        assert Endpoint.objects.get().url == CRM["url"]

    def test_takes_it_from_its_team(self, revops: APIClient) -> None:
        Team.objects.create(name="East")
        made = add(revops, team="East").json()["public_id"]
        assert revops.patch(f"{URL}{made}/", {"team": None}, format="json").json()["team"] is None

    def test_switches_off_and_on(self, revops: APIClient, robin: User, now: datetime) -> None:
        made = Endpoint.objects.get(public_id=add(revops).json()["public_id"])
        outbox.enqueue_for(made, "k", event="handoff.offered", subject="S", body="{}", lead=None, now=now)
        off = revops.patch(f"{URL}{made.public_id}/", {"is_active": False}, format="json").json()
        assert (off["is_active"], off["disabled_why"]) == (False, "Switched off by hand.")
        assert Notification.objects.get().state == "dead"
        on = revops.patch(f"{URL}{made.public_id}/", {"is_active": True}, format="json").json()
        assert (on["is_active"], on["disabled_at"]) == (True, None)
        assert done(made) == ["added", "off", "on"]
        assert {change.by for change in made.changes.all()} == {robin}

    def test_makes_another_secret(self, revops: APIClient) -> None:
        first = add(revops).json()
        second = revops.post(f"{URL}{first['public_id']}/secret/").json()["secret"]
        made = Endpoint.objects.get()
        assert second == secret_of(made) != first["secret"]
        assert done(made) == ["added", "renewed"]

    def test_a_chat_has_no_secret_to_make(self, revops: APIClient) -> None:
        made = add(revops, kind="slack", url=SLACK).json()
        assert made["secret"] == ""
        answer = revops.post(f"{URL}{made['public_id']}/secret/")
        assert (answer.status_code, answer.json()["field"]) == (422, "kind")

    def test_is_history_that_stays(self, revops: APIClient) -> None:
        add(revops)
        with pytest.raises(IntegrityError, match="never change"), transaction.atomic():
            EndpointChange.objects.update(said="")


class TestAddress:
    """Whoever knows a chat's address can post there."""

    @pytest.fixture
    def chat(self, revops: APIClient, now: datetime) -> Endpoint:
        made = Endpoint.objects.get(public_id=add(revops, name="Chat", kind="slack", url=SLACK).json()["public_id"])
        outbox.enqueue_for(made, "k", event="handoff.offered", subject="S", body="{}", lead=None, now=now)
        return made

    def test_is_masked_in_every_answer(self, revops: APIClient, chat: Endpoint) -> None:
        one = f"{URL}{chat.public_id}/"
        answers = [revops.get(URL), revops.get(one), revops.patch(one, {"name": "Chats"}, format="json")]
        assert all("https://hooks.slack.example/…uvwx" in answer.content.decode() for answer in answers)
        assert all(TOKEN not in answer.content.decode() for answer in answers)

    def test_is_masked_on_every_page(self, chat: Endpoint, robin: User) -> None:
        robin.is_staff = True
        robin.save()
        client = Client()
        client.force_login(robin)
        page = f"/admin/leads/endpoint/{chat.pk}/change/"
        given = {"name": "Chat", "events": ["clock.breached"], "team": "", "is_active": "on", "url": ""}
        given |= {"changes-TOTAL_FORMS": "0", "changes-INITIAL_FORMS": "0"}
        assert client.post(page, given).status_code == 302
        chat.refresh_from_db()
        assert (chat.url, chat.events) == (SLACK, ["clock.breached"])
        letter = Notification.objects.get()
        for shown in (page, "/admin/leads/endpoint/", f"/admin/leads/notification/{letter.pk}/change/"):
            assert TOKEN not in client.get(shown).content.decode()
        assert "https://hooks.slack.example/…uvwx" in client.get(page).content.decode()
        assert TOKEN not in str(LogEntry.objects.values()) + str(EndpointChange.objects.values())

    def test_can_not_be_asked_out_of_the_list(self, chat: Endpoint, robin: User) -> None:
        robin.is_staff = True
        robin.save()
        client = Client()
        client.force_login(robin)
        answer = client.get("/admin/leads/endpoint/", {"url__startswith": SLACK[:-4]}, follow=True)
        assert answer.status_code == 400

    def test_is_judged_where_another_is_typed(self, chat: Endpoint, robin: User) -> None:
        robin.is_staff = True
        robin.save()
        client = Client()
        client.force_login(robin)
        given = {"name": "Chat", "events": ["clock.breached"], "is_active": "on", "url": "https://inside.example/"}
        given |= {"changes-TOTAL_FORMS": "0", "changes-INITIAL_FORMS": "0"}
        answer = client.post(f"/admin/leads/endpoint/{chat.pk}/change/", given)
        assert "private network" in answer.context["adminform"].form.errors["url"][0]

    @pytest.mark.parametrize(("status", "told"), [(302, "302: leads on to https://else"), (404, "404: Gone from /…")])
    def test_is_in_no_log_and_no_history_where_the_chat_repeats_it(
        self,
        status: int,
        told: str,
        chat: Endpoint,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """As many a server does in the page of its error."""

        def handler(request: httpx.Request) -> httpx.Response:
            path = request.url.raw_path.decode()
            page = httpx.ByteStream(f"Gone from {path}".encode())
            return httpx.Response(status, headers={"location": f"https://elsewhere.example{path}"}, stream=page)

        real = httpx.Client
        monkeypatch.setattr(
            webhooks.httpx, "Client", lambda **kwargs: real(**(kwargs | {"transport": httpx.MockTransport(handler)}))
        )
        caplog.set_level(logging.DEBUG)
        delivery.deliver_due(lambda: now)
        chat.refresh_from_db()
        letter = Notification.objects.get()
        (step,) = letter.steps.all()
        assert step.said.startswith(told)
        for said in (chat.last_error, letter.last_error, step.said, caplog.text):
            assert TOKEN not in said
        assert chat.failures == 1


def test_endpoints_keep_their_address_where_none_is_given(now: datetime) -> None:
    made, _ = endpoints.add(kind="standard", **CRM, by=None, now=now)
    assert endpoints.change(made.pk, name="Other", by=None, now=now).url == CRM["url"]
