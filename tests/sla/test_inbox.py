"""The inbox: its order, pages by key, tabs and counts, filters and the saved ones, later, and the palette."""

from __future__ import annotations

import copy
import re
import uuid
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock
from leads.errors import Invalid
from leads.models import Lead, Role, User
from scoring.models import Episode, Lane, Tier
from sla import handoffs
from sla.inbox import pages, saving
from sla.inbox.saving import NoSuchFilter
from sla.inbox.tabs import Inbox
from sla.models import Clock, ClockTiming, Handoff, SavedFilter, State
from sla.nextsteps import changing
from tests.desk import Company, company, person

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/inbox/"}
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def ben(firm: Company) -> Client:
    """A browser in which Ben is signed in."""
    client = Client()
    client.force_login(firm.ben.user)
    return client


def text(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, **headers)
    assert response.status_code == 200, path
    return response.content.decode()


def shown(page: str) -> list[str]:
    return re.findall(r'id="row-([0-9a-f-]{36})"', page)


def counts(page: str) -> dict[str, int]:
    return {key: int(count) for key, count in re.findall(r'id="count-(\w+)">(\d+)<', page)}


def keys(*made: Handoff) -> list[str]:
    return [str(each.public_id) for each in made]


def copies(handoff: Handoff, times: int) -> None:
    """As many more rows like this one, each with its lead, matter and clocks."""
    for each in range(times):
        lead: Lead = copy.copy(handoff.episode.lead)
        lead.pk, lead.public_id, lead._state.adding = None, uuid.uuid4(), True
        lead.email = f"copy{each}@brightforge.example"
        lead.save()
        episode: Episode = copy.copy(handoff.episode)
        episode.pk, episode.public_id, episode.lead, episode._state.adding = None, uuid.uuid4(), lead, True
        episode.save()
        row = copy.copy(handoff)
        row.pk, row.public_id, row.episode, row._state.adding = None, uuid.uuid4(), episode, True
        row.save()
        for clock_ in Clock.objects.filter(handoff=handoff).prefetch_related("timings"):
            timing: ClockTiming = clock_.timings.get()
            clock_.pk, clock_.handoff, clock_.episode, clock_._state.adding = None, row, episode, True
            clock_.save()
            timing.pk, timing.clock, timing._state.adding = None, clock_, True
            timing.save()


class TestOrder:
    def test_is_what_runs_out_first_and_within_a_quarter_what_is_worth_most(self, firm: Company, now: datetime) -> None:
        quarter = now.replace(minute=0, second=0, microsecond=0) + HOUR
        wanted = [
            (quarter - MINUTE, Tier.COOL, Lane.NORMAL),
            (quarter + 14 * MINUTE, Tier.HOT, Lane.FAST),
            (quarter + 13 * MINUTE, Tier.HOT, Lane.NORMAL),
            (quarter, Tier.WARM, Lane.NORMAL),
            (quarter + MINUTE, Tier.WARM, Lane.NORMAL),  # offered later
            (quarter + 15 * MINUTE, Tier.HOT, Lane.FAST),
            (None, Tier.HOT, Lane.FAST),
        ]
        made = []
        for due, tier, lane in wanted:
            offered = firm.offered(now=now)
            Handoff.objects.filter(pk=offered.pk).update(next_due_at=due, tier=tier, lane=lane)
            made.append(offered)
        found = [row.pk for row in Handoff.objects.of_user(firm.ben.user).most_pressing_first()]
        assert found == [each.pk for each in made]

    def test_of_what_to_follow_up_is_that_of_the_next_steps(self, firm: Company, now: datetime) -> None:
        late, soon, never = (firm.accepted(now=now) for _ in range(3))
        changing.set_step(late.pk, at=now + 9 * DAY, by=firm.ben.user, now=now)
        changing.set_step(soon.pk, at=now + DAY, by=firm.ben.user, now=now)
        Handoff.objects.filter(pk=never.pk).update(next_step_at=None)
        assert list(Handoff.objects.of_user(firm.ben.user).next_step_first()) == [never, soon, late]


