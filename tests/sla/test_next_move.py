"""The next move on the lead page: the letter, what may be logged in one key, and who is not shown either."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client

from leads import clock
from leads.models import Lead, Role, User
from sla.models import DraftTemplate, Handoff, State, Touch
from sla.why.next_steps import next_steps
from tests.desk import Company, company, person

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def signed() -> Signed:
    """A browser in which this user is signed in."""

    def sign(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign


def move(client: Client, lead: Lead, asked: str = "") -> str:
    response = client.get(f"/leads/{lead.public_id}/next/{asked}")
    assert response.status_code == 200
    return response.content.decode()


def log(client: Client, lead: Lead, chip: str) -> object:
    return client.post(f"/leads/{lead.public_id}/log/", {"chip": chip}, **HTMX)


class TestDraft:
    def test_is_filled_and_opens_the_mail_program(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.offered(now=now).episode.lead
        shown = move(signed(firm.ben.user), lead)
        link = unescape(re.search(r'href="(mailto:[^"]+)"', shown)[1])  # type: ignore[index]
        assert link.startswith(f"mailto:{lead.email}?subject=Two%20quick%20answers")
        assert "Hi Iris," in shown
        assert "it counts as your first touch and accepts the lead" in shown

    def test_can_be_another_one(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead, client = firm.accepted(now=now).episode.lead, signed(firm.ben.user)
        called = DraftTemplate.objects.get(name="After a missed call")
        assert "Sorry I missed you" in move(client, lead, f"?draft={called.pk}")
        assert "it counts as your first touch." in move(client, lead, "?draft=%00x")

    def test_says_when_it_is_too_long_to_be_opened(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.offered(now=now).episode.lead
        DraftTemplate.objects.update(body="ü" * 900)
        shown = move(signed(firm.ben.user), lead)
        assert "mailto:" not in shown
        assert "ü" * 900 in shown
        assert re.search(r"data-draft-long>The text is too long", shown)

    def test_is_none_for_whom_opted_out_and_says_why(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.offered(now=now).episode.lead
        Lead.objects.filter(pk=lead.pk).update(email_permission="refused", phone="555 010 2345")
        shown = move(signed(firm.ben.user), lead)
        assert "They opted out of e-mail" in shown
        assert "You may call." in shown
        assert "mailto:" not in shown
        assert 'value="mailed"' not in shown
        Lead.objects.filter(pk=lead.pk).update(phone_permission="refused")
        shown = move(signed(firm.ben.user), lead)
        assert "You may call." not in shown
        assert 'name="chip"' not in shown

    def test_keeps_hostile_fields_inert(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.offered(now=now).episode.lead
        nasty = {
            "first_name": "</textarea><script>alert(1)</script>",
            "email": 'x@y.example?bcc=eve@evil.example"><img src=x>',
            "phone": '"><img src=x onerror=alert(1)>',
            "title": "javascript:alert(1)",
        }
        Lead.objects.filter(pk=lead.pk).update(**nasty)
        client = signed(firm.ben.user)
        for shown in (move(client, lead), client.get(f"/leads/{lead.public_id}/").content.decode()):
            assert "<script>alert" not in shown
            assert "<img src=x" not in shown
            assert not re.search(r'href="(?:javascript|mailto:[^"]*evil)', shown)


class TestLog:
    @pytest.mark.parametrize(
        ("chip", "means", "outcome"),
        [
            ("connected", "call", "reached"),
            ("booked", "call", "booked"),
            ("voicemail", "call", "left_message"),
            ("no_answer", "call", "no_answer"),
            ("mailed", "email", "sent"),
        ],
    )
    def test_records_a_touch_by_one_word(
        self, firm: Company, signed: Signed, now: datetime, chip: str, means: str, outcome: str
    ) -> None:
        handoff = firm.offered(now=now - timedelta(minutes=3))
        response = log(signed(firm.ben.user), handoff.episode.lead, chip)
        assert f": {handoff.episode.lead.name}</p>" in response.content.decode()  # type: ignore[attr-defined]
        touch = Touch.objects.get()
        assert (touch.means, touch.outcome, touch.direction) == (means, outcome, "outbound")
        assert (touch.performed_by, touch.handoff) == (firm.ben.user, handoff)
        handoff.refresh_from_db()
        assert handoff.state == State.ACCEPTED
        assert handoff.first_touched_at == touch.counts_at

    def test_is_the_reps_also_when_a_manager_does_it(self, firm: Company, signed: Signed, now: datetime) -> None:
        handoff = firm.offered(now=now - timedelta(minutes=3))
        assert "What came of it, for Ben Keller?" in move(signed(firm.manager), handoff.episode.lead)
        log(signed(firm.manager), handoff.episode.lead, "connected")
        touch = Touch.objects.get()
        assert (touch.performed_by, touch.recorded_by) == (firm.ben.user, firm.manager)

    def test_is_recorded_once_however_often_it_is_sent(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead, client = firm.offered(now=now - timedelta(minutes=3)).episode.lead, signed(firm.ben.user)
        key = re.search(r'name="key" value="(\w+)"', move(client, lead))
        assert key is not None
        for said in ("Reached: ", "recorded already, once"):
            body = {"chip": "connected", "key": key[1]}
            shown = client.post(f"/leads/{lead.public_id}/log/", body, **HTMX)
            assert said in shown.content.decode()
        assert Touch.objects.count() == 1

    def test_refuses_what_it_does_not_know(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.offered(now=now).episode.lead
        response = log(signed(firm.ben.user), lead, "danced")
        assert response.status_code == 422  # type: ignore[attr-defined]
        assert not Touch.objects.exists()

    def test_works_without_scripts(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.offered(now=now).episode.lead
        response = signed(firm.ben.user).post(f"/leads/{lead.public_id}/log/", {"chip": "voicemail"})
        page = f"/leads/{lead.public_id}/promise/?touched={Touch.objects.get().public_id}"
        assert (response.status_code, response["Location"]) == (302, page)


class TestWhoSeesIt:
    @pytest.fixture
    def handoff(self, firm: Company, now: datetime) -> Handoff:
        return firm.offered(now=now - timedelta(minutes=3))

    def test_only_those_who_may_act(self, firm: Company, signed: Signed, handoff: Handoff, now: datetime) -> None:
        lead = handoff.episode.lead
        for user in (firm.ben.user, firm.manager):
            assert '<h2 id="move">' in move(signed(user), lead)
        mate = firm.colleague(lead, now=now)
        firm.offer(firm.episode(mate, now=now), now=now, rep=firm.ada)
        for reader in (person(Role.MARKETING, "Theo Marsh"), firm.ada.user):
            assert '<h2 id="move">' not in move(signed(reader), lead)
        assert log(signed(firm.ada.user), lead, "connected").status_code == 409  # type: ignore[attr-defined]
        stranger = signed(person(Role.REP, "Stan Other"))
        assert stranger.get(f"/leads/{lead.public_id}/next/").status_code == 404
        assert log(stranger, lead, "connected").status_code == 404  # type: ignore[attr-defined]
        assert not Touch.objects.exists()


class TestNextSteps:
    def test_says_what_happens_by_itself_and_when(self, firm: Company, now: datetime) -> None:
        noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
        handoff = firm.offered(now=noon)
        clocks = list(Handoff.objects.for_rows().get(pk=handoff.pk).all_clocks)
        told = next_steps(clocks, firm.ben.user, now=noon)
        # Accept in two hours, first touch in four; the lead goes on in between.
        assert told == "At 14:00 your manager is told; at 15:00 it goes to the next rep."
        assert next_steps(clocks, firm.manager, now=noon).startswith("At 14:00 the manager is told;")
        assert next_steps([], firm.ben.user, now=noon) == ""
