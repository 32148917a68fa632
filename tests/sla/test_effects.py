"""What follows from a no is said before the click by the code that does it; evidence where the reason asks for it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads.errors import Invalid
from leads.models import Lead, Stage
from sla import handoffs
from sla.handoffs import effects
from sla.models import Handoff, Reason, State
from tests.desk import Company, company

pytestmark = pytest.mark.django_db
ASKED = {"duplicate": "https://crm.example/7", "went_elsewhere": "Another house"}


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def said(code: str, now: datetime, **more: object) -> str:
    reason = Reason.objects.get(code=code)
    return str(effects.of(reason, now=now, turn_of=None, **more))  # type: ignore[arg-type]


class TestAnEffect:
    def test_is_a_sentence_for_each_thing_that_may_follow(self, now: datetime) -> None:
        until = (now + timedelta(days=90)).strftime("%-d %b %Y")
        assert said("bad_contact", now) == (
            f"Rests 90 days, until {until}, then comes back on new evidence; what they did so far is spent."
        )
        assert said("wrong_territory", now) == "Goes to another rep at once; nothing is spent."
        assert said("student", now).startswith("Disqualified: ")
        assert "on the date they named" in said("timing", now)
        assert "stage stays" in said("student", now, is_signal=True)

    def test_names_whom_a_turn_is_owed(self, house: Company, now: datetime) -> None:
        reason = Reason.objects.get(code="bad_contact")
        told = str(effects.of(reason, now=now, turn_of=house.ben.user))
        assert told.endswith(f"{house.ben.user} is owed another turn.")

    @pytest.mark.parametrize("code", ["bad_contact", "student", "wrong_territory", "duplicate"])
    def test_is_what_happens(self, house: Company, now: datetime, code: str) -> None:
        handoff = house.offered(now=now)
        told = effects.of(Reason.objects.get(code=code), now=now, turn_of=None)
        handoffs.reject(handoff.pk, reason=code, evidence=ASKED.get(code, ""), by=house.ben.user, now=now)
        lead = Lead.objects.get(pk=handoff.episode.lead_id)
        assert (lead.rest_until, lead.evidence_from is not None) == (told.rest_until, told.spends)
        assert (lead.stage == Stage.DISQUALIFIED) == (told.follows == Reason.Follows.DISQUALIFY)


class TestEvidence:
    @pytest.mark.parametrize(
        ("code", "given", "why"),
        [
            ("duplicate", "", "Link to the other record"),
            ("duplicate", "   ", "Link to the other record"),
            ("duplicate", "see the CRM", "begins with https"),
            ("duplicate", "javascript:alert(1)", "begins with https"),
            ("duplicate", "https://crm.example/" + "x" * 500, "at most 500"),
            ("bad_contact", "they bounced", "put it into the note"),
        ],
    )
    def test_is_checked(self, house: Company, now: datetime, code: str, given: str, why: str) -> None:
        handoff = house.offered(now=now)
        with pytest.raises(Invalid, match=why) as refused:
            handoffs.reject(handoff.pk, reason=code, evidence=given, by=house.ben.user, now=now)
        assert refused.value.state == {"field": "evidence"}
        assert Handoff.objects.get(pk=handoff.pk).state == State.OFFERED

    def test_is_kept_and_goes_with_an_undo(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        link = "https://crm.example/7"
        got = handoffs.reject(handoff.pk, reason="duplicate", evidence=f" {link}\n", by=house.ben.user, now=now)
        assert Handoff.objects.get(pk=got.pk).evidence == link
        assert handoffs.undo(got.pk, by=house.ben.user, now=now).evidence == ""


class TestADateBeforeAccepting:
    def test_accepts_and_returns_as_one_act(self, house: Company, now: datetime) -> None:
        handoff, date = house.offered(now=now), now + timedelta(days=9)
        got = handoffs.reject(handoff.pk, reason="timing", named_date=date, by=house.ben.user, now=now)
        assert (got.state, got.named_date) == (State.RETURNED, date)
        assert Lead.objects.get(pk=handoff.episode.lead_id).callback_at == date
        assert handoffs.undo(got.pk, by=house.ben.user, now=now).state == State.OFFERED

    def test_belongs_to_no_other_reason(self, house: Company, now: datetime) -> None:
        handoff, date = house.offered(now=now), now + timedelta(days=9)
        with pytest.raises(Invalid, match="Only a reason that comes back"):
            handoffs.reject(handoff.pk, reason="student", named_date=date, by=house.ben.user, now=now)
        with pytest.raises(Invalid, match="Give the date"):
            handoffs.reject(handoff.pk, reason="timing", by=house.ben.user, now=now)
