"""Contesting and deciding from the pages: marketing's list, the lead's story, the board."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock, outcomes
from leads.models import Lead, Role, User
from scoring.models import Tier
from sla import contests, handoffs
from sla.models import Contest, Handoff
from tests.desk import Company, company, person

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
DAY = timedelta(days=1)
WORDS = "They wrote from that very address."


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now - 2 * DAY)


@pytest.fixture
def theo(firm: Company) -> User:
    return person(Role.MARKETING, "Theo Marsh")


def signed(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def rejected(firm: Company, now: datetime) -> Handoff:
    handoff = firm.offered(now=now - DAY, tier=Tier.HOT)
    note = "Bounced, twice."
    return handoffs.reject(handoff.pk, reason="bad_contact", note=note, by=firm.ben.user, now=now - DAY)


def contested(firm: Company, theo: User, now: datetime) -> Contest:
    return contests.contest(rejected(firm, now).pk, words=WORDS, by=theo, now=now - timedelta(hours=1))


def text(client: Client, path: str, **more: Any) -> str:
    return client.get(path, **more).content.decode()


class TestTheForm:
    def test_is_on_the_lead_page_next_to_the_rejection(self, firm: Company, theo: User, now: datetime) -> None:
        handoff = rejected(firm, now)
        story = f"/leads/{handoff.episode.lead.public_id}/story/"
        assert f'action="/handoffs/{handoff.public_id}/contest/"' in text(signed(theo), story)
        assert "Contest this rejection" not in text(signed(firm.manager), story)
        assert "Contest this rejection" not in text(signed(firm.ben.user), story)

    def test_contests_and_leads_back_to_the_lead(self, firm: Company, theo: User, now: datetime) -> None:
        handoff = rejected(firm, now)
        answer = signed(theo).post(f"/handoffs/{handoff.public_id}/contest/", {"why": WORDS, "key": "k"}, follow=True)
        assert answer.redirect_chain == [(f"/leads/{handoff.episode.lead.public_id}/", 302)]
        assert "The manager decides, and you are told" in answer.content.decode()
        assert Contest.objects.get().words == WORDS

    def test_sent_twice_is_taken_once(self, firm: Company, theo: User, now: datetime) -> None:
        client, path = signed(theo), f"/handoffs/{rejected(firm, now).public_id}/contest/"
        client.post(path, {"why": WORDS, "key": "k"})
        answer = client.post(path, {"why": WORDS, "key": "k"}, follow=True)
        assert "You contested it already, once." in answer.content.decode()
        assert Contest.objects.count() == 1

    def test_refused_keeps_what_was_typed(self, firm: Company, theo: User, now: datetime) -> None:
        made = contested(firm, theo, now)
        answer = signed(theo).post(f"/handoffs/{made.handoff.public_id}/contest/", {"why": "Another try", "key": "x"})
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "Theo Marsh contested this rejection" in page
        assert "What you wrote: Another try" in page

    def test_without_words_asks_for_them(self, firm: Company, theo: User, now: datetime) -> None:
        answer = signed(theo).post(f"/handoffs/{rejected(firm, now).public_id}/contest/", {"why": " ", "key": "x"})
        assert answer.status_code == 422
        assert "Say why" in answer.content.decode()

    def test_says_where_it_can_not_be_contested_and_why(self, firm: Company, theo: User, now: datetime) -> None:
        offered = firm.offered(now=now)
        assert "Only a rejection can be contested" in text(signed(theo), f"/handoffs/{offered.public_id}/contest/")

    def test_is_not_there_for_others(self, firm: Company, now: datetime) -> None:
        handoff = rejected(firm, now)
        for user in (firm.ben.user, firm.manager, person(Role.REVOPS, "Rita")):
            for answer in (
                signed(user).get(f"/handoffs/{handoff.public_id}/contest/"),
                signed(user).post(f"/handoffs/{handoff.public_id}/contest/", {"why": WORDS}),
            ):
                assert answer.status_code == 404


class TestTheStory:
    def test_tells_everybody_who_reads_it(self, firm: Company, theo: User, now: datetime) -> None:
        made = contested(firm, theo, now)
        contests.uphold(made.pk, why="It bounced thrice.", by=firm.manager, now=now)
        for user in (theo, firm.manager, firm.ben.user):
            page = text(signed(user), f"/leads/{made.handoff.episode.lead.public_id}/story/")
            assert "Theo Marsh contested Ben Keller’s rejection" in page
            assert "Maya Lund upheld Ben Keller’s rejection" in page
            assert WORDS in page
            assert "It bounced thrice." in page

    def test_asks_no_more_with_more_rejections(self, firm: Company, theo: User, now: datetime) -> None:
        handoff = rejected(firm, now)
        client, path = signed(theo), f"/leads/{handoff.episode.lead.public_id}/story/"

        def asked() -> int:
            with CaptureQueriesContext(
                connection,
            ) as caught:
                client.get(path)
            return len(caught)

        asked()
        once = asked()
        for _ in range(2):
            lead = Lead.objects.get(pk=handoff.episode.lead_id)
            again = firm.offer(firm.episode(lead, now=now), now=now)
            handoffs.reject(again.pk, reason="bad_contact", by=firm.ben.user, now=now)
        assert asked() == once


class TestTheList:
    def test_shows_marketing_each_rejection_and_how_it_stands(self, firm: Company, theo: User, now: datetime) -> None:
        fresh, made = rejected(firm, now), contested(firm, theo, now)
        page = text(signed(theo), "/rejections/")
        assert f'href="/handoffs/{fresh.public_id}/contest/"' in page
        assert f'href="/handoffs/{made.handoff.public_id}/contest/"' not in page
        assert "by Theo Marsh" in page

    def test_is_narrowed_by_reason_and_by_how_it_stands(self, firm: Company, theo: User, now: datetime) -> None:
        fresh, made = rejected(firm, now), contested(firm, theo, now)
        client = signed(theo)
        here = {each: str(each.episode.lead.public_id) for each in (fresh, made.handoff)}
        for query, shown in (
            ("contest=none", [fresh]),
            ("contest=open", [made.handoff]),
            ("contest=upheld", []),
            ("reason=student", []),
            ("reason=bad_contact", [fresh, made.handoff]),
            ("reason=%00&contest=x&before=x", [fresh, made.handoff]),
        ):
            page = text(client, f"/rejections/?{query}")
            assert [each for each in here if here[each] in page] == shown, query

    def test_goes_on_to_older_ones(
        self, firm: Company, theo: User, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sla.views.contests.SHOWN", 1)
        first = rejected(firm, now)
        Handoff.objects.filter(pk=first.pk).update(closed_at=now - 2 * DAY)
        second, client = rejected(firm, now), signed(theo)
        page = text(client, "/rejections/")
        assert (str(second.episode.lead.public_id) in page, str(first.episode.lead.public_id) in page) == (True, False)
        older = page.split("?before=")[1].split('"')[0].replace("&amp;", "&")
        assert str(first.episode.lead.public_id) in text(client, f"/rejections/?before={older}")

    def test_asks_as_much_for_many_as_for_one(
        self, firm: Company, theo: User, now: datetime, django_assert_max_num_queries: Callable[[int], Any]
    ) -> None:
        for _ in range(3):
            rejected(firm, now)
            contested(firm, theo, now)
        client = signed(theo)
        with django_assert_max_num_queries(12):
            client.get("/rejections/")

    def test_is_not_for_reps_and_managers(self, firm: Company, theo: User) -> None:
        for user in (firm.ben.user, firm.manager):
            assert signed(user).get("/rejections/").status_code == 404
            assert "/rejections/" not in text(signed(user), "/palette/", **HTMX)
        assert 'href="/rejections/"' in text(signed(theo), "/leads/")
        assert "/rejections/" in text(signed(theo), "/palette/", **HTMX)


class TestTheBoard:
    def test_shows_both_sides_and_what_either_decision_does(self, firm: Company, theo: User, now: datetime) -> None:
        made = contested(firm, theo, now)
        page = text(signed(firm.manager), "/board/")
        assert "Bounced, twice." in page
        assert WORDS in page
        assert "the lead is offered at once" in page
        assert page.count(f'href="/board/contests/{made.public_id}/"') == 2

    def test_shows_it_to_no_other_team(self, firm: Company, theo: User, now: datetime) -> None:
        contested(firm, theo, now)
        other = company(now - DAY)
        assert WORDS not in text(signed(other.manager), "/board/")
        assert WORDS not in text(signed(person(Role.REVOPS, "Rita")), "/board/")

    def test_is_drawn_anew_when_one_comes(self, firm: Company, theo: User, now: datetime) -> None:
        client = signed(firm.manager)
        drawn = re.findall(r'name="seen" value="([^"]+)"', text(client, "/board/"))
        seen = urlencode({"seen": drawn}, doseq=True)
        assert 'id="beside"' not in text(client, f"/board/fresh/?{seen}", **HTMX)
        contested(firm, theo, now)
        assert WORDS in text(client, f"/board/fresh/?{seen}", **HTMX)

    def test_asks_as_much_for_many_as_for_one(self, firm: Company, theo: User, now: datetime) -> None:
        client = signed(firm.manager)
        asked = []
        for _ in range(3):
            contested(firm, theo, now)
            with CaptureQueriesContext(connection) as caught:
                client.get("/board/")
            asked.append(len(caught))
        assert asked[1] == asked[2]


class TestDeciding:
    def test_upholds(self, firm: Company, theo: User, now: datetime) -> None:
        made = contested(firm, theo, now)
        form = {"decision": "uphold", "why": "It bounced again.", "seen": "offered"}
        answer = signed(firm.manager).post(f"/board/contests/{made.public_id}/", form, follow=True)
        assert answer.redirect_chain == [("/board/", 302)]
        assert "The rejection stands." in answer.content.decode()
        made.refresh_from_db()
        assert (made.decision, made.why) == ("upheld", "It bounced again.")

    def test_overturns_back_to_the_rep_or_by_the_rules(self, firm: Company, theo: User, now: datetime) -> None:
        client = signed(firm.manager)
        for to, whose in ((str(firm.ben.user.public_id), "Ben Keller"), ("rules", "Ada Brook")):
            made = contested(firm, theo, now)
            form = {"decision": "overturn", "why": "They did write.", "to": to, "seen": "offered"}
            page = client.post(f"/board/contests/{made.public_id}/", form, follow=True).content.decode()
            assert f"Offered to {whose}." in page

    def test_over_the_board_answers_in_the_sheet(self, firm: Company, theo: User, now: datetime) -> None:
        made = contested(firm, theo, now)
        form = {"decision": "overturn", "why": "They did write.", "to": "rules", "seen": "offered"}
        answer = signed(firm.manager).post(f"/board/contests/{made.public_id}/", form, **HTMX)
        assert "lead-moved" in answer["HX-Trigger-After-Settle"]
        assert "Offered to Ada Brook." in answer.content.decode()
        assert "<html" not in answer.content.decode()

    def test_says_what_will_happen_before_the_click(self, firm: Company, theo: User, now: datetime) -> None:
        made = contested(firm, theo, now)
        page = text(signed(firm.manager), f"/board/contests/{made.public_id}/")
        assert "Nothing changes for the lead." in page
        assert "its rest ends" in page
        assert "back to Ben Keller" in page
        outcomes.record(Lead.objects.get(pk=made.handoff.episode.lead_id), "won", at=now, now=now, via="api")
        page = text(signed(firm.manager), f"/board/contests/{made.public_id}/")
        assert "Nothing else changes: the lead stands at Customer now." in page
        assert 'name="to"' not in page

    def test_refused_keeps_what_was_typed(self, firm: Company, theo: User, now: datetime) -> None:
        made = contested(firm, theo, now)
        client, path = signed(firm.manager), f"/board/contests/{made.public_id}/"
        for form, status, said in (
            ({"decision": "overturn", "why": " ", "to": "rules"}, 422, "Say why"),
            ({"decision": "overturn", "why": "Well, yes", "to": "x"}, 422, "Choose a rep"),
            ({"decision": "", "why": "Well, yes"}, 422, "Uphold it, or overturn it"),
            ({"decision": "overturn", "why": "Well, yes", "to": "rules", "seen": "recorded"}, 409, "changed since"),
        ):
            answer = client.post(path, form)
            assert (answer.status_code, said in answer.content.decode()) == (status, True), form
            assert form["why"].strip() in answer.content.decode()
        contests.uphold(made.pk, why="No.", by=firm.manager, now=now)
        answer = client.post(path, {"decision": "overturn", "why": "Well, yes", "to": "rules"})
        assert answer.status_code == 409
        assert "Maya Lund has upheld it already" in answer.content.decode()
        assert "What you wrote: Well, yes" in answer.content.decode()

    def test_is_not_there_for_others(self, firm: Company, theo: User, now: datetime) -> None:
        made = contested(firm, theo, now)
        for user in (theo, firm.ben.user, company(now - DAY).manager, person(Role.ADMIN, "Sam")):
            assert signed(user).get(f"/board/contests/{made.public_id}/").status_code == 404
            form = {"decision": "uphold", "why": "x"}
            assert signed(user).post(f"/board/contests/{made.public_id}/", form).status_code == 404


class TestAdrift:
    def test_is_a_number_of_the_board_that_opens_its_list(self, firm: Company, now: datetime) -> None:
        adrift, kept = firm.accepted(now=now - DAY), firm.accepted(now=now)
        Handoff.objects.filter(pk=kept.pk).update(next_step_at=now + DAY)
        Handoff.objects.filter(pk=adrift.pk).update(next_step_at=now - timedelta(hours=1))
        client = signed(firm.manager)
        assert 'href="/board/?show=adrift"><b>1</b>' in text(client, "/board/")
        page = text(client, "/board/?show=adrift")
        assert str(adrift.episode.lead.public_id) in page
        assert str(kept.episode.lead.public_id) not in page
        Handoff.objects.filter(pk=kept.pk).update(next_step_at=None)
        assert str(kept.episode.lead.public_id) in text(client, "/board/?show=adrift")

    def test_is_narrowed_as_all_is(self, firm: Company, now: datetime) -> None:
        adrift = firm.accepted(now=now - DAY)
        Handoff.objects.filter(pk=adrift.pk).update(next_step_at=None)
        client = signed(firm.manager)
        assert str(adrift.episode.lead.public_id) in text(client, f"/board/?show=adrift&rep={firm.ben.user.public_id}")
        page = text(client, f"/board/?show=adrift&rep={firm.ada.user.public_id}")
        assert str(adrift.episode.lead.public_id) not in page
        assert "<b>0</b><span>Adrift" in page
