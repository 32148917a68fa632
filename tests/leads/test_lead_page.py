"""The lead page, as far as facts and judgements tell it: who they are, who else is there, and why now."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock
from leads.models import Activity, ActivityType, Lead, Role, User
from scoring.models import DefinitionVersion
from sla import handoffs
from sla.models import Handoff, Touch
from tests.desk import Company, act, company, judge, learn, person

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now - timedelta(days=60))


@pytest.fixture
def signed() -> Signed:
    """A browser in which this user is signed in."""

    def sign(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign


def text(client: Client, lead: Lead, part: str = "") -> str:
    response = client.get(f"/leads/{lead.public_id}/{part}")
    assert response.status_code == 200
    return response.content.decode()


def others(shown: str) -> list[str]:
    return re.findall(r'class="colleague-who"><a[^>]*>([^<]+)<', shown)


class TestColleagues:
    @pytest.fixture
    def two(self, firm: Company, now: datetime) -> tuple[Handoff, Handoff]:
        """Two people of one company: Ben has one, Ada the other."""
        first = firm.lead(now=now, first_name="Iris", last_name="First")
        second = firm.colleague(first, now=now, first_name="Otto", last_name="Second", title="Head of IT")
        mine = firm.offer(firm.episode(first, now=now), now=now)
        theirs = firm.offer(firm.episode(second, now=now), now=now, rep=firm.ada)
        act(second, "Started Free Trial", at=now - timedelta(hours=2))
        return mine, theirs

    def test_are_shown_with_who_works_them_and_what_they_did(
        self, firm: Company, signed: Signed, two: tuple[Handoff, Handoff]
    ) -> None:
        shown = text(signed(firm.ben.user), two[0].episode.lead)
        assert others(shown) == ["Otto Second"]
        assert "Head of IT" in shown
        assert "with Ada Brook" in shown
        assert re.search(r"Started Free Trial <time[^>]*>2 h ago", shown)

    def test_may_be_read_but_not_acted_on(
        self, firm: Company, signed: Signed, two: tuple[Handoff, Handoff], now: datetime
    ) -> None:
        theirs, client = two[1], signed(firm.ben.user)
        lead = theirs.episode.lead
        assert "Ada Brook" in text(client, lead, "promise/")
        assert 'data-answer="' not in text(client, lead, "promise/")
        for what in ("accept", "reject", "convert", "return", "undo", "reopen"):
            body = {"version": theirs.version, "reason": "duplicate", "why": "mine"}
            assert client.post(f"/handoffs/{theirs.public_id}/{what}/", body).status_code in (404, 409, 422), what
        touched = client.post(f"/leads/{lead.public_id}/touch/", {"means": "call", "outcome": "reached"})
        assert touched.status_code == 409
        assert "Ada Brook works it" in touched.content.decode()
        theirs.refresh_from_db()
        assert (theirs.state, theirs.first_touched_at, Touch.objects.count()) == ("offered", None, 0)

    def test_whoever_has_no_lead_of_the_company_reads_none_of_it(
        self, firm: Company, signed: Signed, two: tuple[Handoff, Handoff]
    ) -> None:
        stranger = signed(person(Role.REP, "Stan Other"))
        for handoff in two:
            assert stranger.get(f"/leads/{handoff.episode.lead.public_id}/").status_code == 404

    def test_only_counts_those_who_are_not_the_viewers(
        self, firm: Company, signed: Signed, two: tuple[Handoff, Handoff], now: datetime
    ) -> None:
        boss, lead = person(Role.MANAGER, "Gus Own"), two[0].episode.lead
        handoffs.accept(two[0].pk, by=firm.ben.user, now=now)
        lead.account.owner = boss  # type: ignore[union-attr]
        lead.account.save()  # type: ignore[union-attr]
        Lead.objects.filter(pk=lead.pk).update(account=None)
        other = firm.lead(now=now, account=lead.account, holder=boss, holder_team=firm.team)
        lead.account.owner = None  # type: ignore[union-attr]
        lead.account.save()  # type: ignore[union-attr]
        shown = text(signed(boss), other)
        assert others(shown) == []
        assert "1 person is with other teams" in " ".join(shown.split())
        assert "Otto" not in shown

    def test_asks_as_often_for_two_hundred_as_for_two(
        self, firm: Company, signed: Signed, two: tuple[Handoff, Handoff], now: datetime
    ) -> None:
        lead, client = two[0].episode.lead, signed(firm.ben.user)
        few = questions(client, lead)
        for number in range(200):
            each = firm.lead(now=now, account=lead.account, last_name=f"Many {number}")
            if number >= 190:
                act(each, "Read Article", at=now - timedelta(minutes=number))
        assert questions(client, lead) == few
        shown = text(client, lead)
        assert others(shown) == ["Otto Second", *(f"Iris Many {number}" for number in range(190, 194))]
        assert ">196 more<" in shown


class TestWhyNow:
    def test_says_it_in_a_sentence_and_what_they_did_most(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.lead(now=now, title="Head of <b>IT</b>")
        for minutes in (30, 20, 10):
            act(lead, "Read Article", at=now - timedelta(minutes=minutes))
        act(lead, "Requested Demo", at=now - timedelta(minutes=12))
        judge(now=now)
        client = signed(firm.manager)
        shown = text(client, lead, "why/")
        assert "Requested Demo 12 m ago; Head of &lt;b&gt;IT&lt;/b&gt;; read Article 3 ×." in shown.replace(
            "read article", "read Article"
        )
        most = re.findall(r"<li><span>([^<]+)</span>(?: <b>([^<]+)</b>)?", shown)
        assert most == [("Read Article", "3 ×"), ("Requested Demo", "")]

    def test_says_what_the_version_in_force_today_would(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.lead(now=now)
        act(lead, "Visited Pricing Page", at=now - timedelta(minutes=5))
        judge(now=now)
        shown = text(signed(firm.manager), lead, "why/")
        assert "is in force since" in shown
        stricter = DefinitionVersion.objects.create(
            definition=firm.definition, number=2, total_min=90_000, hot_min=100_000, warm_min=95_000
        )
        for criterion in firm.version.criteria.all():
            criterion.pk, criterion.version = None, stricter
            criterion.save()
        firm.version.state, firm.version.retired_at = DefinitionVersion.State.RETIRED, now
        firm.version.save()
        stricter.state, stricter.published_at = DefinitionVersion.State.PUBLISHED, now
        stricter.save()
        learn(lead, "title", "Head of IT", at=now)
        judge(now=now)
        shown = text(signed(firm.manager), lead, "why/")
        assert "Version 2 is in force today; by it they would not qualify" in shown
        assert "50 of 90 points in all" in shown
        # The bars are still those of the version they qualified under.
        assert re.search(r"Total 50 of 40 needed", shown)


class TestTimeline:
    def test_shows_all_of_it_page_by_page_and_nothing_twice(self, firm: Company, signed: Signed, now: datetime) -> None:
        handoff = firm.accepted(now=now - timedelta(hours=5))
        lead, client = handoff.episode.lead, signed(firm.ben.user)
        start = (now - timedelta(days=9)).replace(hour=12)
        for number in range(250):
            # Many of them in one and the same instant, as an import brings them.
            act(lead, f"Act {number}", at=start + timedelta(hours=number // 120))
        seen: list[str] = []
        path = "story/"
        for _ in range(5):
            shown = text(client, lead, path)
            seen += re.findall(r'entry-said">([^<]+)<', shown)
            found = re.search(r'href="[^"]*story/(\?before=[^"]+)"', shown)
            if found is None:
                break
            path = f"story/{unescape(found.group(1))}"
        assert sorted(each for each in seen if each.startswith("Act ")) == sorted(f"Act {each}" for each in range(250))
        assert seen.count("Ben Keller accepted") == 1

    def test_can_be_narrowed_to_what_they_or_we_did(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead, client = firm.accepted(now=now).episode.lead, signed(firm.ben.user)
        act(lead, "Read Article", at=now)
        both = text(client, lead, "story/")
        theirs, ours = text(client, lead, "story/?only=theirs"), text(client, lead, "story/?only=ours")
        for shown, they, we in ((both, True, True), (theirs, True, False), (ours, False, True)):
            assert ("Read Article" in shown) is they
            assert ("Ben Keller accepted" in shown) is we
        assert text(client, lead, "story/?only=%00&before=never~x")

    def test_asks_as_often_for_a_thousand_as_for_ten(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead, client = firm.accepted(now=now).episode.lead, signed(firm.ben.user)
        for number in range(10):
            act(lead, f"Act {number % 7}", at=now - timedelta(minutes=number))
        parts = ("", "why/", "story/", "promise/", "next/")
        for part in parts:  # What never changes is read once per process.
            text(client, lead, part)
        few = [questions(client, lead, part) for part in parts]
        kind = ActivityType.objects.get(name="Act 1")
        pattern = Activity.objects.filter(lead=lead, type=kind)[0]
        values = {f.attname: getattr(pattern, f.attname) for f in Activity._meta.concrete_fields if f.name != "id"}
        Activity.objects.bulk_create(
            Activity(**values | {"occurred_at": now - timedelta(hours=number), "message_id": f"many-{number}"})
            for number in range(1000)
        )
        assert [questions(client, lead, part) for part in parts] == few


def questions(client: Client, lead: Lead, part: str = "") -> int:
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/leads/{lead.public_id}/{part}")
    return len(asked)
