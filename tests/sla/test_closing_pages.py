"""What pages and the API say of the next owner and of what is to close."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from leads import clock
from sla.models import Handoff, Leg, Rep, State
from tests.desk import Company, company

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def eva(house: Company) -> Rep:
    return house.closer()


@pytest.fixture
def asks() -> Callable[[Rep, str], str]:
    def text(who: Rep, path: str) -> str:
        client = Client()
        client.force_login(who.user)
        answer = client.get(path)
        assert answer.status_code == 200
        return answer.content.decode()

    return text


def promise_of(handoff: Handoff) -> str:
    return f"/leads/{handoff.episode.lead.public_id}/promise/"


Asks = Callable[[Rep, str], str]


class TestTheLeadPage:
    def test_says_who_may_take_it_and_suggests_the_owner_of_the_account(
        self, house: Company, eva: Rep, asks: Asks, now: datetime
    ) -> None:
        sales = house.accepted(now=now)
        house.colleague(sales.episode.lead, now=now)
        account = sales.episode.lead.account
        assert account is not None
        assert f'value="{eva.user.public_id}" checked' not in asks(house.ben, promise_of(sales))
        account.owner = eva.user
        account.save(update_fields=["owner"])
        said = asks(house.ben, promise_of(sales))
        assert f'value="{eva.user.public_id}" checked' in said
        assert "owns the account" in said
        assert "you keep the credit of the acceptance" in said

    def test_asks_nothing_where_nobody_closes(self, house: Company, asks: Asks, now: datetime) -> None:
        assert "Who takes it from here" not in asks(house.ben, promise_of(house.accepted(now=now)))

    def test_lets_the_former_rep_read_and_the_next_owner_act(
        self, house: Company, eva: Rep, asks: Asks, now: datetime
    ) -> None:
        leg = house.to_close(eva, now=now)
        assert "Your answer" not in asks(house.ben, promise_of(leg))
        hers = asks(eva, promise_of(leg))
        assert "Your answer" in hers
        assert f"{house.ben.user} has converted this lead" in hers
        assert "to close" in asks(eva, "/inbox/")
        assert "Eva Stone is asked to close" in asks(house.ben, f"/leads/{leg.episode.lead.public_id}/story/")


class TestTheForm:
    def test_converts_to_whom_it_names_and_refuses_nobody(self, house: Company, eva: Rep, now: datetime) -> None:
        sales, client = house.accepted(now=now), Client()
        client.force_login(house.ben.user)
        path = f"/handoffs/{sales.public_id}/convert/"
        assert client.post(path, {"to": "nobody"}).status_code == 422
        assert client.post(path, {"to": str(house.ada.user.public_id)}).status_code == 409
        assert client.post(path, {"to": str(eva.user.public_id)}).status_code == 302
        assert Handoff.objects.open().get(episode=sales.episode).user == eva.user


class TestTheApi:
    def test_converts_with_to_and_lists_by_leg(self, house: Company, eva: Rep, now: datetime) -> None:
        sales, client = house.accepted(now=now), Client()
        client.force_login(house.ben.user)
        path = f"/api/v1/handoffs/{sales.public_id}/convert/"
        answer = client.post(path, {"to": "nobody@halyard.example"}, content_type="application/json")
        assert answer.status_code == 422
        answer = client.post(path, {"to": eva.user.email}, content_type="application/json")
        assert (answer.status_code, answer.json()["state"], answer.json()["leg"]) == (200, State.CONVERTED, Leg.SALES)
        client.force_login(eva.user)
        found = client.get("/api/v1/handoffs/?leg=closing").json()["results"]
        assert [(each["rep"], each["leg"], each["state"]) for each in found] == [
            (eva.user.email, Leg.CLOSING, State.OFFERED)
        ]
        assert client.get("/api/v1/handoffs/?leg=sales&lead=" + found[0]["lead"]).json()["results"][0]["state"]
