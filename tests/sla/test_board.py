"""The manager's board: narrowed in the address, drawn anew in parts, and acted from, each lead by itself."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock, erasing
from leads.models import Notification, Role, TeamMembership
from sla import handoffs
from sla.clocks import targets
from sla.handoffs import NotYours
from sla.models import CapacityOverride, Handoff, ManagerAct, Rep, State
from sla.routing import reassigning
from sla.views.board import counting, lanes, narrowing
from tests.desk import Company, away, company, person

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def board(firm: Company) -> Client:
    client = Client()
    client.force_login(firm.manager)
    return client


def shown(client: Client, path: str) -> list[str]:
    """The leads on a board, in its order."""
    page = client.get(path).content.decode()
    return re.findall(r'<th scope="row"><a href="/leads/([0-9a-f-]{36})/"', page)


def pages_of(client: Client, path: str) -> list[str]:
    """The leads of a lane, one page after the other."""
    seen: list[str] = []
    while path:
        seen += shown(client, path)
        following = re.search(r'href="(/board/\?[^"]*after=[^"]+)"', client.get(path).content.decode())
        path = following.group(1).replace("&amp;", "&") if following else ""
    return seen


def of(*made: Handoff) -> list[str]:
    return [str(each.episode.lead.public_id) for each in made]


def asked(statement: tuple[str, list[Any]]) -> list[tuple[int, datetime | None]]:
    """What the database answers: hand-offs with when they are due."""
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return cursor.fetchall()


def chosen(*made: Handoff) -> list[str]:
    """As a board sends what is ticked on it."""
    return [f"{each.public_id}:{each.version}" for each in made]


class TestNarrowing:
    def test_stands_in_the_address_and_combines_with_the_numbers(
        self, firm: Company, board: Client, now: datetime
    ) -> None:
        late = firm.offered(now=now - 45 * MINUTE, tier="hot")
        hot, warm = firm.offered(now=now, tier="hot"), firm.offered(now=now, rep=firm.ada)
        assert shown(board, "/board/?tier=hot") == of(late, hot)
        assert shown(board, f"/board/?rep={firm.ada.user.public_id}") == of(warm)
        assert shown(board, f"/board/?team={firm.team.pk}&tier=hot&show=late") == of(late)
        assert shown(board, f"/board/?rep={firm.ada.user.public_id}&show=late") == []
        assert shown(board, "/board/?team=nonsense&rep=0&tier=%00&source=") == of(late, hot, warm)

    def test_knows_the_source_of_the_offer_and_counts_what_each_choice_leaves(
        self, firm: Company, board: Client, now: datetime
    ) -> None:
        found = firm.offer(firm.episode(firm.lead(now=now, source="webinar"), now=now), now=now)
        firm.offered(now=now, tier="hot")
        assert shown(board, "/board/?source=webinar") == of(found)
        page = board.get("/board/narrow/?tier=warm").content.decode()
        assert '<option value="webinar">webinar (1)</option>' in page
        assert '<option value="hot">Hot (1)</option>' in page
        assert f'<option value="{firm.ben.user.public_id}">Ben Keller (1)</option>' in page
        assert "webinar (1)" in board.get("/board/?counted=yes").content.decode()
        erasing.erase(found.episode.lead.pk, now=now, by=None)
        found.refresh_from_db()
        assert found.source == ""

    def test_shows_another_team_to_nobody(self, firm: Company, board: Client, now: datetime) -> None:
        other = company(now)
        other.offered(now=now)
        assert shown(board, f"/board/?team={other.team.pk}") == []
        assert shown(board, f"/board/?rep={other.ben.user.public_id}") == []


class TestLanes:
    def test_come_page_by_page_where_there_are_many(
        self, firm: Company, board: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "PAGE", 2)
        monkeypatch.setattr(lanes, "OF_EACH", 1)
        late = [firm.offered(now=now - (60 - n) * MINUTE, tier="hot") for n in range(5)]
        page = board.get("/board/").content.decode()
        assert shown(board, "/board/") == of(late[0])
        assert "show=late" in page
        assert pages_of(board, "/board/?show=late") == of(*late)

    def test_are_counted_to_a_bound(
        self, firm: Company, board: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(counting, "MOST", 2)
        monkeypatch.setattr(counting.told, "__defaults__", (2,))
        for _ in range(4):
            firm.offered(now=now - 45 * MINUTE, tier="hot")
        assert "<b>2+</b><span>Late now" in board.get("/board/").content.decode()

    def test_cost_the_same_number_of_questions_however_many(self, firm: Company, board: Client, now: datetime) -> None:
        firm.offered(now=now)
        firm.offered(now=now - 45 * MINUTE, tier="hot")
        with CaptureQueriesContext(
            connection,
        ) as few:
            board.get("/board/")
        for _ in range(8):
            firm.offered(now=now)
            firm.offered(now=now - 45 * MINUTE, tier="hot", rep=firm.ada)
        with CaptureQueriesContext(connection) as many:
            board.get("/board/")
        assert len(many) == len(few)


class TestRefresh:
    def test_brings_only_what_has_changed(self, firm: Company, board: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        seen = re.findall(r'name="seen" value="([^"]+)"', board.get("/board/").content.decode())
        assert len(seen) == 3
        again = board.get("/board/fresh/", {"seen": seen}, **HTMX).content.decode()
        assert 'id="numbers"' in again
        assert 'id="lanes"' not in again
        assert 'id="seats"' not in again
        handoffs.accept(offered.pk, by=firm.ben.user, now=now)
        again = board.get("/board/fresh/", {"seen": seen}, **HTMX).content.decode()
        assert 'id="lanes"' in again


class TestActing:
    def act(self, board: Client, *made: Handoff, **form: str) -> str:
        return board.post("/board/act/", {"h": chosen(*made), **form}).content.decode()

    def test_reassigns_to_a_named_rep_past_capacity_with_a_row_that_says_so(
        self, firm: Company, board: Client, now: datetime
    ) -> None:
        Rep.objects.filter(pk=firm.ada.pk).update(capacity=0)
        offered = firm.offered(now=now)
        told = self.act(board, offered, what="reassign", to=str(firm.ada.user.public_id), reason="Ben is in court")
        assert "Offered to Ada Brook" in told
        offered.refresh_from_db()
        following = Handoff.objects.get(episode=offered.episode, hop=2)
        assert (offered.state, following.user, following.state) == (State.MOVED, firm.ada.user, State.OFFERED)
        assert CapacityOverride.objects.get(handoff=following).why == "reassigned"
        assert following.trace.trace["chosen"]["user"] == firm.ada.user.pk
        act = ManagerAct.objects.get()
        assert (act.what, act.rep, act.to, act.by, act.reason) == (
            *("reassigned", firm.ben.user, firm.ada.user, firm.manager, "Ben is in court"),
        )

    def test_lets_the_rules_decide(self, firm: Company, board: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        assert "The rules find the next rep" in self.act(board, offered, what="reassign", to="rules", reason="Balance")
        offered.episode.refresh_from_db()
        assert offered.episode.phase == "waiting"

    def test_tells_each_of_several_what_came_of_it(self, firm: Company, board: Client, now: datetime) -> None:
        stale, good = firm.offered(now=now), firm.offered(now=now)
        said_no = firm.offered(now=now, rep=firm.ada)
        handoffs.accept(stale.pk, by=firm.ben.user, now=now)
        told = self.act(
            board, stale, good, said_no, what="reassign", to=str(firm.ada.user.public_id), reason="Quieter desk"
        )
        assert "1 of 3 done" in told
        assert "Ben Keller accepted this" in told
        assert "has it already" in told
        stale.refresh_from_db()
        assert stale.state == State.ACCEPTED

    def test_gives_nothing_to_who_is_away(self, firm: Company, board: Client, now: datetime) -> None:
        away(firm.ada, now=now - MINUTE)
        offered = firm.offered(now=now)
        assert "Ada Brook is away" in self.act(
            board, offered, what="reassign", to=str(firm.ada.user.public_id), reason="Try"
        )
        assert "Ada Brook" not in board.get("/board/act/", {"h": chosen(offered)}).content.decode()

    def test_takes_over_for_a_manager_who_receives_leads(self, firm: Company, board: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        assert "You receive no leads yourself" in self.act(board, offered, what="take", reason="Mine")
        Rep.objects.create(user=firm.manager)
        assert "Yours now, accepted" in self.act(board, offered, what="take", reason="An old friend")
        taken = Handoff.objects.get(episode=offered.episode, hop=2)
        assert (taken.user, taken.state) == (firm.manager, State.ACCEPTED)

    def test_extends_what_is_due_next(self, firm: Company, board: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        before = offered.clocks.get(target="accept").due_at
        assert "is due" in self.act(board, offered, what="extend", hours="1.5", reason="Their holiday")
        assert offered.clocks.get(target="accept").due_at - before == timedelta(hours=1.5)
        assert "possible once" in self.act(board, offered, what="extend", hours="1", reason="Again")
        assert "hours of working time" in self.act(board, offered, what="extend", hours="nan", reason="Again")

    def test_nudges_once_an_hour_and_lead(self, firm: Company, board: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        assert "is told that you wait" in self.act(board, offered, what="nudge")
        assert "Once an hour is enough" in self.act(board, offered, what="nudge")
        letter = Notification.objects.get(kind="nudge")
        assert letter.recipient == firm.ben.user
        assert letter.effect_key == f"nudge:{ManagerAct.objects.get().public_id}"

    def test_asks_for_a_reason_and_for_something_to_do(self, firm: Company, board: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        form = {"h": chosen(offered), "what": "reassign", "to": "rules"}
        assert board.post("/board/act/", form).status_code == 422
        assert board.post("/board/act/", {"h": chosen(offered), "what": "sell", "reason": "x"}).status_code == 422
        assert "Nothing is ticked" in board.get("/board/act/").content.decode()
        offered.refresh_from_db()
        assert offered.state == State.OFFERED

    def test_is_for_managers_of_the_team(self, firm: Company, board: Client, now: datetime) -> None:
        theirs = company(now).offered(now=now)
        assert board.get("/board/act/", {"h": chosen(theirs)}).status_code == 404
        assert "None of them is here" in self.act(board, theirs, what="nudge")
        rep = Client()
        rep.force_login(firm.ben.user)
        mine = firm.offered(now=now)
        assert rep.post("/board/act/", {"h": chosen(mine), "what": "nudge"}).status_code == 404
        with pytest.raises(NotYours):
            reassigning.reassign(mine.pk, to=None, reason="Not mine to give", by=firm.ben.user, now=now)

    def test_leaves_no_reason_behind_when_the_person_is_erased(
        self, firm: Company, board: Client, now: datetime
    ) -> None:
        offered = firm.offered(now=now)
        self.act(board, offered, what="reassign", to="rules", reason="Knows Iris Vale from school")
        erasing.erase(offered.episode.lead.pk, now=clock.now(), by=None)
        assert ManagerAct.objects.get().reason == ""

    @pytest.mark.parametrize(("to", "told"), [("rules", "routed anew"), ("ada", "handed over"), ("me", "handed over")])
    def test_tells_whom_a_lead_is_taken_from(
        self, firm: Company, board: Client, now: datetime, to: str, told: str
    ) -> None:
        offered = firm.offered(now=now)
        if to == "me":
            Rep.objects.create(user=firm.manager, calendar=firm.ben.calendar)
            self.act(board, offered, what="take", reason="I know them")
        else:
            to = "rules" if to == "rules" else str(firm.ada.user.public_id)
            self.act(board, offered, what="reassign", to=to, reason="Knows them")
        offered.refresh_from_db()
        assert offered.state == State.MOVED
        assert Notification.objects.filter(kind=told, recipient=firm.ben.user).count() == 1


class TestViewAs:
    def test_shows_a_members_inbox_and_records_the_look_once(self, firm: Company, board: Client, now: datetime) -> None:
        offered = firm.offered(now=now)
        path = f"/board/as/{firm.ben.user.public_id}/"
        page = board.get(path).content.decode()
        assert offered.episode.lead.name in page
        assert "handoffs/" not in page
        board.get(f"{path}?tab=follow")
        act = ManagerAct.objects.get()
        assert (act.what, act.rep, act.by) == ("viewed", firm.ben.user, firm.manager)

    def test_is_for_the_managers_of_the_rep(self, firm: Company, board: Client, now: datetime) -> None:
        other = company(now)
        assert board.get(f"/board/as/{other.ben.user.public_id}/").status_code == 404
        rep = Client()
        rep.force_login(firm.ada.user)
        assert rep.get(f"/board/as/{firm.ben.user.public_id}/").status_code == 404
        assert not ManagerAct.objects.exists()


class TestAdrift:
    def test_lists_page_by_page_also_what_no_clock_runs_on(
        self, firm: Company, board: Client, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "PAGE", 2)
        made = [firm.accepted(now=now) for _ in range(5)]
        Handoff.objects.filter(pk__in=[each.pk for each in made]).update(next_step_at=now - MINUTE)
        for each in made[2:]:
            targets.void(each, why="met", now=now)
        assert pages_of(board, "/board/?show=adrift") == of(*made)


class TestSome:
    """A lane asked team by team says the same as asked at once."""

    @pytest.fixture
    def floor(self, firm: Company, now: datetime) -> list[Company]:
        """Two teams with one manager and a third beside them; due by turns."""
        firms = [firm, company(now), company(now)]
        TeamMembership.objects.create(team=firms[1].team, user=firm.manager, is_manager=True)
        for minutes in (100, 80, 60, 50):
            for number, each in enumerate(firms):
                each.offered(now=now - (minutes - number) * MINUTE, tier="hot")
        firm.accepted(now=now)
        return firms

    @pytest.mark.parametrize("whose", ["two teams", "all teams", "no team"])
    def test_is_what_the_lane_begins_with(self, floor: list[Company], now: datetime, whose: str) -> None:
        admin, nobody = person(Role.ADMIN, "Alma Holt"), person(Role.MANAGER, "Nils Ode")
        viewer = {"two teams": floor[0].manager, "all teams": admin, "no team": nobody}[whose]
        for chosen, lane in product([{}, {"tier": "hot"}], [*narrowing.LANES, "adrift"]):
            look = narrowing.Look(viewer, narrowing.teams_of(viewer), chosen, "", now)
            all_of_it = look.handoffs.filter(narrowing.within(lane, now=now))
            for most in (1, 3, 7, 100):
                assert len(asked(look.some(lane, most))) == min(most, all_of_it.count())
                found = [pk for pk, _ in asked(look.some(lane, most, in_order=True))]
                assert found == list(all_of_it.most_urgent_first().values_list("pk", flat=True)[:most])


class TestWithin:
    @pytest.mark.parametrize("lane", sorted(narrowing.SHOWS - {"waiting"}))
    def test_is_the_same_in_both_ways_of_asking(self, firm: Company, now: datetime, lane: str) -> None:
        for tier in ("hot", "warm", "cool"):
            for minutes in (0, 20, 45, 120):
                firm.offered(now=now - minutes * MINUTE, tier=tier)
        firm.accepted(now=now)
        condition, moments = narrowing.within_sql(lane, now=now)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM sla_handoff WHERE {condition}", moments)
            found = {pk for (pk,) in cursor.fetchall()}
        assert found == set(Handoff.objects.filter(narrowing.within(lane, now=now)).values_list("pk", flat=True))
