"""Pages of the promises: inbox, board, the promise of a lead, verdicts as forms; each for all who may come by."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from leads import clock
from leads.models import Lead, Role, User
from scoring.models import Phase, Qualification, Tier
from sla import handoffs, timers, touches
from sla.models import Clock, Handoff, State, Target
from tests.desk import Company, act, company, person

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/inbox/"}
Signed = Callable[[User], Client]


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


@pytest.fixture
def stranger(db: None) -> User:
    """A rep of another team."""
    return person(Role.REP, "Stan Other")


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def page_of(lead: Lead, part: str = "") -> str:
    return f"/leads/{lead.public_id}/{part}"


def post(client: Client, handoff: Handoff, what: str, **fields: object) -> object:
    return client.post(f"/handoffs/{handoff.public_id}/{what}/", {"version": handoff.version} | fields)


class TestHome:
    def test_leads_each_to_their_own_place(self, firm: Company, signed: Signed) -> None:
        assert signed(firm.ben.user).get("/").url == "/inbox/"
        assert signed(firm.manager).get("/").url == "/board/"
        admin = person(Role.ADMIN, "Sam Root")
        admin.is_staff = True
        admin.save()
        assert signed(admin).get("/").url == "/admin/"
        assert signed(person(Role.MARKETING, "Theo Marsh")).get("/").url == "/leads/"

    @pytest.mark.parametrize("path", ["/", "/inbox/", "/board/", "/inbox/arrivals/", "/timers/"])
    def test_asks_who_it_is(self, path: str) -> None:
        response = Client().get(path)
        assert response.status_code == 302
        assert response.url.startswith("/accounts/login/")

    def test_leads_a_part_of_a_page_to_the_log_in_as_a_whole(self) -> None:
        response = Client().get("/inbox/arrivals/", **HTMX)
        assert response["HX-Redirect"] == "/accounts/login/"


class TestInbox:
    def test_shows_what_runs_out_first_on_top(self, firm: Company, signed: Signed, now: datetime) -> None:
        cool, hot = firm.offered(now=now, tier=Tier.COOL), firm.offered(now=now, tier=Tier.HOT)
        warm = firm.offered(now=now, tier=Tier.WARM)
        shown = re.findall(r'id="row-([0-9a-f-]{36})"', text(signed(firm.ben.user), "/inbox/"))
        assert shown == [str(each.public_id) for each in (hot, warm, cool)]

    def test_counts_its_tabs(self, firm: Company, signed: Signed, now: datetime) -> None:
        firm.offered(now=now), firm.offered(now=now), firm.accepted(now=now)
        done = firm.accepted(now=now)
        handoffs.convert(done.pk, by=firm.ben.user, now=now)
        shown = re.findall(r'id="count-(\w+)">(\d+)<', text(signed(firm.ben.user), "/inbox/"))
        assert shown == [("decide", "2"), ("follow", "1"), ("snoozed", "0"), ("done", "1")]
        assert "Converted" in text(signed(firm.ben.user), "/inbox/?tab=done")

    def test_is_ones_own(self, firm: Company, signed: Signed, stranger: User, now: datetime) -> None:
        mine = firm.offered(now=now)
        for other in (stranger, firm.ada.user, firm.manager):
            assert str(mine.public_id) not in text(signed(other), "/inbox/")

    def test_asks_the_database_as_often_for_many_rows_as_for_few(
        self, firm: Company, signed: Signed, now: datetime, django_assert_max_num_queries: Callable[[int], object]
    ) -> None:
        client = signed(firm.ben.user)
        for _ in range(12):
            firm.offered(now=now)
        with django_assert_max_num_queries(17):
            client.get("/inbox/")

    def test_tells_what_to_do_where_it_is_empty(self, firm: Company, signed: Signed) -> None:
        assert "Nothing to decide" in text(signed(firm.ben.user), "/inbox/")
        assert "Nothing done yet today" in text(signed(firm.ben.user), "/inbox/?tab=done")
        assert text(signed(firm.ben.user), "/inbox/?tab=%00%3Cscript%3E")

    def test_keeps_hostile_names_inert(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.lead(
            now=now, first_name='<script>alert("x")</script>', last_name="\"'><img src=x>", title="{{ 7 }}"
        )
        firm.offer(firm.episode(lead, now=now), now=now)
        for path in (
            "/inbox/",
            page_of(lead),
            page_of(lead, "promise/"),
            page_of(lead, "story/"),
            page_of(lead, "why/"),
        ):
            shown = text(signed(firm.ben.user), path)
            assert "<script>alert" not in shown
            assert "<img src=x>" not in shown
            assert "&lt;script&gt;alert(&quot;x&quot;)" in shown


class TestArrivals:
    def ask(self, client: Client, *seen: str, since: datetime, tab: str = "decide") -> str:
        asked = {"seen": list(seen), "since": since.isoformat(), "tab": tab}
        return client.get("/inbox/arrivals/", asked, **HTMX).content.decode()

    def test_says_how_many_are_new_and_moves_nothing(self, firm: Company, signed: Signed, now: datetime) -> None:
        known, _ = firm.offered(now=now), firm.offered(now=now)
        shown = self.ask(signed(firm.ben.user), f"{known.public_id}:1", since=now - timedelta(seconds=1))
        assert "1 new lead " in shown
        assert f'id="row-{known.public_id}"' not in shown
        assert f"[data-timer=&#x27;{known.public_id}&#x27;]" in shown or f"[data-timer='{known.public_id}']" in shown

    def test_tells_who_was_quicker(self, firm: Company, signed: Signed, now: datetime) -> None:
        known = firm.offered(now=now)
        handoffs.accept(known.pk, by=firm.manager, now=now)
        shown = self.ask(signed(firm.ben.user), f"{known.public_id}:1", since=now)
        assert f'id="row-{known.public_id}" hx-swap-oob="true"' in shown
        assert re.search(r"Ben Keller accepted this (just now|\d+ s ago)", shown)

    @pytest.mark.parametrize("seen", ["", "x", "x:y", "00000000-0000-0000-0000-000000000000:1", ":::", "\x00:1"])
    def test_passes_over_what_it_can_not_read(self, firm: Company, signed: Signed, now: datetime, seen: str) -> None:
        assert "new lead" not in self.ask(signed(firm.ben.user), seen, since=now)
        broken = signed(firm.ben.user).get("/inbox/arrivals/?since=yesterday&seen=1:99999999999999")
        assert broken.status_code == 200


class TestTimer:
    def test_says_how_it_stands_in_words(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now, tier=Tier.WARM)
        fresh = Handoff.objects.for_rows().get(pk=offered.pk)
        told = [
            timers.of_handoff(fresh, now=now + after)
            for after in (timedelta(0), timedelta(minutes=107, seconds=53), timedelta(hours=2, minutes=12))
        ]
        assert [(each.state, each.text) for each in told] == [
            ("ontrack", "2 h"),
            ("soon", "12:07"),
            ("late", "+12 m late"),
        ]

    def test_says_how_it_ended(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now, tier=Tier.HOT)
        at = now + timedelta(minutes=7)
        touches.record(
            offered.episode.lead_id,
            means="call",
            outcome="reached",
            performed_by=firm.ben.user,
            recorded_by=firm.ben.user,
            occurred_at=at,
            now=at,
        )
        first = Clock.objects.prefetch_related("timings__policy_version__policy").get(
            handoff=offered, target=Target.FIRST_TOUCH
        )
        assert timers.of_clock(first, now=at).text == "met in 7 m"

    def test_says_when_work_resumes(self, firm: Company) -> None:
        saturday = datetime.fromisoformat("2026-03-14T12:00:00+00:00")
        target = firm.policy.targets.get(target=Target.FIRST_TOUCH, heat="warm")
        # The promise of the shipped policy counts in the team's hours.
        target.hours = "team"
        handoff = firm.offered(now=saturday, tier=Tier.WARM)
        from sla import clocks

        clock_ = Clock.objects.get(handoff=handoff, target=Target.FIRST_TOUCH)
        clocks.void(clock_, why="test", now=saturday)
        again = clocks.start(
            episode=handoff.episode,
            handoff=handoff,
            target=Target.FIRST_TOUCH,
            cause="again",
            start_at=saturday,
            policy_target=target,
            why="test",
            now=saturday,
        )
        assert again is not None
        told = timers.of_clock(again, now=saturday)
        assert (told.state, told.text) == ("resumes", "resumes Mon 09:00")
        assert told.runs is None


class TestVerdictByForm:
    def test_takes_the_rep_back_to_the_inbox_with_undo(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now)
        client = signed(firm.ben.user)
        answer = post(client, offered, "accept", **{"from": "inbox"})
        assert answer.status_code == 302
        assert answer.url == f"/inbox/?done={offered.public_id}"
        offered.refresh_from_db()
        assert offered.state == State.ACCEPTED
        shown = text(client, answer.url)
        assert "Accepted: " in shown
        assert f'action="/handoffs/{offered.public_id}/undo/"' in shown
        assert post(client, offered, "undo").status_code == 302
        offered.refresh_from_db()
        assert offered.state == State.OFFERED

    def test_rejects_with_a_reason(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now)
        client = signed(firm.ben.user)
        assert "Bad contact data" in text(client, page_of(offered.episode.lead, "promise/"))
        assert post(client, offered, "reject", reason="bad_contact", note="bounced").status_code == 302
        offered.refresh_from_db()
        assert (offered.state, offered.reason.code, offered.note) == (State.REJECTED, "bad_contact", "bounced")
        assert "Rests until" in text(client, page_of(offered.episode.lead, "story/"))
        assert "rests until" in text(client, page_of(offered.episode.lead))

    def test_converts_and_returns(self, firm: Company, signed: Signed, now: datetime) -> None:
        client = signed(firm.ben.user)
        one, two = firm.accepted(now=now), firm.accepted(now=now)
        post(client, one, "convert", budget="40k", authority="", need="fewer sheets")
        one.refresh_from_db()
        assert (one.state, one.bant) == (State.CONVERTED, {"budget": "40k", "need": "fewer sheets"})
        later = (now + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
        post(client, two, "return", reason="timing", named_date=later)
        two.refresh_from_db()
        assert two.state == State.RETURNED
        assert two.named_date is not None

    def test_records_a_touch_which_accepts(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now)
        answer = signed(firm.ben.user).post(
            page_of(offered.episode.lead, "touch/"), {"means": "call", "outcome": "reached"}
        )
        assert answer.status_code == 302
        offered.refresh_from_db()
        assert (offered.state, offered.touches) == (State.ACCEPTED, 1)

    def test_lets_a_manager_answer_for_the_rep(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now)
        client = signed(firm.manager)
        assert "You act for Ben Keller" in text(client, page_of(offered.episode.lead, "promise/"))
        post(client, offered, "accept")
        change = offered.changes.latest("pk")
        assert (change.by, change.performed_by) == (firm.manager, firm.ben.user)

    def test_is_not_there_for_strangers(self, firm: Company, signed: Signed, stranger: User, now: datetime) -> None:
        offered = firm.offered(now=now)
        for other in (stranger, firm.ada.user):
            assert post(signed(other), offered, "accept").status_code == 404
            assert signed(other).post(page_of(offered.episode.lead, "touch/"), {"means": "call"}).status_code == 404
        offered.refresh_from_db()
        assert offered.state == State.OFFERED

    def test_changes_nothing_by_a_link(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now)
        assert signed(firm.ben.user).get(f"/handoffs/{offered.public_id}/accept/").status_code == 405
        careful = Client(enforce_csrf_checks=True)
        careful.force_login(firm.ben.user)
        assert post(careful, offered, "accept").status_code == 403

    @pytest.mark.parametrize(
        ("what", "fields", "told"),
        [
            ("reject", {}, "Choose a reason"),
            ("reject", {"reason": "no such"}, "reason"),
            ("accept", {"version": "9" * 40}, "number"),
            ("accept", {"version": "<b>"}, "number"),
            ("reject", {"reason": "bad_contact", "note": "x" * 5000}, "note"),
            ("return", {"reason": "timing", "named_date": "soon"}, "date"),
        ],
    )
    def test_says_what_is_wrong(
        self, firm: Company, signed: Signed, now: datetime, what: str, fields: dict[str, str], told: str
    ) -> None:
        offered = firm.offered(now=now)
        answer = post(signed(firm.ben.user), offered, what, **fields)
        assert answer.status_code == 422
        assert told in answer.content.decode().lower() or told in answer.content.decode()
        offered.refresh_from_db()
        assert offered.state == State.OFFERED


class TestStalePage:
    def test_tells_who_was_quicker_and_changes_nothing(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now)
        handoffs.reject(offered.pk, reason="bad_contact", by=firm.manager, now=now)
        answer = post(signed(firm.ben.user), offered, "accept")
        assert answer.status_code == 409
        assert re.search(r"Ben Keller rejected this", answer.content.decode())
        part = signed(firm.ben.user).post(f"/handoffs/{offered.public_id}/accept/", {"version": 1}, **HTMX)
        assert part.status_code == 409
        assert f'<li class="row row-gone" id="row-{offered.public_id}" hx-swap-oob="true">' in part.content.decode()
        assert "<!doctype" not in part.content.decode()

    def test_gives_no_undo_when_its_seconds_are_over(self, firm: Company, signed: Signed, now: datetime) -> None:
        then = now - timedelta(seconds=20)
        accepted = firm.accepted(now=then)
        client = signed(firm.ben.user)
        assert "data-undo" not in text(client, f"/inbox/?done={accepted.public_id}")
        assert post(client, accepted, "undo").status_code == 409


class TestAnswerWithinThePage:
    def test_takes_the_row_away_and_brings_undo(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now)
        answer = signed(firm.ben.user).post(f"/handoffs/{offered.public_id}/accept/", {"version": 1}, **HTMX)
        shown = answer.content.decode()
        assert f'<li id="row-{offered.public_id}" hx-swap-oob="delete">' in shown
        assert 'id="count-decide">0<' in shown
        assert "data-undo" in shown
        assert "lead-moved" in answer["HX-Trigger-After-Settle"]

    def test_draws_the_row_anew_where_it_stays(self, firm: Company, signed: Signed, now: datetime) -> None:
        accepted = firm.accepted(now=now)
        here = HTMX | {"HTTP_HX_CURRENT_URL": "http://testserver/inbox/?tab=follow"}
        touched = signed(firm.ben.user).post(
            page_of(accepted.episode.lead, "touch/"), {"means": "email", "outcome": "sent"}, **here
        )
        assert f'id="row-{accepted.public_id}" hx-swap-oob="true"' in touched.content.decode()


class TestPromise:
    def test_shows_the_deadline_with_its_sum(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now, tier=Tier.HOT)
        shown = text(signed(firm.ben.user), page_of(offered.episode.lead, "promise/"))
        assert "How the 2 deadlines were counted" in shown
        assert "30 m of working time" in shown
        assert "round the clock" in shown

    def test_says_why_nobody_has_it(self, firm: Company, signed: Signed, now: datetime) -> None:
        lead = firm.lead(now=now)
        firm.episode(lead, now=now)
        assert "Waits for someone" in text(signed(firm.manager), page_of(lead, "promise/"))

    def test_reopens_for_a_manager_only(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now - timedelta(minutes=5))
        handoffs.reject(offered.pk, reason="bad_contact", by=firm.ben.user, now=now - timedelta(minutes=4))
        promise = page_of(offered.episode.lead, "promise/")
        assert "Reopen" not in text(signed(firm.ben.user), promise)
        client = signed(firm.manager)
        assert "Reopen" in text(client, promise)
        assert client.post(f"/handoffs/{offered.public_id}/reopen/", {"why": "They wrote back"}).status_code == 302
        assert Handoff.objects.get(episode=offered.episode, hop=2).state == State.ACCEPTED


class TestBoard:
    def test_is_for_managers(self, firm: Company, signed: Signed, stranger: User) -> None:
        assert signed(firm.ben.user).get("/board/").status_code == 404
        assert signed(stranger).get("/board/").status_code == 404
        assert signed(person(Role.MARKETING, "Theo Marsh")).get("/board/").status_code == 404
        assert signed(firm.manager).get("/board/").status_code == 200
        assert signed(person(Role.REVOPS, "Priya Nair")).get("/board/").status_code == 200

    def test_counts_what_is_late_and_what_runs_out(self, firm: Company, signed: Signed, now: datetime) -> None:
        late = firm.offered(now=now - timedelta(minutes=45), tier=Tier.HOT)
        soon = firm.offered(now=now - timedelta(minutes=20), tier=Tier.HOT)
        firm.offered(now=now, tier=Tier.HOT)
        firm.offered(now=now, tier=Tier.COOL)
        firm.episode(firm.lead(now=now), now=now)
        client = signed(firm.manager)
        shown = text(client, "/board/")
        assert re.findall(r"<b>(\d+)</b><span>([^<]+)<", shown) == [
            ("1", "Late now"),
            ("1", "Due within 15 min"),
            ("2", "Due within the hour"),
            ("0", "Adrift, no next step"),
            ("1", "Waiting for someone"),
        ]
        assert self.leads(text(client, "/board/?show=late")) == [str(late.episode.lead.public_id)]
        assert self.leads(text(client, "/board/?show=soon")) == [str(soon.episode.lead.public_id)]
        assert len(self.leads(text(client, "/board/?show=hour"))) == 2
        assert self.leads(text(client, "/board/?show=waiting")) == []

    def leads(self, shown: str) -> list[str]:
        return re.findall(r'<th scope="row"><a href="/leads/([0-9a-f-]{36})/"', shown)

    def test_shows_other_teams_to_nobody_else(self, firm: Company, signed: Signed, now: datetime) -> None:
        other = company(now)
        theirs = other.offered(now=now)
        assert str(theirs.episode.lead.public_id) not in text(signed(firm.manager), "/board/")

    def test_asks_the_database_a_bounded_number_of_times(
        self, firm: Company, signed: Signed, now: datetime, django_assert_max_num_queries: Callable[[int], object]
    ) -> None:
        client = signed(firm.manager)
        for _ in range(12):
            firm.offered(now=now)
        with django_assert_max_num_queries(31):
            client.get("/board/")

    def test_shows_each_deadline_with_its_sum(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now, tier=Tier.HOT)
        firm.episode(firm.lead(now=now), now=now)
        shown = text(signed(firm.manager), "/board/")
        assert shown.count('<details class="due"') == 2
        assert signed(firm.ben.user).get(f"/board/due/{offered.public_id}/").status_code == 404
        shown += text(signed(firm.manager), f"/board/due/{offered.public_id}/")
        assert "<b>30 m of working time</b> to answer" in shown
        assert "<b>10 m of working time</b> to assign" in shown
        assert f"{firm.policy}, counted in round the clock" in shown

    def test_releases_and_dismisses_standing_leads(self, firm: Company, signed: Signed, now: datetime) -> None:
        one, two = (self.standing(firm, now) for _ in range(2))
        client = signed(firm.manager)
        assert "Standing" in text(client, "/board/")
        assert signed(firm.ben.user).post(f"/board/standing/{one.public_id}/release/").status_code == 404
        client.post(f"/board/standing/{one.public_id}/release/")
        client.post(f"/board/standing/{two.public_id}/dismiss/")
        assert one.lead.episodes.get().phase == Phase.WAITING
        two.refresh_from_db()
        assert two.settled_as == Qualification.Settled.DISMISSED
        shown = text(client, "/board/")
        assert "Released: " in shown
        assert "Standing" not in shown

    def standing(self, firm: Company, now: datetime) -> Qualification:
        lead = firm.lead(now=now)
        act(lead, "Visited Pricing Page", at=now - timedelta(days=2))
        return Qualification.objects.create(
            lead=lead,
            version=firm.version,
            definition=firm.definition,
            at=now,
            kind="standing",
            tier=Tier.WARM,
            fit=20_000,
            engagement=30_000,
            total=50_000,
            sentence="Visited Pricing Page (+30): 50 points.",
            reasons=[],
            deciding={},
            received_at=now,
            waiting=True,
        )


class TestGiveByHand:
    def test_offers_a_waiting_lead_to_the_chosen_rep(self, firm: Company, signed: Signed, now: datetime) -> None:
        episode = firm.episode(firm.lead(now=now), now=now)
        path = f"/board/waiting/{episode.public_id}/give/"
        assert path in text(signed(firm.manager), "/board/")
        assert signed(firm.ben.user).post(path, {"rep": firm.ada.user.public_id}).status_code == 404
        assert signed(firm.manager).post(path, {"rep": "nobody"}).status_code == 404
        signed(firm.manager).post(path, {"rep": firm.ada.user.public_id})
        assert Handoff.objects.get(episode=episode).user == firm.ada.user
        assert signed(firm.manager).post(path, {"rep": firm.ada.user.public_id}).status_code == 404

    def test_says_why_not(self, firm: Company, signed: Signed, stranger: User, now: datetime) -> None:
        episode = firm.episode(firm.lead(now=now), now=now)
        client = signed(firm.manager)
        client.post(f"/board/waiting/{episode.public_id}/give/", {"rep": stranger.public_id})
        assert "no team that you manage" in text(client, "/board/")


class TestPolicyOfContent:
    def test_lets_no_script_or_style_stand_in_a_page(self, firm: Company, signed: Signed, now: datetime) -> None:
        offered = firm.offered(now=now)
        lead = offered.episode.lead
        for path in ("/inbox/", "/leads/", page_of(lead), page_of(lead, "promise/"), page_of(lead, "story/")):
            response = signed(firm.ben.user).get(path)
            policy = response["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            shown = response.content.decode()
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:", shown), path
            assert response["Cache-Control"].count("no-store") == 1

    def test_keeps_a_first_page_small(self, firm: Company, signed: Signed, now: datetime) -> None:
        for _ in range(20):
            firm.offered(now=now)
        assert len(signed(firm.ben.user).get("/inbox/").content) < 100_000
