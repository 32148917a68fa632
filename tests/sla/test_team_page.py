"""The team page, taking a rep out, and what a manager decides on the board; each for all who may come by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from leads import clock
from leads.models import Role, User
from sla import clockwork
from sla.models import Absence, Calendar, CalendarVersion, Handoff, LeftBehind, Rep
from sla.people import beginning, calendars, days, leaving
from sla.worktime import Calendar as Counted
from sla.worktime import Hours
from tests.desk import Company, company, person, rep_in
from tests.sla.test_left_behind import touch

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def signed(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class TestDays:
    def test_draws_what_is_open_and_away_and_now(self) -> None:
        hours = Hours.of(
            Counted.from_spec({"time_zone": "UTC", "weekly": {"tue": [["06:00", "12:00"], ["18:00", "24:00"]]}})
        )
        at = datetime(2026, 3, 10, tzinfo=UTC)
        day = days.picture(
            hours,
            [(at - DAY, at + 3 * HOUR), (at + 5 * DAY, at + 6 * DAY)],
            day=date(2026, 3, 10),
            zone=ZoneInfo("UTC"),
            now=at + 12 * HOUR,
        )
        assert [(each.left, each.width) for each in day.open] == [(250, 250), (750, 250)]
        assert [(each.left, each.width) for each in day.away] == [(0, 125)]
        assert (day.now, day.said) == (500, "open 06:00-12:00, 18:00-24:00; away 00:00-03:00")

    def test_knows_short_days_and_closed_ones(self) -> None:
        berlin, day = ZoneInfo("Europe/Berlin"), date(2026, 3, 29)
        always = days.picture(Hours.always(), [], day=day, zone=berlin, now=datetime(2026, 1, 1, tzinfo=UTC))
        assert (always.now, always.said) == (None, "open 00:00-24:00")
        closed = Hours.of(Counted.from_spec({"time_zone": "UTC", "weekly": {"tue": [["09:00", "17:00"]]}}))
        assert days.picture(closed, [], day=day, zone=ZoneInfo("UTC"), now=datetime(2026, 1, 1, tzinfo=UTC)).open == []


class TestTeam:
    def test_shows_hours_zone_load_and_who_is_away(self, house: Company, now: datetime) -> None:
        house.accepted(now=now)
        Absence.objects.create(rep=house.ben, starts_at=now - HOUR, ends_at=now + DAY)
        Absence.objects.create(rep=house.ada, starts_at=now + DAY, ends_at=now + 2 * DAY)
        calendar = Calendar.objects.create(name="Ada's own")
        spec = {"time_zone": "UTC", "weekly": dict.fromkeys(("mon", "sun"), [["00:00", "24:00"]])}
        CalendarVersion.objects.create(calendar=calendar, number=1, spec=spec, created_at=now)
        Rep.objects.filter(pk=house.ada.pk).update(calendar=calendar)
        shown = signed(house.manager).get("/team/").content.decode()
        assert "away until" in shown
        assert "1 of 20" in shown
        assert "Ada&#x27;s own" in shown
        assert "Ben Keller today: " in shown
        assert "Take out" not in shown

    def test_is_for_managers_of_their_own_teams(self, house: Company, now: datetime) -> None:
        other = company(now)
        shown = signed(house.manager).get("/team/").content.decode()
        assert house.team.name in shown
        assert str(other.ben.user.public_id) not in shown
        assert signed(house.ben.user).get("/team/").status_code == 404
        assert signed(person(Role.MARKETING, "Theo Marsh")).get("/team/").status_code == 404
        assert "Take out" in signed(person(Role.REVOPS, "Rita Ops")).get("/team/").content.decode()

    def test_asks_as_often_for_many_as_for_few(
        self, house: Company, now: datetime, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(12):
            rep = rep_in(house.team, f"Cleo {number}")
            Absence.objects.create(rep=rep, starts_at=now + HOUR, ends_at=now + DAY)
        client = signed(house.manager)
        with django_assert_max_num_queries(16):
            client.get("/team/")


class TestLeavingPage:
    def test_shows_where_each_goes_and_then_it_goes_there(self, house: Company, now: datetime) -> None:
        house.offered(now=now), house.accepted(now=now)
        ops = signed(person(Role.REVOPS, "Rita Ops"))
        page = f"/team/{house.ben.user.public_id}/leaving/"
        shown = ops.get(page).content.decode()
        assert shown.count(">Ada Brook</td>") == 2
        assert "a manager decides" in ops.get(page, {"next_owner": "manager"}).content.decode()
        assert Handoff.objects.open().of_user(house.ben.user).count() == 2

        assert ops.post(page, {"next_owner": "cover"}).status_code == 422
        sent = {"next_owner": "cover", "cover": house.ada.pk, "why": "New job", "closes_login": "on"}
        assert ops.post(page, sent).status_code == 302
        assert Handoff.objects.open().of_user(house.ada.user).count() == 2
        house.ben.refresh_from_db()
        house.ben.user.refresh_from_db()
        assert (house.ben.is_active, house.ben.user.is_active) == (False, False)
        assert "receives no leads already" in ops.get(page).content.decode()

    def test_brings_back(self, house: Company, now: datetime) -> None:
        leaving.leave(house.ben.pk, now=now, by=None)
        ops = signed(person(Role.REVOPS, "Rita Ops"))
        assert "Bring back" in ops.get("/team/").content.decode()
        assert ops.post(f"/team/{house.ben.user.public_id}/back/").status_code == 302
        assert Rep.objects.get(pk=house.ben.pk).is_active

    def test_nobody_else_finds_it(self, house: Company) -> None:
        for stranger in (house.manager, house.ben.user, house.ada.user):
            client = signed(stranger)
            assert client.get(f"/team/{house.ben.user.public_id}/leaving/").status_code == 404
            assert client.post(f"/team/{house.ben.user.public_id}/leaving/", {"next_owner": "route"}).status_code == 404
            assert client.post(f"/team/{house.ben.user.public_id}/back/").status_code == 404


class TestToDecide:
    @pytest.fixture
    def left(self, house: Company, now: datetime) -> LeftBehind:
        since = now - 9 * DAY
        handoff = house.accepted(now=since)
        touch(handoff, now=since)
        absence = Absence.objects.create(rep=house.ben, starts_at=since, ends_at=now + DAY)
        beginning.begin(absence.pk, now=since)
        clockwork.fire_due(lambda: now)
        return LeftBehind.objects.get(handoff=handoff)

    def test_stands_on_the_board_and_is_given(self, house: Company, left: LeftBehind) -> None:
        client = signed(house.manager)
        shown = client.get("/board/").content.decode()
        assert f"/board/left/{left.public_id}/give/" in shown
        assert "Nobody covers for Ben Keller." in shown
        sent = client.post(f"/board/left/{left.public_id}/give/", {"rep": str(house.ada.user.public_id)})
        assert sent.url == "/board/"
        assert Handoff.objects.open().get(episode=left.handoff.episode).user == house.ada.user
        assert f"/board/left/{left.public_id}/give/" not in client.get("/board/").content.decode()

    @pytest.mark.parametrize(("what", "settled"), [("keep", "kept"), ("route", "reoffered")])
    def test_is_kept_or_routed(self, house: Company, left: LeftBehind, what: str, settled: str) -> None:
        client = signed(house.manager)
        client.post(f"/board/left/{left.public_id}/{what}/")
        left.refresh_from_db()
        assert (left.settled_as, left.settled_by) == (settled, house.manager)
        again = client.post(f"/board/left/{left.public_id}/{what}/", follow=True)
        assert "settled already" in again.content.decode()

    def test_nobody_else_finds_it(self, house: Company, left: LeftBehind) -> None:
        for stranger in (house.ben.user, house.ada.user, person(Role.MANAGER, "Olga Other")):
            for what in ("give", "keep", "route"):
                answer = signed(stranger).post(f"/board/left/{left.public_id}/{what}/", {"rep": "x"})
                assert answer.status_code == 404


class TestHours:
    def test_of_calendars_come_in_one_question(
        self, house: Company, now: datetime, django_assert_max_num_queries: Any
    ) -> None:
        version = house.team.desk.calendar.current()
        CalendarVersion.objects.create(
            calendar=version.calendar, number=2, spec=version.spec | {"holidays": ["2026-12-25"]}, created_at=now
        )
        with django_assert_max_num_queries(3):
            found = calendars.hours_of_calendars([version.calendar_id])
        assert found[version.calendar_id].calendars[0].holiday(20812) == ""
