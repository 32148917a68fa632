"""The deal after a conversion: who may say what became of it, and in which stage."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client

from leads import clock, deals
from leads.models import Lead, Organization, Outcome, Role, Stage, User
from sla import handoffs
from tests.desk import Company, company, person

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=5)


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now - timedelta(hours=1))


@pytest.fixture
def converted(firm: Company, now: datetime) -> Lead:
    handoff = firm.accepted(now=now - timedelta(minutes=30))
    handoffs.convert(handoff.pk, by=firm.ben.user, now=now - timedelta(minutes=20))
    return Lead.objects.get(pk=handoff.episode.lead_id)


def tell(lead: Lead, kind: str, by: User, now: datetime, amount: str | None = None) -> Outcome:
    return deals.tell(lead.pk, kind, amount=Decimal(amount) if amount else None, by=by, now=now)


class TestTelling:
    def test_moves_the_stage_as_the_deal_goes(self, firm: Company, converted: Lead, now: datetime) -> None:
        Organization.objects.update(currency="EUR")
        opened = tell(converted, "opened", firm.ben.user, now, "12000")
        assert (opened.amount, opened.currency, opened.via, opened.by) == (
            Decimal("12000.00"), "EUR", "hand", firm.ben.user,
        )  # fmt: skip
        converted.refresh_from_db()
        assert converted.stage == Stage.OPPORTUNITY
        tell(converted, "amount", firm.manager, now + LATER, "15000.50")
        last = deals.last_amount(converted)
        assert last is not None
        assert last.amount == Decimal("15000.50")
        tell(converted, "won", firm.ben.user, now + 2 * LATER)
        converted.refresh_from_db()
        assert converted.stage == Stage.CUSTOMER

    def test_a_lost_one_rests(self, firm: Company, converted: Lead, now: datetime) -> None:
        tell(converted, "lost", firm.ben.user, now)
        converted.refresh_from_db()
        assert (converted.stage, converted.evidence_from) == (Stage.NURTURE, now)

    @pytest.mark.parametrize("stage", [each for each in Stage.values if each not in deals.MAY])
    def test_is_refused_where_there_is_no_deal(self, firm: Company, converted: Lead, now: datetime, stage: str) -> None:
        Lead.objects.filter(pk=converted.pk).update(stage=stage)
        with pytest.raises(deals.NoDeal):
            tell(converted, "won", firm.ben.user, now)

    def test_is_refused_to_everybody_else(self, firm: Company, converted: Lead, now: datetime) -> None:
        for user in (firm.ada.user, person(Role.MARKETING, "Theo Marsh"), company(now).manager):
            with pytest.raises(deals.NotYourDeal, match="Ben Keller holds this lead"):
                tell(converted, "won", user, now)
            assert not deals.may_tell(converted, user)
        tell(converted, "won", person(Role.REVOPS, "Priya Nair"), now)


class TestPage:
    def test_offers_what_may_be_told(self, firm: Company, converted: Lead) -> None:
        client, path = Client(), f"/leads/{converted.public_id}/"
        client.force_login(firm.ben.user)
        assert 'value="opened"' in client.get(f"{path}next/").content.decode()
        body = {"kind": "opened", "amount": "12,000", "currency": "usd"}
        assert client.post(f"{path}deal/", body).status_code == 302
        shown = client.get(f"{path}next/").content.decode()
        assert "12,000.00 USD" in shown
        assert 'value="opened"' not in shown
        assert "Opportunity opened" in client.get(f"{path}story/").content.decode()
        for wrong in ({"amount": "a lot"}, {"amount": "-1"}, {"amount": "1", "currency": "dollars"}, {"amount": ""}):
            assert client.post(f"{path}deal/", {"kind": "amount", **wrong}).status_code == 422

    def test_is_not_there_for_those_who_may_not(self, firm: Company, converted: Lead) -> None:
        client = Client()
        client.force_login(person(Role.MARKETING, "Theo Marsh"))
        assert 'id="deal"' not in client.get(f"/leads/{converted.public_id}/next/").content.decode()
        body = {"kind": "won"}
        assert client.post(f"/leads/{converted.public_id}/deal/", body).status_code == 409
        client.force_login(person(Role.REP, "Stan Other"))
        assert client.post(f"/leads/{converted.public_id}/deal/", body).status_code == 404
