"""Pages of the facts and the judgements: log-in, finding a lead, the lead page, why it is here, preferences."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from leads import clock, outcomes, words
from leads.lengths import read_length
from leads.locks import lock_lead
from leads.models import Account, Lead, Role, Stage, User
from leads.transactions import business
from scoring.assessment import assess
from sla import handoffs
from tests.desk import Company, act, company, person

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


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def page_of(lead: Lead, part: str = "") -> str:
    return f"/leads/{lead.public_id}/{part}"


class TestLogIn:
    def test_lets_people_in_and_out(self, firm: Company) -> None:
        user = firm.ben.user
        user.set_password("a-long-password")
        user.save()
        client = Client()
        assert "Log in" in text(client, "/accounts/login/")
        wrong = client.post("/accounts/login/", {"login": user.email, "password": "wrong"})
        assert 'role="alert"' in wrong.content.decode()
        right = client.post("/accounts/login/?next=/inbox/", {"login": user.email, "password": "a-long-password"})
        assert right.status_code == 302
        assert client.get("/inbox/").status_code == 200
        client.post("/accounts/logout/")
        assert client.get("/inbox/").status_code == 302

    def test_signs_nobody_up(self) -> None:
        client = Client()
        client.post("/accounts/signup/", {"email": "mallory@example.com", "password1": "a-long-password"})
        assert not User.objects.filter(email="mallory@example.com").exists()

    def test_looks_like_baton_on_every_page_of_accounts(self) -> None:
        assert "css/base.css" in text(Client(), "/accounts/password/reset/")


class TestLeadPage:
    @pytest.mark.parametrize("part", ["", "why/", "promise/", "story/"])
    def test_is_there_for_those_who_may_read_it(self, firm: Company, signed: Signed, now: datetime, part: str) -> None:
        lead = firm.offered(now=now).episode.lead
        for user in (firm.ben.user, firm.manager, person(Role.MARKETING, "Theo Marsh")):
            assert lead.name in text(signed(user), page_of(lead, part))
        for user in (firm.ada.user, person(Role.REP, "Stan Other")):
            assert signed(user).get(page_of(lead, part)).status_code == 404
        assert Client().get(page_of(lead, part)).url.startswith("/accounts/login/?next=/leads/")

    def test_groups_the_timeline_by_day_and_tells_repeats_once(
        self, firm: Company, signed: Signed, now: datetime
    ) -> None:
        lead = firm.offered(now=now).episode.lead
        noon = (now - timedelta(days=2)).replace(hour=12)
        for minute in range(5):
            act(lead, "Visited Pricing Page", at=noon + timedelta(minutes=minute))
        shown = text(signed(firm.ben.user), page_of(lead, "story/"))
        assert re.search(r"Visited Pricing Page</span> <b>× 5</b>", shown)
        assert len(re.findall(r'<section class="day">', shown)) == 2
        assert "Offered to Ben Keller" in shown

    def test_answers_in_parts_to_a_page_that_asks_for_one(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.offered(now=now).episode.lead
        for part in ("", "?part=facts", "why/", "promise/", "story/"):
            shown = signed(firm.ben.user).get(page_of(lead, part), HTTP_HX_REQUEST="true").content.decode()
            assert "<html" not in shown
            assert shown.strip()

    def test_leads_on_to_the_lead_it_was_merged_into(self, firm: Company, signed: Signed, now: datetime) -> None:
        winner, loser = firm.lead(now=now), firm.lead(now=now)
        loser.merged_into, loser.merged_at = winner, now
        loser.save()
        assert signed(firm.manager).get(page_of(loser)).url == page_of(winner)

    def test_shows_older_activities_page_by_page(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.offered(now=now).episode.lead
        for number in range(110):
            act(lead, f"Act {number % 2}", at=now - timedelta(hours=number))
        client = signed(firm.ben.user)
        first = text(client, page_of(lead, "story/"))
        older = re.search(r'href="(/leads/[^"]+story/\?before=[^"]+)"', first)
        assert older is not None
        assert "Show older" not in text(client, older[1])
        assert "Act 1" in text(client, older[1])

    def test_asks_the_database_as_often_for_a_long_story_as_for_a_short_one(
        self, firm: Company, signed: Signed, now: datetime, django_assert_max_num_queries: Callable[[int], object]
    ) -> None:
        lead = firm.offered(now=now).episode.lead
        for number in range(30):
            act(lead, f"Act {number}", at=now - timedelta(hours=number))
        client = signed(firm.ben.user)
        with django_assert_max_num_queries(23):
            client.get(page_of(lead, "story/"))


class TestWhy:
    def test_shows_met_and_unmet_and_negative_lines(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.lead(now=now)
        for name in ("Visited Pricing Page", "Visited Careers Page"):
            act(lead, name, at=now - timedelta(hours=1))
        assess(now=now)
        shown = text(signed(firm.manager), page_of(lead, "why/"))
        assert re.search(r"line-negative.*?Visited Careers Page.*?<b>−25</b>", shown, re.S)
        assert "would give +30" in shown
        assert re.search(r"Fit 20 of 0 needed", shown)
        assert re.search(r"Total 25 of 40 needed", shown)

    def test_shows_what_was_then_beside_what_is_now(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.lead(now=now)
        act(lead, "Visited Pricing Page", at=now)
        assess(now=now)
        assert lead.episodes.exists()
        shown = text(signed(firm.manager), page_of(lead, "why/"))
        assert "Why this is an MQL" in shown
        assert re.search(r"Director or higher.*?\+20.*?\+20", shown, re.S)

    def test_shows_both_sums_when_evidence_is_spent(self, firm: Company, signed: Signed, now: datetime) -> None:
        then = now - timedelta(days=10)
        lead = firm.lead(now=then)
        act(lead, "Visited Pricing Page", at=then)
        assess(now=then)
        offered = firm.offer(lead.episodes.get(), now=then)
        handoffs.reject(offered.pk, reason="bad_contact", by=firm.ben.user, now=then + timedelta(minutes=1))
        act(lead, "Read Article", at=now)
        assess(now=now)
        shown = " ".join(re.sub(r"<[^>]+>", "", text(signed(firm.manager), page_of(lead, "why/"))).split())
        assert re.search(r"Engagement: 2 since \d+ \w+ \d{4} · 32 ever", shown)

    def test_says_so_where_nothing_was_judged(self, firm: Company, signed: Signed, now: datetime) -> None:
        assert "Not judged yet" in text(signed(firm.manager), page_of(firm.lead(now=now), "why/"))


class TestFinding:
    def test_finds_by_name_address_and_company_what_one_may_read(
        self, firm: Company, signed: Signed, now: datetime
    ) -> None:
        account = Account.objects.create(name="Brightforge", domain="brightforge.example", created_at=now)
        lead = firm.lead(now=now, first_name="Zoë", last_name="Ångström", account=account)
        firm.offer(firm.episode(lead, now=now), now=now)
        client = signed(firm.ben.user)
        for asked in ("zoë", "ångs", "Zoë brightf", lead.email):
            assert str(lead.public_id) in client.get("/leads/", {"q": asked}).content.decode(), asked
        for asked in ("nobody", "%", "' OR 1=1 --", "\x00"):
            assert client.get("/leads/", {"q": asked}).status_code == 200
        assert "Nobody found" in client.get("/leads/", {"q": "%"}).content.decode()
        assert str(lead.public_id) not in text(signed(firm.ada.user), "/leads/")


class TestPreferences:
    def test_are_kept_and_drawn_by_the_server(self, firm: Company, signed: Signed) -> None:
        client = signed(firm.ben.user)
        assert 'data-theme="system"' in text(client, "/inbox/")
        answer = client.post("/preferences/", {"theme": "dark", "next": "/inbox/?tab=done"})
        assert answer.url == "/inbox/?tab=done"
        client.post("/preferences/", {"single_keys": "off"})
        assert 'data-theme="dark" data-keys="off"' in text(client, "/inbox/")

    def test_lead_nowhere_else(self, firm: Company, signed: Signed) -> None:
        answer = signed(firm.ben.user).post("/preferences/", {"theme": "light", "next": "https://evil.example/"})
        assert answer.url == "/"

    def test_refuse_a_theme_there_is_not(self, firm: Company, signed: Signed) -> None:
        client = signed(firm.ben.user)
        client.post("/preferences/", {"theme": "neon", "next": "/inbox/"})
        shown = text(client, "/inbox/")
        assert "A theme is light, dark, or as the system." in shown
        assert 'data-theme="system"' in shown


class TestErrors:
    def test_have_a_page_of_their_own(self, firm: Company, signed: Signed) -> None:
        missing = signed(firm.ben.user).get("/nowhere/")
        assert missing.status_code == 404
        assert "There is nothing at this address" in missing.content.decode()
        assert "There is nothing at this address" in Client().get("/nowhere/").content.decode()


class TestWhatShowsNothing:
    def test_people_get_a_page_and_the_methods_it_takes(self, signed: Signed) -> None:
        answer = signed(person(Role.REP, "Ben Keller")).get("/preferences/")
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
        assert "To your desk" in answer.content.decode()
        assert answer["Content-Security-Policy"]

    def test_programs_get_theirs(self, signed: Signed) -> None:
        answer = signed(person(Role.REP, "Ben Keller")).get("/api/v1/pull/")
        assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")


class TestNobodyThere:
    @pytest.mark.parametrize(
        ("role", "ways", "says"),
        [
            (Role.REP, [], "those that others hold are not listed here"),
            (Role.MANAGER, [], "those that others hold are not listed here"),
            (Role.MARKETING, ["/import/"], "No leads yet."),
            (Role.REVOPS, ["/import/", "/start/source/"], "No leads yet."),
        ],
    )
    def test_says_what_is_true_for_each_and_where_to_go_on(
        self, signed: Signed, role: str, ways: list[str], says: str
    ) -> None:
        page = signed(person(role, "Theo Marsh")).get("/leads/").content.decode()
        empty = page[page.index('class="empty empty-shown"') :]
        assert says in empty
        assert re.findall(r'<a href="([^"]*)"', empty[: empty.index("</div>")]) == ways

    def test_who_sees_all_is_not_told_of_others(self, signed: Signed) -> None:
        page = signed(person(Role.ADMIN, "Ada Boss")).get("/leads/", {"q": "nobody"}).content.decode()
        assert "Nobody found." in page
        assert "others hold" not in page


class TestWords:
    @pytest.mark.parametrize(
        ("seconds", "said"),
        [(0, "0 s"), (59.9, "59 s"), (60, "1 m"), (3599, "59 m"), (3600, "1 h"), (6120, "1 h 42 m"), (-720, "12 m")],
    )
    def test_say_a_length(self, seconds: float, said: str) -> None:
        assert words.length(seconds) == said

    @given(
        st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001
        st.lists(st.timedeltas(timedelta(0), timedelta(hours=9)), min_size=1, max_size=5),
    )
    def test_what_is_written_beside_two_moments_is_what_lies_between_them(
        self, start: datetime, stretches: list[timedelta]
    ) -> None:
        ends = [start + sum(stretches[:number], timedelta(0)) for number in range(len(stretches) + 1)]
        for between, unit, cut in ((words.minutes_between, 60, "%H:%M"), (words.seconds_between, 1, "%H:%M:%S")):
            said = [read_length(between(begin, end)) for begin, end in pairwise(ends)]
            written = [datetime.strptime(f"{end:%Y-%m-%d {cut}}", f"%Y-%m-%d {cut}") for end in ends]  # noqa: DTZ007
            assert said == [(end - begin).total_seconds() for begin, end in pairwise(written)]
            assert sum(said) % unit == 0

    def test_say_points_and_moments(self, now: datetime) -> None:
        assert [words.points(value) for value in (12_000, 7_500, -20_000, 0, None)] == ["12", "7.5", "−20", "0", "0"]
        assert [words.signed(value) for value in (15_000, -20_000, 0)] == ["+15", "−20", "0"]
        assert words.countdown(727) == "12:07"
        assert words.ago(now - timedelta(seconds=3), now) == "3 s ago"
        assert words.ago(now - timedelta(days=5), now) == "5 d ago"


def test_a_won_deal_stands_on_the_timeline(firm: Company, signed: Signed, now: datetime) -> None:
    lead = firm.lead(now=now, stage=Stage.OPPORTUNITY)

    @business
    def win() -> None:
        outcomes.record(lock_lead(lead.pk), "won", at=now, now=now, via="api", amount=12000, currency="USD")

    win()
    assert re.search(r"Won.*?12,000.00 USD", text(signed(firm.manager), page_of(lead, "story/")), re.S)
