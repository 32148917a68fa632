"""Checklists of a conversion: which is asked, what is kept on the way, what the conversion takes along."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from leads import clock, erasing
from leads.errors import Invalid
from sla import checklists, handoffs
from sla.checklists import answering
from sla.models import Checklist, ChecklistAnswer, ChecklistItem, Handoff, State
from tests.desk import Company, company

pytestmark = pytest.mark.django_db
SOON = timedelta(minutes=5)


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


def labels(firm: Company) -> list[str]:
    return [item.label for item in checklists.items_for(firm.definition.pk)]


class TestWhich:
    def test_bant_is_asked_and_meddic_stands_beside_it(self, firm: Company) -> None:
        assert labels(firm) == ["Budget", "Authority", "Need", "Timing"]
        Checklist.objects.filter(name="BANT").update(is_active=False)
        assert labels(firm) == []
        Checklist.objects.filter(name="MEDDIC").update(is_active=True)
        assert labels(firm) == [
            "Metrics", "Economic buyer", "Decision criteria", "Decision process", "Pain", "Champion",
        ]  # fmt: skip

    def test_a_definitions_own_comes_first(self, firm: Company, now: datetime) -> None:
        other = company(now)
        own = Checklist.objects.create(name="Ours", definition=firm.definition, position=99)
        ChecklistItem.objects.create(checklist=own, key="seats", label="Seats")
        ChecklistItem.objects.create(checklist=own, key="old", label="Old", is_active=False)
        assert labels(firm) == ["Seats"]
        assert labels(other)[0] == "Budget"


class TestAnswers:
    def answer(self, handoff: Handoff, by: Any, now: datetime, **answers: Any) -> None:
        answering.answer(handoff.pk, answers, by=by, now=now)

    def test_come_in_one_by_one_and_are_taken_along(self, firm: Company, now: datetime) -> None:
        handoff, ben = firm.offered(now=now), firm.ben.user
        self.answer(handoff, ben, now, need=" A CRM\x00 ", budget="20k")
        handoffs.accept(handoff.pk, by=ben, now=now + SOON)
        self.answer(handoff, firm.manager, now + SOON, budget="", timing="May")
        assert checklists.known(handoff.episode) == {"need": "A CRM", "timing": "May"}
        assert ChecklistAnswer.objects.get(key="timing").by == firm.manager
        done = handoffs.convert(handoff.pk, bant={"timing": "June", "authority": "Ada"}, by=ben, now=now + 2 * SOON)
        assert done.bant == {"authority": "Ada", "need": "A CRM", "timing": "June"}
        undone = handoffs.undo(handoff.pk, by=ben, now=now + 2 * SOON + timedelta(seconds=5))
        assert (undone.state, undone.bant) == (State.ACCEPTED, {})
        assert checklists.known(handoff.episode) == {"need": "A CRM", "timing": "May"}

    def test_an_emptied_one_is_not_taken_along(self, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now)
        self.answer(handoff, firm.ben.user, now, need="A CRM", budget="20k")
        done = handoffs.convert(handoff.pk, bant={"need": ""}, by=firm.ben.user, now=now + SOON)
        assert done.bant == {"budget": "20k"}

    def test_keep_the_questions_that_were_asked_when_the_list_changes(self, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now)
        self.answer(handoff, firm.ben.user, now, need="A CRM")
        Checklist.objects.filter(name="BANT").update(is_active=False)
        Checklist.objects.filter(name="MEDDIC").update(is_active=True)
        done = handoffs.convert(handoff.pk, bant={"pain": "Slow"}, by=firm.ben.user, now=now + SOON)
        assert done.bant == {"need": "A CRM", "pain": "Slow"}

    @pytest.mark.parametrize("answers", [{"color": "red"}, {"need": 5}, {"need": "x" * 501}, {"metrics": "x"}])
    def test_are_refused_where_nobody_asked(self, firm: Company, now: datetime, answers: dict[str, Any]) -> None:
        handoff = firm.accepted(now=now)
        with pytest.raises(Invalid):
            self.answer(handoff, firm.ben.user, now, **answers)
        assert not ChecklistAnswer.objects.exists()

    def test_are_given_by_those_who_may_act_while_it_is_open(self, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now)
        with pytest.raises(handoffs.NotYours):
            self.answer(handoff, firm.ada.user, now, need="Mine")
        handoffs.convert(handoff.pk, by=firm.ben.user, now=now)
        with pytest.raises(handoffs.AlreadyDecided):
            self.answer(handoff, firm.ben.user, now + SOON, need="Late")

    def test_go_with_an_erased_person(self, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now)
        self.answer(handoff, firm.ben.user, now, need="Iris wants a CRM")
        erasing.erase(handoff.episode.lead_id, now=now + SOON, by=None)
        assert not ChecklistAnswer.objects.exists()


class TestPage:
    def test_fills_it_in_and_shows_it_again(self, firm: Company) -> None:
        now = clock.now()
        lead = firm.accepted(now=now).episode.lead
        client = Client()
        client.force_login(firm.ben.user)
        path = f"/leads/{lead.public_id}/checklist/"
        assert client.post(path, {"need": '"><script>', "budget": ""}).status_code == 302
        for part in ("next/", "promise/"):
            shown = client.get(f"/leads/{lead.public_id}/{part}").content.decode()
            assert 'name="need" value="&quot;&gt;&lt;script&gt;"' in shown
        assert "1 of 4 known" in client.get(f"/leads/{lead.public_id}/next/").content.decode()
        assert client.post(path, {"need": "x" * 501}).status_code == 422
        client.force_login(firm.ada.user)
        assert client.post(path, {"need": "Mine"}).status_code == 404
