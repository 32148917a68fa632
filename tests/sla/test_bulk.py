"""Many answers at once: each in its own transaction, the losers named, and nothing done twice."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from leads import clock
from sla import handoffs
from sla.models import Handoff, Reason, State
from sla.views import bulk
from tests.desk import Company, company

pytestmark = pytest.mark.django_db
PATH = "/handoffs/bulk/"


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


def ticked(*rows: Handoff) -> list[str]:
    return [f"{handoff.public_id}:{handoff.version}" for handoff in rows]


def sent_by(page: str) -> dict[str, list[str]]:
    """What the form that goes on sends."""
    form = page[page.index('id="go-on"') :].partition("</form>")[0]
    sent: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
        sent.setdefault(name, []).append(html.unescape(value))
    return sent


def states(*rows: Handoff) -> list[str]:
    return [Handoff.objects.get(pk=handoff.pk).state for handoff in rows]


class TestBulk:
    def test_does_what_it_can_and_names_the_rest(self, ben: Client, firm: Company, now: datetime) -> None:
        good, late, theirs = firm.offered(now=now), firm.offered(now=now), firm.offered(now=now, rep=firm.ada)
        seen = ticked(good, late, theirs)
        handoffs.reject(late.pk, reason="student", by=firm.manager, now=now)
        page = ben.post(PATH, {"answer": "accept", "handoff": seen}).content.decode()
        assert "Accepted: 1 of 2" in page
        assert "rejected this" in page
        assert theirs.episode.lead.name not in page
        assert states(good, late, theirs) == [State.ACCEPTED, State.REJECTED, State.OFFERED]

    def test_undoes_all_of_it(self, ben: Client, firm: Company, now: datetime) -> None:
        rows = [firm.offered(now=now) for _ in range(3)]
        page = ben.post(PATH, {"answer": "accept", "handoff": ticked(*rows)}).content.decode()
        again = re.findall(r'name="handoff" value="([^"]+)"', page)
        assert len(again) == 3
        page = ben.post(PATH, {"answer": "undo", "handoff": again}).content.decode()
        assert "Undone: 3 of 3" in page
        assert states(*rows) == [State.OFFERED] * 3

    def test_asks_for_the_one_reason_and_says_its_effect(self, ben: Client, firm: Company, now: datetime) -> None:
        rows = [firm.offered(now=now) for _ in range(2)]
        asked = {"answer": "reject", "handoff": ticked(*rows)}
        page = ben.post(PATH, asked).content.decode()
        assert "Reject 2 leads" in page
        assert "Rests 90 days, until " in page
        assert states(*rows) == [State.OFFERED] * 2
        assert ben.post(PATH, asked | {"reason": "duplicate", "note": "Twice"}).status_code == 422
        assert states(*rows) == [State.OFFERED] * 2
        ben.post(PATH, asked | {"reason": "bad_contact", "note": "Bounced"})
        assert states(*rows) == [State.REJECTED] * 2
        assert Handoff.objects.get(pk=rows[0].pk).note == "Bounced"

    def test_hands_over_as_far_as_there_is_room(self, ben: Client, firm: Company, now: datetime) -> None:
        firm.ada.capacity = 1
        firm.ada.save()
        rows = [firm.offered(now=now) for _ in range(2)]
        asked = {"answer": "hand-over", "handoff": ticked(*rows)}
        assert "0 of 1" in ben.post(PATH, asked).content.decode()
        to = {"to": str(firm.ada.user.public_id), "why": "Her region"}
        page = ben.post(PATH, asked | to).content.decode()
        assert "Handed over: 1 of 2" in page
        assert "has no room" in page
        assert sorted(states(*rows)) == [State.MOVED, State.OFFERED]

    def test_sent_twice_is_done_once_and_told(self, ben: Client, firm: Company, now: datetime) -> None:
        row = firm.offered(now=now)
        asked = {"answer": "reject", "handoff": ticked(row), "reason": "bad_contact", "key": "k"}
        ben.post(PATH, asked)
        page = ben.post(PATH, asked).content.decode()
        assert f"{firm.ben.user} rejected this" in page
        assert row.changes.count() == 2

    def test_goes_on_step_by_step(
        self, ben: Client, firm: Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "STEP", 2)
        rows = [firm.offered(now=now) for _ in range(5)]
        handoffs.accept(rows[2].pk, by=firm.ben.user, now=now)
        asked = {"answer": "reject", "handoff": ticked(*rows), "reason": "bad_contact", "note": "<b>Bounced</b>"}
        page = ben.post(PATH, asked).content.decode()
        assert "Rejected: 2 of 5</h1>" in page
        assert "Go on with the other 3" in page
        assert states(*rows) == ["rejected", "rejected", "accepted", "offered", "offered"]
        page = ben.post(PATH, sent_by(page)).content.decode()
        assert "Rejected: 3 of 5</h1>" in page
        assert "1 could not be done" in page
        page = ben.post(PATH, sent_by(page)).content.decode()
        assert "Rejected: 4 of 5</h1>" in page
        assert "Go on with" not in page
        assert states(*rows) == ["rejected", "rejected", "accepted", "rejected", "rejected"]
        assert Handoff.objects.get(pk=rows[4].pk).note == "<b>Bounced</b>"

    def test_asks_again_where_a_step_is_refused(
        self, ben: Client, firm: Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The reason is taken out of use between two steps."""
        monkeypatch.setattr(bulk, "STEP", 1)
        rows = [firm.offered(now=now) for _ in range(3)]
        page = ben.post(PATH, {"answer": "reject", "handoff": ticked(*rows), "reason": "bad_contact"}).content.decode()
        Reason.objects.filter(code="bad_contact").update(is_active=False)
        answer = ben.post(PATH, sent_by(page), headers={"HX-Request": "true"})
        assert (answer.status_code, answer["HX-Retarget"]) == (422, "body")
        assert "Reject 2 leads" in answer.content.decode()
        assert states(*rows) == ["rejected", "offered", "offered"]
        nothing = ben.post(PATH, {"answer": "accept"}, headers={"HX-Request": "true"})
        assert nothing["HX-Redirect"] == "/inbox/"

    def test_shows_whatever_numbers_come_and_no_more(self, ben: Client, firm: Company, now: datetime) -> None:
        sent = {"answer": "accept", "handoff": ticked(firm.offered(now=now)), "of": "-3", "done": "9" * 30, "lost": "x"}
        assert f"Accepted: {bulk.AT_MOST + 1} of {bulk.AT_MOST + 1}" in ben.post(PATH, sent).content.decode()

    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"answer": "accept"}, "Tick the leads first"),
            ({"answer": "accept", "handoff": ["nonsense", ":", "1:2"]}, "Tick the leads first"),
            ({"answer": "sell", "handoff": ["00000000-0000-4000-8000-000000000000:1"]}, "Choose what to do"),
        ],
    )
    def test_says_what_is_missing(self, ben: Client, asked: dict[str, object], told: str) -> None:
        answer = ben.post(PATH, asked, follow=True)
        assert told in answer.content.decode()

    def test_takes_only_so_many(
        self, ben: Client, firm: Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "AT_MOST", 1)
        rows = [firm.offered(now=now) for _ in range(2)]
        told = ben.post(PATH, {"answer": "accept", "handoff": ticked(*rows)}, follow=True).content.decode()
        assert "At most 1 at once" in told
        assert states(*rows) == [State.OFFERED] * 2

    def test_asks_no_more_questions_for_more_leads(
        self, ben: Client, firm: Company, now: datetime, django_assert_max_num_queries: Callable[[int], object]
    ) -> None:
        rows = [firm.offered(now=now) for _ in range(6)]
        with django_assert_max_num_queries(14):
            ben.post(PATH, {"answer": "hand-over", "handoff": ticked(*rows)})
