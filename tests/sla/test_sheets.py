"""The sheets of a lead page: effects, evidence, and forms of which nothing is lost and nothing is done twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from leads import clock
from leads.models import User
from sla import handoffs
from sla.models import AnsweredRequest, Handoff, State, Touch
from tests.desk import Company, company

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def ben(firm: Company) -> Client:
    client = Client()
    client.force_login(firm.ben.user)
    return client


def page_of(handoff: Handoff) -> str:
    return f"/leads/{handoff.episode.lead.public_id}/promise/"


def sheet(client: Client, handoff: Handoff, **typed: str) -> dict[str, str]:
    """What a form of the page sends: its hidden fields and what was typed."""
    page = client.get(page_of(handoff)).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(key|lead|version)" value="([^"]*)"', page))
    assert hidden.keys() == {"key", "lead", "version"}
    return hidden | typed


class TestASheet:
    def test_says_the_effect_of_each_reason(self, ben: Client, firm: Company, now: datetime) -> None:
        page = ben.get(page_of(firm.offered(now=now))).content.decode()
        assert "Rests 90 days, until " in page
        assert "Goes to another rep at once; nothing is spent." in page
        assert "comes back to the same rep on the date they named" in page
        assert 'name="evidence-duplicate"' in page
        assert "Link to the other record" in page

    def test_keeps_what_was_typed_where_it_was_refused(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.offered(now=now)
        typed = sheet(ben, handoff, reason="duplicate", note="Same person as Iris")
        answer = ben.post(f"/handoffs/{handoff.public_id}/reject/", typed)
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Same person as Iris</textarea>" in page
        assert re.search(r'data-answer="reject" open', page)
        assert re.search(r'value="duplicate" required[^>]* checked', page)
        # The key was not used up: the same form, put right, is taken.
        answer = ben.post(
            f"/handoffs/{handoff.public_id}/reject/", typed | {"evidence-duplicate": "https://a.example/"}
        )
        assert answer.status_code == 302
        assert Handoff.objects.get(pk=handoff.pk).evidence == "https://a.example/"

    def test_takes_a_date_on_an_offer(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.offered(now=now)
        date = (now + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
        ben.post(f"/handoffs/{handoff.public_id}/reject/", sheet(ben, handoff, reason="timing", named_date=date))
        assert Handoff.objects.get(pk=handoff.pk).state == State.RETURNED

    def test_forgets_a_date_that_was_left_over(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.offered(now=now)
        date = (now + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
        ben.post(f"/handoffs/{handoff.public_id}/reject/", sheet(ben, handoff, reason="student", named_date=date))
        assert Handoff.objects.get(pk=handoff.pk).state == State.REJECTED

    def test_shows_what_was_typed_when_another_was_quicker(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.offered(now=now)
        typed = sheet(ben, handoff, reason="bad_contact", note="The number is dead")
        handoffs.reject(handoff.pk, reason="student", by=firm.manager, now=now)
        answer = ben.post(f"/handoffs/{handoff.public_id}/reject/", typed)
        assert answer.status_code == 409
        assert "The number is dead</textarea>" in answer.content.decode()
        assert "rejected this" in answer.content.decode()


class TestAFormSentTwice:
    def test_is_taken_once_and_told_what_happened(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.offered(now=now)
        typed = sheet(ben, handoff, reason="bad_contact")
        path = f"/handoffs/{handoff.public_id}/reject/"
        first, second = ben.post(path, typed), ben.post(path, typed)
        assert (first.status_code, second.status_code) == (302, 302)
        told = ben.get(second["Location"]).content.decode()
        assert f"{firm.ben.user} rejected this" in told
        assert handoff.changes.count() == 2

    def test_is_told_so_within_a_page(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.offered(now=now)
        typed = sheet(ben, handoff)
        path = f"/handoffs/{handoff.public_id}/accept/"
        ben.post(path, typed, headers={"HX-Request": "true"})
        told = ben.post(path, typed, headers={"HX-Request": "true"})
        assert told.status_code == 200
        assert f"{firm.ben.user} accepted this" in told.content.decode()

    def test_records_one_touch(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now)
        typed = sheet(ben, handoff, means="call", outcome="reached")
        path = f"/leads/{handoff.episode.lead.public_id}/touch/"
        for _ in range(2):
            assert ben.post(path, typed).status_code == 302
        assert Touch.objects.count() == 1

    def test_is_another_form_once_it_was_drawn_anew(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now)
        path = f"/leads/{handoff.episode.lead.public_id}/touch/"
        for _ in range(2):
            ben.post(path, sheet(ben, handoff, means="call", outcome="reached"))
        assert Touch.objects.count() == 2

    def test_leaves_keys_that_say_nothing_of_the_lead(self, ben: Client, firm: Company, now: datetime) -> None:
        handoff = firm.offered(now=now)
        ben.post(f"/handoffs/{handoff.public_id}/accept/", sheet(ben, handoff))
        kept = AnsweredRequest.objects.get()
        assert (kept.user, kept.body, kept.handoff) == (firm.ben.user, {}, None)


class TestASessionThatEnded:
    @pytest.mark.parametrize("part", [False, True])
    def test_keeps_the_text_until_after_the_log_in(self, ben: Client, firm: Company, now: datetime, part: bool) -> None:
        handoff = firm.offered(now=now)
        typed = sheet(ben, handoff, reason="bad_contact", note="The number is dead")
        ben.logout()
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page_of(handoff)}"} if part else {}
        answer = ben.post(f"/handoffs/{handoff.public_id}/reject/", typed, headers=headers)
        to = answer["HX-Redirect"] if part else answer["Location"]
        assert parse_qs(urlsplit(to).query)["next"] == [page_of(handoff)]
        firm.ben.user.set_password("a long one, 7 times")
        firm.ben.user.save()
        ben.post(to, {"login": firm.ben.user.email, "password": "a long one, 7 times"})
        page = ben.get(page_of(handoff)).content.decode()
        assert "The number is dead</textarea>" in page
        assert "You had been signed out" in page
        assert "The number is dead" not in ben.get(page_of(handoff)).content.decode()
        assert Handoff.objects.get(pk=handoff.pk).state == State.OFFERED

    def test_tells_a_stranger_nothing(self, firm: Company, now: datetime) -> None:
        handoff = firm.offered(now=now)
        answer = Client().post(f"/handoffs/{handoff.public_id}/reject/", {"lead": "nonsense", "note": "x"})
        assert str(handoff.episode.lead.public_id) not in answer["Location"]
