"""Answering out of the mail: the page asks, scanners change nothing, a link works once, for one person."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock
from leads.delivering import words
from leads.models import Notification
from sla import handoffs
from sla.models import Handoff
from sla.telling import links
from tests.desk import Company, company

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture(autouse=True)
def _present(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=1))


def address_in(mail: Notification) -> str:
    """The path of the answering link, as it stands in both parts of the mail."""
    found = set(re.findall(r"http://[^/]+(/answer/[^/\s\"#]+/)", "".join(words.of(mail))))
    (path,) = found
    return path


@pytest.fixture
def offer(house: Company, now: datetime) -> Handoff:
    return house.offered(now=now)


@pytest.fixture
def path(offer: Handoff) -> str:
    return address_in(Notification.objects.get(kind="new lead", recipient=offer.user))


def state(offer: Handoff) -> str:
    return Handoff.objects.get(pk=offer.pk).state


class TestOpening:
    def test_changes_nothing_however_often_and_asks(self, offer: Handoff, path: str) -> None:
        for method in ("get", "head", "get"):
            response = getattr(Client(), method)(path + "?answer=accept&reason=competitor")
            assert response.status_code == 200
        page = Client().get(path)
        assert state(offer) == "offered"
        assert Handoff.objects.get(pk=offer.pk).changes.count() == 1
        assert "You answer as Ben Keller" in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        assert "noindex" in page["X-Robots-Tag"]

    def test_locks_nothing(self, offer: Handoff, path: str) -> None:
        with CaptureQueriesContext(connection) as asked:
            assert Client().get(path).status_code == 200
        assert not [each["sql"] for each in asked.captured_queries if "FOR UPDATE" in each["sql"]]

    def test_needs_our_own_form_to_answer(self, offer: Handoff, path: str) -> None:
        stranger = Client(enforce_csrf_checks=True)
        assert stranger.post(path, {"answer": "accept"}).status_code == 403
        assert state(offer) == "offered"
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', stranger.get(path).content.decode())
        assert token is not None
        answered = stranger.post(path, {"answer": "accept", "csrfmiddlewaretoken": token[1]})
        assert answered.status_code == 200
        assert state(offer) == "accepted"


class TestAnswering:
    def test_accepts_as_the_recipient_whoever_is_signed_in(self, house: Company, offer: Handoff, path: str) -> None:
        browser = Client()
        browser.force_login(house.ada.user)
        assert "Accepted" in browser.post(path, {"answer": "accept"}).content.decode()
        change = Handoff.objects.get(pk=offer.pk).changes.last()
        assert change is not None
        assert (change.to_state, change.by_id) == ("accepted", house.ben.user_id)

    def test_rejects_with_a_reason_and_a_note(self, offer: Handoff, path: str) -> None:
        Client().post(path, {"answer": "reject", "reason": "competitor", "note": "Knew them"})
        found = Handoff.objects.get(pk=offer.pk)
        assert found.reason is not None
        assert (found.state, found.reason.code, found.note) == ("rejected", "competitor", "Knew them")

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"answer": "reject"}, "Choose a reason for rejecting."),
            ({"answer": "reject", "reason": "bored"}, "Choose a reason for rejecting; one of"),
            ({}, "Choose: accept, or reject with a reason."),
            ({"answer": "convert"}, "Choose: accept, or reject with a reason."),
        ],
    )
    def test_says_what_is_missing(self, offer: Handoff, path: str, given: dict[str, str], told: str) -> None:
        response = Client().post(path, given)
        assert response.status_code == 422
        assert told in response.content.decode()
        assert state(offer) == "offered"

    def test_works_once_and_then_tells_how_it_stands(self, house: Company, offer: Handoff, path: str) -> None:
        Client().post(path, {"answer": "accept"})
        for answer in ({"answer": "accept"}, {"answer": "reject", "reason": "competitor"}):
            again = Client().post(path, answer)
            assert again.status_code == 409
            assert "Ben Keller has accepted it." in again.content.decode()
        assert "Nothing left to answer" in Client().get(path).content.decode()
        assert state(offer) == "accepted"

    def test_does_not_work_again_after_an_undo(self, offer: Handoff, path: str, now: datetime) -> None:
        Client().post(path, {"answer": "accept"})
        handoffs.undo(offer.pk, by=offer.user, now=now + timedelta(minutes=1))
        assert Client().post(path, {"answer": "accept"}).status_code == 409
        assert state(offer) == "offered"

    def test_comes_too_late_where_the_lead_has_moved_on(self, offer: Handoff, path: str, now: datetime) -> None:
        handoffs.move_on(offer, why="breach", now=now)
        response = Client().post(path, {"answer": "accept"})
        assert response.status_code == 409
        assert "It has moved on to another rep." in response.content.decode()


class TestLinks:
    def test_expire_after_a_week(
        self, offer: Handoff, path: str, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock, "now", lambda: now + links.GOOD_FOR + timedelta(seconds=1))
        response = Client().post(path, {"answer": "accept"})
        assert response.status_code == 410
        assert "work for 7 days" in response.content.decode()
        assert state(offer) == "offered"

    @pytest.mark.parametrize(
        "token",
        [
            "x",
            "a:b:c",
            signing.dumps([1, 2, 3, 4], salt=links.SALT),
            signing.dumps({"a": 1}, salt=links.SALT),
            signing.dumps(["00" * 16, 1, 1, 2**40], salt=links.SALT),
            signing.dumps(["00" * 16, 1, 1, 2**40]),
        ],
        ids=["x", "bent", "a list", "an object", "no offer", "no salt"],
    )
    def test_that_were_not_made_by_us_lead_nowhere(self, offer: Handoff, token: str) -> None:
        assert Client().get(f"/answer/{token}/").status_code == 404

    def test_can_not_be_bent(self, offer: Handoff, path: str) -> None:
        assert Client().get(path[:-4] + ("A" if path[-4] != "A" else "B") + path[-3:]).status_code == 404

    def test_lead_nowhere_for_one_who_has_left(self, offer: Handoff, path: str) -> None:
        offer.user.is_active = False
        offer.user.save()
        assert Client().post(path, {"answer": "accept"}).status_code == 404

    def test_are_in_no_mail_that_needs_no_answer(self, house: Company, now: datetime) -> None:
        house.offer(house.episode(house.lead(now=now), now=now, fast=True), now=now)
        mail = Notification.objects.filter(kind="new lead").latest("pk")
        assert "/answer/" not in "".join(words.of(mail))
        assert mail.is_urgent


class TestMails:
    def test_show_the_deadline_with_its_sum(self, offer: Handoff) -> None:
        mail = words.of(Notification.objects.get(kind="new lead"))
        for part in (mail.text, mail.html):
            assert "Tue 10 Mar, 17:00 (UTC)" in part
            assert "2 h of working time:" in part
            assert "Tue 10 Mar, 15:00 – 17:00: 2 h counted" in part

    @pytest.mark.parametrize(
        "name",
        [
            *("http://evil.example", "evil.example", "www.evil.example", "mailto:a@evil.example", "tel:+4912345"),
            *("<a href=//evil.example>x</a>", "[x](http://evil.example)", "\u202egro.live", "a\u200b.\u200bexample"),
            *("x\r\nSubject: y", "x\u2028y\u2029z", "\x07", "=?utf-8?q?x?=", "evil。example", "evil．example"),
        ],
    )
    def test_make_nothing_of_a_leads_words(self, house: Company, now: datetime, name: str) -> None:
        lead = house.lead(now=now, first_name=name[:100], last_name="V" * 110)
        house.offer(house.episode(lead, now=now), now=now)
        mail = words.of(Notification.objects.get(lead=lead, kind="new lead"))
        for part in (mail.subject, mail.text, mail.html):
            assert "evil.example" not in part
            assert "evil。example" not in part
            assert "evil．example" not in part
            assert not set("\u202e\u200b\u2028\u2029\x00\x07\r") & set(part)
            assert "V" * 90 not in part
        assert "<a href=//" not in mail.html
        assert len(mail.subject) < 250
        links_in = set(re.findall(r'href="([^"]+)"', mail.html))
        assert all(each.startswith("http://127.0.0.1:8000/") for each in links_in)
        assert set(re.findall(r"https?://[^\s]+", mail.text)) <= {each.partition("#")[0] for each in links_in}


class TestPreferencesPage:
    def test_keeps_what_was_chosen_and_shows_it(self, house: Company) -> None:
        browser = Client()
        browser.force_login(house.ben.user)
        chosen: dict[str, Any] = {"news": "digest", "breach": "off", "quiet_from": "20:00", "quiet_until": "07:30"}
        assert browser.post("/preferences/mail/", chosen | {"digest_at": "09:15"}).status_code == 302
        page = browser.get("/preferences/mail/").content.decode()
        assert re.search(r'name="news" value="digest" checked', page)
        assert re.search(r'name="breach" value="off" checked', page)
        assert re.search(r'name="warning" value="at_once" checked', page)
        for shown in ("20:00", "07:30", "09:15"):
            assert f'value="{shown}"' in page
        hours = house.ben.user.mail_hours
        assert (str(hours.quiet_from), str(hours.digest_at)) == ("20:00:00", "09:15:00")

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"quiet_from": "20:00"}, "give both, or neither"),
            ({"quiet_from": "20:00", "quiet_until": "20:00"}, "begin and end at different times"),
            ({"quiet_from": "late"}, "time of day such as 20:00"),
            ({"news": "never"}, "at once, in a daily digest, or not by mail"),
        ],
    )
    def test_says_what_is_wrong(self, house: Company, given: dict[str, str], told: str) -> None:
        browser = Client()
        browser.force_login(house.ben.user)
        response = browser.post("/preferences/mail/", given)
        assert response.status_code == 422
        assert told in response.content.decode()
        assert not house.ben.user.mail_preferences.exists()

    def test_is_for_people_who_are_signed_in(self) -> None:
        assert Client().get("/preferences/mail/").status_code == 302
