"""Colleagues on the pages and over the API: whose matter it is, who joined, and splitting one off."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from leads import clock
from leads.models import Account, Lead, Role, User
from scoring.models import Episode
from sla import handoffs
from sla.models import Handoff
from tests import desk
from tests.desk import Company, act, company, person

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now() - MINUTE


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def offered(firm: Company, now: datetime) -> Handoff:
    """Iris is offered to Ben."""
    account = Account.objects.create(name="Brightforge", domain="brightforge.example", created_at=now)
    return firm.offer(firm.episode(firm.lead(now=now, account=account), now=now), now=now)


@pytest.fixture
def olaf(firm: Company, offered: Handoff, now: datetime) -> Lead:
    """Her colleague, who has joined."""
    lead = firm.colleague(offered.episode.lead, now=now, first_name="Olaf")
    act(lead, "Visited Pricing Page", at=now)
    desk.judge(now=now)
    assert lead.memberships.get().episode_id == offered.episode_id
    return lead


def sign(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_the_inbox_counts_who_joined(firm: Company, offered: Handoff, olaf: Lead) -> None:
    assert "+1 from the same company" in text(sign(firm.ben.user), "/inbox/")


def test_the_promise_names_who_joined_and_whose_it_is(firm: Company, offered: Handoff, olaf: Lead) -> None:
    iris, ben = offered.episode.lead, sign(firm.ben.user)
    page = text(ben, f"/leads/{iris.public_id}/promise/")
    assert f"/leads/{olaf.public_id}/" in page
    assert "your answer holds for all" in page
    page = text(ben, f"/leads/{olaf.public_id}/promise/")
    assert f"the matter of {iris.name}" in page
    assert "/accept/" not in page
    story = text(ben, f"/leads/{olaf.public_id}/story/")
    assert f"Joined the matter of {iris.name}" in story
    assert f"{olaf.name} joined the matter" in text(ben, f"/leads/{iris.public_id}/story/")


def test_the_verdict_stands_in_the_story_of_who_followed(firm: Company, offered: Handoff, olaf: Lead) -> None:
    handoffs.reject(offered.pk, reason="bad_contact", by=firm.ben.user, now=clock.now())
    story = text(sign(firm.ben.user), f"/leads/{olaf.public_id}/story/")
    assert "Ben Keller rejected it" in story
    assert "with a colleague’s matter" in story


def test_the_rep_and_their_manager_split_off(firm: Company, offered: Handoff, olaf: Lead, now: datetime) -> None:
    path = f"/handoffs/{offered.public_id}/split/"
    stranger = person(Role.REP, "Stan Other")
    assert sign(stranger).post(path, {"lead": olaf.public_id, "to": "rep"}).status_code == 404
    assert sign(firm.ben.user).post(path, {"lead": "nonsense"}).status_code == 404
    iris = offered.episode.lead
    assert sign(firm.ben.user).post(path, {"lead": iris.public_id, "to": "rep"}).status_code == 409
    assert sign(firm.manager).post(path, {"lead": olaf.public_id, "to": "rules"}).status_code == 302
    own = Episode.objects.get(lead=olaf)
    assert (own.phase, own.changes.get(what="opened").by) == ("waiting", firm.manager)
    assert "has a matter of its own now" in text(sign(firm.manager), f"/leads/{iris.public_id}/story/")


def test_the_api_tells_who_joined_and_splits_off(firm: Company, offered: Handoff, olaf: Lead) -> None:
    ben = sign(firm.ben.user)
    path = f"/api/v1/handoffs/{offered.public_id}/"
    assert ben.get(path).json()["colleagues"] == [str(olaf.public_id)]
    answer = ben.post(f"{path}split/", {"lead": str(olaf.public_id)}, content_type="application/json")
    assert (answer.status_code, answer.json()["colleagues"]) == (200, [])
    assert Handoff.objects.get(episode__lead=olaf).user == firm.ben.user
    again = ben.post(f"{path}split/", {"lead": str(olaf.public_id)}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "cannot_split")