class TestPages:
    def test_begin_after_the_last_row_whatever_was_decided_meanwhile(self, firm: Company, now: datetime) -> None:
        made = [firm.offered(now=now + each * MINUTE) for each in range(5)]
        box = Inbox(firm.ben.user, QueryDict(), now=now)
        first = pages.page_of(box.rows, size=2)
        assert first.handoffs == made[:2]
        handoffs.accept(made[0].pk, by=firm.ben.user, now=now + HOUR)
        second = pages.page_of(box.rows, after=first.after, size=2)
        assert second.handoffs == made[2:4]
        assert pages.page_of(box.rows, after=second.after, size=2) == pages.Page([made[4]], "")

    @pytest.mark.parametrize("after", ["", "x", "1", "1.x", "9" * 150, "-", "\x00", "1.2.3.4.5.6.7.8.9"])
    def test_pass_over_a_place_that_is_none(self, firm: Company, ben: Client, now: datetime, after: str) -> None:
        firm.offered(now=now)
        assert ben.get("/inbox/", {"after": after}).status_code == 200
        for tab in ("follow", "snoozed", "done"):
            assert ben.get("/inbox/", {"after": after, "tab": tab}, **HTMX).status_code == 200

    def test_are_links_and_are_loaded_as_parts(
        self, firm: Company, ben: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "SIZE", 2)
        made = [firm.offered(now=now + each * MINUTE) for each in range(3)]
        page = text(ben, "/inbox/")
        assert shown(page) == keys(*made[:2])
        assert counts(page)["decide"] == 3
        link = re.search(r'id="more" hx-get="([^"]+)"', page)
        assert link is not None
        part = text(ben, link[1].replace("&amp;", "&"), **HTMX)
        assert shown(part) == keys(made[2])
        assert "<nav" not in part
        assert 'id="more"' not in part
        assert shown(text(ben, link[1].replace("&amp;", "&"))) == keys(made[2])
        assert shown(text(ben, "/inbox/?shown=3", **HTMX)) == keys(*made)

    def test_ask_as_often_for_two_hundred_rows_as_for_ten(self, firm: Company, ben: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        offered.refresh_from_db()
        copies(offered, 9)

        def asked(path: str) -> int:
            with CaptureQueriesContext(connection) as found:
                text(ben, path)
            return len(found)

        few = {path: asked(path) for path in ("/inbox/", "/inbox/?shown=500", "/inbox/arrivals/")}
        copies(offered, 190)
        assert {path: asked(path) for path in few} == few
        assert few["/inbox/"] <= 15
        page = text(ben, "/inbox/")
        assert (len(shown(page)), counts(page)["decide"]) == (pages.SIZE, 200)
        assert len(text(ben, "/inbox/arrivals/?" + "&".join(f"seen={key}:1:" for key in shown(page)[:15]))) < 20_000


class TestTabs:
    def test_count_what_is_out_of_sight_apart(self, firm: Company, ben: Client, now: datetime) -> None:
        firm.offered(now=now)
        asleep, done = firm.offered(now=now), firm.accepted(now=now)
        changing.snooze(asleep.pk, until=now + HOUR, by=firm.ben.user, now=now)
        handoffs.convert(done.pk, by=firm.ben.user, now=now)
        page = text(ben, "/inbox/")
        assert counts(page) == {"decide": 1, "follow": 0, "snoozed": 1, "done": 1}
        assert "<title>(1) Inbox · Baton</title>" in page
        assert shown(text(ben, "/inbox/?tab=snoozed")) == keys(asleep)

    def test_say_what_is_adrift(self, firm: Company, ben: Client, now: datetime) -> None:
        drifts = firm.accepted(now=now - 5 * HOUR)
        firm.accepted(now=now)
        page = text(ben, "/inbox/?tab=follow")
        assert page.count("adrift</span>") == 1
        assert "1 adrift</a>" in page
        assert shown(text(ben, "/inbox/?tab=follow&adrift=on")) == keys(drifts)

    def test_count_the_viewers_day(self, firm: Company, ben: Client, now: datetime) -> None:
        firm.ben.user.time_zone = "Pacific/Auckland"
        firm.ben.user.save()
        done = firm.accepted(now=now - 2 * DAY)
        handoffs.convert(done.pk, by=firm.ben.user, now=now - DAY)
        assert counts(text(ben, "/inbox/"))["done"] == 0


class TestFilters:
    def test_leave_what_was_asked_for(self, firm: Company, ben: Client, now: datetime) -> None:
        lead = firm.lead(now=now, first_name="Quentin", source="webinar")
        hot = firm.offer(firm.episode(lead, now=now, tier=Tier.HOT), now=now)
        late = firm.offered(now=now - 9 * HOUR, tier=Tier.COOL)
        firm.offered(now=now)
        for query, left in (
            ("tier=hot", hot),
            ("source=webinar", hot),
            ("q=quent+VALE", hot),
            ("late=on", late),
            (f"team={firm.team.pk}&tier=hot", hot),
            ("lane=normal&tier=cool", late),
        ):
            page = text(ben, f"/inbox/?{query}")
            assert shown(page) == keys(left), query
            assert counts(page)["decide"] == 1
        assert "The filter finds nothing here" in text(ben, "/inbox/?lane=signal")
        assert "<title>(3) Inbox" in text(ben, "/inbox/?lane=signal")

    @pytest.mark.parametrize(
        "query", ["tier=%00", "tier=lukewarm", "team=x", "team=99999999999999999999", "source=nowhere&q=%00", "late=x"]
    )
    def test_pass_over_what_they_can_not_read(self, firm: Company, ben: Client, now: datetime, query: str) -> None:
        firm.offered(now=now)
        assert ben.get(f"/inbox/?{query}").status_code == 200
        assert ben.get(f"/inbox/arrivals/?{query}").status_code == 200

    def test_are_kept_under_a_name(self, firm: Company, ben: Client) -> None:
        answer = ben.post("/inbox/filters/", {"name": " Hot  ones ", "query": "tab=follow&tier=hot&x=1"})
        assert answer.url == "/inbox/?tab=follow&tier=hot"
        saved = SavedFilter.objects.get()
        assert (saved.user, saved.name, saved.query) == (firm.ben.user, "Hot ones", "tier=hot")
        page = text(ben, "/inbox/?tier=hot")
        assert 'aria-current="true">Hot ones</a>' in page
        path = f"/inbox/filters/{saved.public_id}/"
        ben.post(path, {"do": "rename", "name": "Hottest", "query": "tab=decide"})
        saved.refresh_from_db()
        assert saved.name == "Hottest"
        ben.post(path, {"do": "delete", "query": "tab=decide"})
        assert not SavedFilter.objects.exists()
        assert ben.post(path, {"do": "delete"}).status_code == 404

    def test_are_ones_own(self, firm: Company, now: datetime) -> None:
        saved = saving.save(firm.ben.user, name="Mine", query="tier=hot", now=now)
        with pytest.raises(NoSuchFilter):
            saving.rename(firm.ada.user, saved.public_id, name="Theirs")
        with pytest.raises(NoSuchFilter):
            saving.delete(firm.ada.user, saved.public_id)
        stranger = Client()
        stranger.force_login(firm.ada.user)
        assert stranger.post(f"/inbox/filters/{saved.public_id}/", {"name": "Theirs"}).status_code == 404
        assert "Mine" not in text(stranger, "/inbox/")

    def test_refuse_what_can_not_be_kept(self, firm: Company, now: datetime) -> None:
        user = firm.ben.user
        for name, query in (("", "tier=hot"), ("x" * 41, "tier=hot"), ("Hot", ""), ("Hot", "q=" + "x" * 600)):
            with pytest.raises(Invalid):
                saving.save(user, name=name, query=query, now=now)
        first = saving.save(user, name="Hot", query="tier=hot", now=now)
        assert saving.save(user, name="hot", query="tier=warm", now=now) == first
        other = saving.save(user, name="Late", query="late=on", now=now)
        with pytest.raises(Invalid):
            saving.rename(user, other.public_id, name="HOT")
        for each in range(18):
            saving.save(user, name=f"Filter {each}", query="late=on", now=now)
        with pytest.raises(Invalid, match="20 saved"):
            saving.save(user, name="One more", query="late=on", now=now)


class TestArrivals:
    def stamp(self, client: Client, handoff: Handoff) -> str:
        found = re.search(rf'name="seen" value="({handoff.public_id}:[^"]+)"', text(client, "/inbox/"))
        assert found is not None
        return found[1]

    def test_send_a_timer_only_where_it_was_timed_anew(self, firm: Company, ben: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        seen = self.stamp(ben, offered)
        assert "data-timer" not in text(ben, f"/inbox/arrivals/?seen={seen}", **HTMX)
        due = Clock.objects.filter(handoff=offered).order_by("due_at").first()
        assert due is not None
        Clock.objects.filter(pk=due.pk).update(due_at=due.due_at - HOUR)
        assert f'data-timer="{offered.public_id}"' in text(ben, f"/inbox/arrivals/?seen={seen}", **HTMX)

    def test_count_who_comes_back_into_sight(self, firm: Company, ben: Client, now: datetime) -> None:
        offered = firm.offered(now=now - HOUR)
        since = (now - MINUTE).isoformat()
        assert "new lead" not in text(ben, f"/inbox/arrivals/?since={since.replace('+', '%2B')}", **HTMX)
        Handoff.objects.filter(pk=offered.pk).update(snoozed_until=now - timedelta(seconds=5))
        assert "1 new lead " in text(ben, f"/inbox/arrivals/?since={since.replace('+', '%2B')}", **HTMX)

    def test_count_nobody_twice_who_was_there_when_the_page_was_drawn(
        self, firm: Company, ben: Client, now: datetime
    ) -> None:
        firm.offered(now=now)
        page = text(ben, "/inbox/")
        asked = re.search(r'id="arrivals"[^>]*hx-get="([^"]+)"', page)
        since = re.search(r'name="since" value="([^"]+)"', page)
        assert asked is not None
        assert since is not None
        path = asked[1].replace("&amp;", "&") + "&since=" + since[1].replace("+", "%2B")
        assert "new lead" not in text(ben, path, **HTMX)
        firm.offered(now=clock.now())
        assert "1 new lead " in text(ben, path, **HTMX)


class TestLater:
    def later(self, client: Client, handoff: Handoff, **fields: str) -> str:
        answer = client.post(f"/handoffs/{handoff.public_id}/later/", {"version": handoff.version} | fields, **HTMX)
        assert answer.status_code == 200, answer.content.decode()
        return answer.content.decode()

    def test_hides_an_offer_and_says_where_it_was_cut(self, firm: Company, ben: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        told = self.later(ben, offered, moment=(now + HOUR).isoformat())
        assert f'id="row-{offered.public_id}" hx-swap-oob="delete"' in told
        assert "is out of sight until" in told
        assert f'action="/handoffs/{offered.public_id}/later/undo/"' in told
        assert counts(told.replace(' hx-swap-oob="true"', ""))["snoozed"] == 1
        assert "its next warning comes then" in self.later(ben, offered, moment=(now + 9 * DAY).isoformat())

    def test_sets_the_next_step_and_keeps_the_row_where_asked(self, firm: Company, ben: Client, now: datetime) -> None:
        accepted = firm.accepted(now=now)
        at = (now + 2 * DAY).strftime("%Y-%m-%dT%H:%M")
        headers = {**HTMX, "HTTP_HX_CURRENT_URL": "http://testserver/inbox/?tab=follow"}
        path = f"/handoffs/{accepted.public_id}/later/"
        answer = ben.post(path, {"version": accepted.version, "until": at, "what": "Call <b>"}, **headers)
        told = answer.content.decode()
        assert f'id="row-{accepted.public_id}" hx-swap-oob="true"' in told
        assert "Call &lt;b&gt;" in told
        accepted.refresh_from_db()
        assert (accepted.next_step, accepted.snoozed_until) == ("Call <b>", None)

    def test_goes_back_by_undo_and_by_hand(self, firm: Company, ben: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        self.later(ben, offered, moment=(now + HOUR).isoformat())
        answer = ben.post(f"/handoffs/{offered.public_id}/later/undo/", **HTMX)
        assert "inbox-changed" in answer["HX-Trigger"]
        assert Handoff.objects.get().snoozed_until is None
        self.later(ben, offered, moment=(now + HOUR).isoformat())
        assert ben.post(f"/handoffs/{offered.public_id}/wake/", {"from": "inbox"}).url.startswith("/inbox/")
        assert Handoff.objects.get().snoozed_until is None

    def test_says_what_is_wrong(self, firm: Company, ben: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        for fields in ({}, {"moment": "soon"}, {"until": "2020-01-01T10:00"}):
            assert ben.post(f"/handoffs/{offered.public_id}/later/", fields, **HTMX).status_code == 422
        assert ben.get(f"/handoffs/{offered.public_id}/later/").status_code == 405

    def test_is_not_there_for_strangers(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now)
        for user in (person(Role.REP, "Stan Other"), firm.ada.user):
            other = Client()
            other.force_login(user)
            for what in ("later", "later/undo", "wake"):
                answer = other.post(f"/handoffs/{offered.public_id}/{what}/", {"moment": (now + HOUR).isoformat()})
                assert answer.status_code == 404, what
        assert Handoff.objects.get(state=State.OFFERED).snoozed_until is None


class TestPalette:
    def test_finds_what_the_viewer_may_read_in_one_question(self, firm: Company, ben: Client, now: datetime) -> None:
        for each in range(10):
            lead = firm.lead(now=now, first_name="Quentin", last_name=f"<i>{each}")
            if each:
                firm.offer(firm.episode(lead, now=now), now=now)
        with CaptureQueriesContext(connection) as asked:
            found = text(ben, "/palette/?q=quen", **HTMX)
        assert found.count('role="option"') == 8
        assert "<i>" not in found
        assert len([each for each in asked if '"leads_lead"."first_name"' in each["sql"]]) == 1
        stranger = Client()
        stranger.force_login(person(Role.REP, "Stan Other"))
        assert 'role="option"' not in text(stranger, "/palette/?q=quen", **HTMX)
        assert 'role="option"' not in text(ben, "/palette/?q=q", **HTMX)

    @pytest.mark.parametrize(("asked", "found"), [("qu", 0), ("que", 1), ("王", 0), ("王芳", 1)])
    def test_begins_with_three_letters_or_two_signs(
        self, firm: Company, ben: Client, now: datetime, asked: str, found: int
    ) -> None:
        lead = firm.lead(now=now, first_name="Quentin", last_name="王芳")
        firm.offer(firm.episode(lead, now=now), now=now)
        assert text(ben, f"/palette/?q={asked}", **HTMX).count('role="option"') == found

    @pytest.mark.parametrize(("who", "sees"), [("ben", False), ("manager", True)])
    def test_lists_the_pages_one_may_open(self, firm: Company, now: datetime, who: str, sees: bool) -> None:
        user: User = firm.manager if who == "manager" else firm.ben.user
        saving.save(user, name="Hot ones", query="tier=hot", now=now)
        client = Client()
        client.force_login(user)
        own = text(client, "/palette/", **HTMX)
        assert ("Board" in own) == sees
        assert "Hot ones" in own
        for path in re.findall(r'data-href="([^"]+)"', own):
            assert client.get(path.replace("&amp;", "&")).status_code in (200, 302), path
