"""Outcomes and holders: what became of a lead, and who holds it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from leads import holding, outcomes
from leads.errors import Invalid
from leads.models import AwaitingAssessment, Lead, Organization, Outcome, Stage, Team, User
from leads.signals import outcome_recorded

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def make(now: datetime) -> Callable[..., Lead]:
    def one(stage: str = Stage.SQL, **fields: Any) -> Lead:
        return Lead.objects.create(stage=stage, stage_at=now - DAY, created_at=now - DAY, **fields)

    return one


def record(lead: Lead, kind: str, now: datetime, **kwargs: Any) -> Outcome:
    return outcomes.record(lead, kind, now=now, **({"at": now, "via": "api"} | kwargs))


class TestRecording:
    def test_keeps_what_was_said_marks_the_lead_and_rings(self, make: Any, now: datetime) -> None:
        lead, matter, heard = make(), uuid4(), []

        def hear(outcome: Outcome, **kwargs: Any) -> None:
            heard.append(outcome)

        outcome_recorded.connect(hear)
        try:
            outcome = record(
                lead,
                "returned",
                now,
                at=now - DAY,
                via="verdict",
                reason_code="timing",
                reason_label="T",
                matter=matter,
            )
        finally:
            outcome_recorded.disconnect(hear)

        outcome.refresh_from_db()
        assert (outcome.kind, outcome.at, outcome.recorded_at, outcome.reason_code, outcome.matter) == (
            "returned",
            now - DAY,
            now,
            "timing",
            matter,
        )
        assert heard == [outcome]
        assert AwaitingAssessment.objects.filter(lead=lead).exists()
        assert Lead.objects.get(pk=lead.pk).stage == Stage.SQL

    def test_of_an_opened_deal_makes_an_opportunity(self, make: Any, now: datetime) -> None:
        lead = make()
        record(lead, "opened", now)
        assert Lead.objects.get(pk=lead.pk).stage == Stage.OPPORTUNITY

    @pytest.mark.parametrize("stage", [Stage.CUSTOMER, Stage.DISQUALIFIED])
    def test_of_an_opened_deal_leaves_customers_and_the_disqualified(
        self, stage: str, make: Any, now: datetime
    ) -> None:
        lead = make(stage)
        record(lead, "opened", now)
        assert Lead.objects.get(pk=lead.pk).stage == stage

    @pytest.mark.parametrize("stage", list(Stage))
    def test_of_a_won_deal_makes_a_customer(self, stage: str, make: Any, now: datetime) -> None:
        lead = make(stage)
        record(lead, "won", now)
        assert Lead.objects.get(pk=lead.pk).stage == Stage.CUSTOMER

    @pytest.mark.parametrize("stage", [Stage.SQL, Stage.OPPORTUNITY])
    def test_of_a_lost_deal_rests_the_lead_and_spends_evidence_up_to_the_loss(
        self, stage: str, make: Any, now: datetime
    ) -> None:
        lead = make(stage)
        record(lead, "lost", now, at=now - DAY)
        lead = Lead.objects.get(pk=lead.pk)
        assert (lead.stage, lead.rest_until, lead.evidence_from) == (Stage.NURTURE, now + 89 * DAY, now - DAY)
        assert lead.stage_changes.get().cause == lead.rest_changes.get().cause == "lost"

    def test_of_a_lost_deal_rests_as_long_as_the_organization_says(self, make: Any, now: datetime) -> None:
        Organization.objects.update(lost_rest_days=10)
        lead = make()
        record(lead, "lost", now)
        assert Lead.objects.get(pk=lead.pk).rest_until == now + 10 * DAY

    def test_of_a_deal_lost_long_ago_leaves_no_rest(self, make: Any, now: datetime) -> None:
        lead = make()
        record(lead, "lost", now, at=now - 365 * DAY, via="import")
        lead = Lead.objects.get(pk=lead.pk)
        assert (lead.stage, lead.rest_until, lead.evidence_from) == (Stage.NURTURE, None, now - 365 * DAY)

    @pytest.mark.parametrize("stage", [Stage.LEAD, Stage.MQL, Stage.SAL, Stage.CUSTOMER, Stage.DISQUALIFIED])
    def test_of_a_lost_deal_moves_nobody_who_had_none(self, stage: str, make: Any, now: datetime) -> None:
        lead = make(stage)
        record(lead, "lost", now)
        lead = Lead.objects.get(pk=lead.pk)
        assert (lead.stage, lead.rest_until, lead.evidence_from) == (stage, None, None)

    def test_of_a_turn_that_a_later_one_overtook_moves_nothing(self, make: Any, now: datetime) -> None:
        lead = make()
        record(lead, "lost", now)
        record(lead, "opened", now, at=now - DAY)
        assert Lead.objects.get(pk=lead.pk).stage == Stage.NURTURE

    def test_takes_the_organizations_currency(self, make: Any, now: datetime) -> None:
        outcome = record(make(), "amount", now, amount=Decimal("12.345"))
        assert (outcome.amount, outcome.currency) == (Decimal("12.34"), "USD")
        assert record(make(), "won", now, amount=Decimal(5), currency="eur").currency == "EUR"

    def test_takes_a_clock_that_is_a_little_ahead(self, make: Any, now: datetime) -> None:
        assert record(make(), "won", now, at=now + timedelta(minutes=5)).at == now

    @pytest.mark.parametrize(
        ("kind", "kwargs", "says"),
        [
            ("married", {}, "no outcome"),
            ("amount", {}, "needs its number"),
            ("won", {"amount": Decimal(-1)}, "from 0"),
            ("won", {"amount": Decimal(10) ** 12}, "from 0"),
            ("won", {"amount": Decimal("NaN")}, "from 0"),
            ("won", {"amount": Decimal(1), "currency": "EURO"}, "three-letter"),
        ],
    )
    def test_refuses(self, kind: str, kwargs: dict[str, Any], says: str, make: Any, now: datetime) -> None:
        with pytest.raises(Invalid, match=says):
            record(make(), kind, now, **kwargs)
        assert not Outcome.objects.exists()

    def test_refuses_the_future(self, make: Any, now: datetime) -> None:
        with pytest.raises(Invalid, match="future"):
            record(make(), "won", now, at=now + timedelta(minutes=6))


class TestWithdrawing:
    def test_takes_back_the_verdicts_of_one_matter(self, make: Any, now: datetime) -> None:
        lead, matter = make(), uuid4()
        mine = record(lead, "accepted", now, via="verdict", matter=matter)
        other = record(lead, "accepted", now, via="verdict", matter=uuid4())
        by_api = record(lead, "converted", now, via="api", matter=matter)
        AwaitingAssessment.objects.all().delete()

        assert outcomes.withdraw(matter=matter, now=now + DAY) == 1

        for outcome in (mine, other, by_api):
            outcome.refresh_from_db()
        assert (mine.withdrawn_at, other.withdrawn_at, by_api.withdrawn_at) == (now + DAY, None, None)
        assert AwaitingAssessment.objects.filter(lead=lead).exists()
        assert outcomes.withdraw(matter=matter, now=now + 2 * DAY) == 0

    def test_takes_back_only_the_kinds_asked_for(self, make: Any, now: datetime) -> None:
        lead, matter = make(), uuid4()
        record(lead, "accepted", now, via="verdict", matter=matter)
        record(lead, "returned", now, via="verdict", matter=matter)
        assert outcomes.withdraw(matter=matter, now=now, kinds=["returned"]) == 1
        assert Outcome.objects.get(kind="accepted").withdrawn_at is None


class TestHolding:
    def test_writes_holder_team_and_history(self, make: Any, now: datetime) -> None:
        lead = make()
        rep, team = User.objects.create_user("r@example.com", full_name="R"), Team.objects.create(name="East")
        assert holding.hold(lead, user=rep, team=team, now=now) is True
        assert holding.hold(lead, user=rep, team=team, now=now) is False
        assert holding.hold(lead, user=None, team=None, now=now - DAY) is True

        lead = Lead.objects.get(pk=lead.pk)
        assert (lead.holder, lead.holder_team) == (None, None)
        rows = [(row.holder, row.team, row.at) for row in lead.holder_changes.order_by("id")]
        assert rows == [(rep, team, now), (None, None, now)]
