"""Absences: told and changed with their history; when one begins, what was on offer moves on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from rest_framework.test import APIClient

from leads import clock
from leads.errors import Invalid
from leads.models import Role, User
from sla import clockwork, routing
from sla.models import Absence, AbsenceChange, Clock, Handoff, Rep, State, Target
from sla.people import absences, beginning, keeping, leaving, spans
from tests.desk import Company, clock_of, company, person, rep_in

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def away(rep: Rep, since: datetime, until: datetime) -> Absence:
    return Absence.objects.create(rep=rep, starts_at=since, ends_at=until)


def history(absence: Absence) -> list[str]:
    return list(AbsenceChange.objects.filter(absence=absence.public_id).values_list("what", flat=True))


class TestSpans:
    def test_whole_days_are_those_of_the_zone(self) -> None:
        span = spans.whole_days(date(2026, 3, 28), date(2026, 3, 29), BERLIN)
        # The second day has 23 hours: the clocks go forward.
        assert span == (datetime(2026, 3, 27, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))
        assert spans.is_whole_days(*span, BERLIN)
        assert not spans.is_whole_days(*span, NEW_YORK)

    def test_a_day_that_begins_late_begins_with_its_first_instant(self) -> None:
        # In Cairo the clocks go from 0:00 to 1:00 on 24 April 2026.
        start, end = spans.whole_days(date(2026, 4, 24), date(2026, 4, 24), ZoneInfo("Africa/Cairo"))
        assert (start, end - start) == (datetime(2026, 4, 23, 22, tzinfo=UTC), 23 * HOUR)

    def test_hours_are_wall_times(self) -> None:
        day = date(2026, 3, 10)
        assert spans.hours(day, time(9), day, time(12), NEW_YORK) == (
            datetime(2026, 3, 10, 13, tzinfo=UTC),
            datetime(2026, 3, 10, 16, tzinfo=UTC),
        )
        assert spans.hours(day, time(18), day, time(0), UTC_ZONE)[1] == datetime(2026, 3, 11, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("read", "field"),
        [
            (lambda: spans.whole_days(date(2026, 3, 2), date(2026, 3, 1), BERLIN), "last_date"),
            (lambda: spans.hours(date(2026, 3, 2), time(9), date(2026, 3, 2), time(9), BERLIN), "until_time"),
            (lambda: spans.hours(date(2026, 3, 29), time(2, 30), date(2026, 3, 29), time(9), BERLIN), "from_time"),
        ],
    )
    def test_names_the_field_of_what_can_not_be(self, read: Callable[[], object], field: str) -> None:
        with pytest.raises(Invalid) as refusal:
            read()
        assert refusal.value.state["field"] == field

    @pytest.mark.parametrize(
        ("start", "end", "told"),
        [
            ((2026, 3, 10), (2026, 3, 11), "Tue 10 Mar 2026"),
            ((2026, 3, 10), (2026, 3, 14), "Tue 10 to Fri 13 Mar 2026"),
            ((2026, 3, 30), (2026, 4, 2), "Mon 30 Mar to Wed 1 Apr 2026"),
            ((2025, 12, 29), (2026, 1, 3), "Mon 29 Dec 2025 to Fri 2 Jan 2026"),
            ((2026, 3, 10, 9), (2026, 3, 10, 12, 30), "Tue 10 Mar 2026, 09:00 to 12:30"),
            ((2026, 3, 10, 9), (2026, 3, 11), "Tue 10 Mar 2026, 09:00 to 24:00"),
            ((2026, 3, 10, 9), (2026, 3, 12, 8), "Tue 10 Mar 2026, 09:00 to Thu 12 Mar 2026, 08:00"),
        ],
    )
    def test_says_it_in_words(self, start: tuple[int, ...], end: tuple[int, ...], told: str) -> None:
        zone = UTC_ZONE
        assert spans.said(datetime(*start, tzinfo=zone), datetime(*end, tzinfo=zone), zone) == told  # type: ignore[arg-type,misc]


UTC_ZONE = ZoneInfo("UTC")


class TestAdd:
    def test_is_history_with_who_told_it(self, house: Company, now: datetime) -> None:
        added = absences.add(house.ben.pk, starts_at=now + DAY, ends_at=now + 2 * DAY, now=now, by=house.manager)
        change = AbsenceChange.objects.get(absence=added.public_id)
        assert (change.what, change.by, change.at, change.rep) == ("added", house.manager, now, house.ben)
        assert not added.entered_late

    def test_names_the_other_absence_and_the_way_out(self, house: Company, now: datetime) -> None:
        times = {"starts_at": datetime(2026, 4, 6, tzinfo=UTC), "ends_at": datetime(2026, 4, 11, tzinfo=UTC)}
        absences.add(house.ben.pk, **times, why="Vacation", now=now, by=None)
        with pytest.raises(absences.Overlaps) as refusal:
            absences.add(house.ben.pk, **times, now=now, by=None)
        assert str(refusal.value) == (
            "Ben Keller is already away Mon 6 to Fri 10 Apr 2026 (Vacation). "
            "Change or cancel that one, or choose a time outside it."
        )
        # Side by side is not twice, and somebody else is somebody else.
        absences.add(house.ben.pk, starts_at=times["ends_at"], ends_at=times["ends_at"] + DAY, now=now, by=None)
        absences.add(house.ada.pk, **times, now=now, by=None)

    def test_overlapping_is_impossible_in_the_schema(self, house: Company, now: datetime) -> None:
        away(house.ben, now, now + DAY)
        with pytest.raises(IntegrityError, match="absences_do_not_overlap"), transaction.atomic():
            away(house.ben, now + HOUR, now + 2 * DAY)

    @pytest.mark.parametrize(
        ("start", "end", "field", "told"),
        [
            (-2 * DAY, -DAY, "ends_at", "That time is over"),
            (DAY, DAY, "ends_at", "ends before it begins"),
            (DAY, 800 * DAY, "ends_at", "more than a year"),
        ],
    )
    def test_refuses_what_can_not_be(
        self, house: Company, now: datetime, start: timedelta, end: timedelta, field: str, told: str
    ) -> None:
        with pytest.raises(Invalid, match=told) as refusal:
            absences.add(house.ben.pk, starts_at=now + start, ends_at=now + end, now=now, by=None)
        assert refusal.value.state["field"] == field

    def test_marks_what_has_begun_and_counts_from_then_on(self, house: Company, now: datetime) -> None:
        added = absences.add(house.ben.pk, starts_at=now - HOUR, ends_at=now + DAY, now=now, by=house.ben.user)
        assert (added.entered_late, added.counts_from) == (True, now)

    def test_refuses_a_cover_who_can_not_be_one(self, house: Company, now: datetime) -> None:
        times = {"starts_at": now + DAY, "ends_at": now + 2 * DAY}
        with pytest.raises(Invalid, match="Nobody covers for themself"):
            absences.add(house.ben.pk, **times, cover=house.ben, now=now, by=None)
        leaving.leave(house.ada.pk, now=now, by=None)
        house.ada.refresh_from_db()
        with pytest.raises(Invalid, match="receives no leads any more"):
            absences.add(house.ben.pk, **times, cover=house.ada, now=now, by=None)

    def test_is_for_the_rep_their_managers_and_revops(self, house: Company, now: datetime) -> None:
        times = {"starts_at": now + DAY, "ends_at": now + 2 * DAY}
        for stranger in (house.ada.user, person(Role.MANAGER, "Olga Other"), person(Role.MARKETING, "Theo Marsh")):
            with pytest.raises(keeping.NotYourRep):
                absences.add(house.ben.pk, **times, now=now, by=stranger)
        for number, keeper in enumerate((house.ben.user, house.manager, person(Role.REVOPS, "Rita Ops"))):
            shift = number * DAY
            absences.add(house.ben.pk, starts_at=now + DAY + shift, ends_at=now + 2 * DAY + shift, now=now, by=keeper)


class TestChange:
    def test_moves_what_has_not_begun(self, house: Company, now: datetime) -> None:
        added = absences.add(house.ben.pk, starts_at=now + DAY, ends_at=now + 2 * DAY, now=now, by=None)
        absences.change(
            added.pk, starts_at=now + 3 * DAY, ends_at=now + 4 * DAY, why="Fair", cover=house.ada, now=now, by=None
        )
        added.refresh_from_db()
        assert (added.starts_at, added.why, added.cover) == (now + 3 * DAY, "Fair", house.ada)
        assert history(added) == ["added", "changed"]

    def test_keeps_the_beginning_of_what_has_begun(self, house: Company, now: datetime) -> None:
        standing = away(house.ben, now - HOUR, now + DAY)
        more = {"why": "", "cover": None, "by": None}
        with pytest.raises(absences.IsHistory, match="its beginning stays"):
            absences.change(standing.pk, starts_at=now + HOUR, ends_at=now + DAY, now=now, **more)
        absences.change(standing.pk, starts_at=standing.starts_at, ends_at=now + 2 * DAY, now=now, **more)
        standing.refresh_from_db()
        assert standing.ends_at == now + 2 * DAY
        assert not standing.entered_late
        with pytest.raises(absences.IsHistory, match="is over"):
            absences.change(standing.pk, starts_at=standing.starts_at, ends_at=now + 9 * DAY, now=now + 2 * DAY, **more)

    def test_ends_early_and_the_rep_is_there_again(self, house: Company, now: datetime) -> None:
        standing = away(house.ben, now - HOUR, now + DAY)
        absences.end_early(standing.pk, now=now, by=house.ben.user)
        assert absences.away(now=now) == set()
        assert history(standing) == ["ended"]
        with pytest.raises(absences.IsHistory):
            absences.end_early(standing.pk, now=now, by=None)

    def test_cancels_only_what_has_not_begun(self, house: Company, now: datetime) -> None:
        standing = away(house.ben, now + HOUR, now + DAY)
        with pytest.raises(absences.IsHistory, match="Cancel it instead"):
            absences.end_early(standing.pk, now=now, by=None)
        with pytest.raises(absences.IsHistory, match="End it early instead"):
            absences.cancel(standing.pk, now=now + 2 * HOUR, by=None)
        absences.cancel(standing.pk, now=now, by=house.ben.user)
        assert not Absence.objects.exists()
        assert history(standing) == ["cancelled"]
        assert beginning.begin(standing.pk, now=now + 2 * HOUR) == 0

    def test_history_never_changes(self, house: Company, now: datetime) -> None:
        absences.add(house.ben.pk, starts_at=now + DAY, ends_at=now + 2 * DAY, now=now, by=None)
        with pytest.raises(IntegrityError), transaction.atomic():
            AbsenceChange.objects.update(what="cancelled")


class TestBegin:
    def test_moves_offers_on_and_keeps_what_was_accepted(self, house: Company, now: datetime) -> None:
        offered, accepted = house.offered(now=now), house.accepted(now=now)
        others = house.offered(now=now, rep=house.ada)
        absence = away(house.ben, now, now + DAY)
        later = now + timedelta(seconds=30)

        assert beginning.due_page(now=later, limit=9) == [(now, absence.pk)]
        assert beginning.begin(absence.pk, now=later) == 1
        states = {handoff.pk: handoff.state for handoff in Handoff.objects.all()}
        assert states == {offered.pk: State.MOVED, accepted.pk: State.ACCEPTED, others.pk: State.OFFERED}
        assert offered.changes.get(to_state=State.MOVED).why == "absence"
        absence.refresh_from_db()
        assert absence.begun_at == later
        assert history(absence) == ["begun"]
        assert beginning.due_page(now=later, limit=9) == []
        assert beginning.begin(absence.pk, now=later) == 0
        assert history(absence) == ["begun"]

    def test_goes_to_another_rep(self, house: Company, now: datetime) -> None:
        offered = house.offered(now=now)
        beginning.begin(away(house.ben, now, now + DAY).pk, now=now)
        handoff = routing.route(offered.episode_id, now=now)

        assert handoff is not None
        assert handoff.user == house.ada.user

    def test_is_not_due_before_it_begins(self, house: Company, now: datetime) -> None:
        absence = away(house.ben, now + DAY, now + 2 * DAY)

        assert beginning.due_page(now=now, limit=9) == []
        assert beginning.begin(absence.pk, now=now) == 0
        absence.refresh_from_db()
        assert absence.begun_at is None
        assert absences.away(now=now) == set()
        assert absences.away(now=now + DAY) == {house.ben.pk}
        assert absences.away(now=now + 2 * DAY) == set()

    def test_moves_nothing_where_it_is_over_by_now(self, house: Company, now: datetime) -> None:
        offered = house.offered(now=now)
        absence = away(house.ben, now - 2 * DAY, now - DAY)

        assert beginning.begin(absence.pk, now=now) == 0
        assert Handoff.objects.get(pk=offered.pk).state == State.OFFERED
        assert beginning.due_page(now=now, limit=9) == []


class TestAfterDowntime:
    """Accept runs out after 2 h. The clock process was down, and looks again after 3 h."""

    def noticed_late(self, house: Company, offered: Handoff, now: datetime) -> Clock:
        clockwork.fire_due(lambda: now + 3 * HOUR)
        return clock_of(offered, Target.ACCEPT)

    def test_nothing_that_fell_due_after_the_beginning_is_counted(self, house: Company, now: datetime) -> None:
        offered = house.offered(now=now)
        away(house.ben, now + HOUR, now + DAY)
        ended = self.noticed_late(house, offered, now)
        assert (ended.verdict, ended.voided_at, ended.breached_at) == ("voided", now + HOUR, None)
        assert offered.changes.last().why == "absence"

    def test_what_fell_due_before_it_is(self, house: Company, now: datetime) -> None:
        offered = house.offered(now=now)
        away(house.ben, now + 2 * HOUR + MINUTE, now + DAY)
        assert self.noticed_late(house, offered, now).verdict == "missed"

    def test_telling_late_takes_nothing_back(self, house: Company, now: datetime) -> None:
        offered = house.offered(now=now)
        told = now + 2 * HOUR + MINUTE
        absences.add(house.ben.pk, starts_at=now, ends_at=now + DAY, now=told, by=house.ben.user)
        assert self.noticed_late(house, offered, now).verdict == "missed"


def signed(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class TestPage:
    @pytest.fixture
    def now(self) -> datetime:
        return clock.now()

    def form(self, now: datetime, **fields: str) -> dict[str, str]:
        return {"first_date": f"{now + 7 * DAY:%Y-%m-%d}"} | fields

    def test_a_rep_tells_their_own(self, house: Company, now: datetime) -> None:
        user = house.ben.user
        user.time_zone = "America/New_York"
        user.save()
        client = signed(user)
        response = client.post("/away/", self.form(now, why="Dentist", from_time="09:00", until_time="11:30"))
        assert (response.status_code, response.url) == (302, "/away/")
        told = Absence.objects.get(rep=house.ben)
        assert told.starts_at.astimezone(NEW_YORK).time() == time(9)
        assert told.ends_at - told.starts_at == 2.5 * HOUR
        shown = client.get("/away/").content.decode()
        assert "09:00 to 11:30" in shown
        assert "Dentist" in shown

    def test_a_manager_tells_that_of_a_member_and_cancels_it(self, house: Company, now: datetime) -> None:
        client, page = signed(house.manager), f"/away/{house.ben.user.public_id}/"
        assert client.post(page, self.form(now)).url == page
        told = Absence.objects.get(rep=house.ben)
        assert spans.is_whole_days(told.starts_at, told.ends_at, UTC_ZONE)
        change = f"{page}{told.public_id}/"
        assert client.post(change, self.form(now, why="Moved")).status_code == 302
        assert "Moved" in client.get(change).content.decode()
        assert client.post(f"{change}cancel/").status_code == 302
        assert not Absence.objects.exists()

    def test_is_told_in_the_zone_of_the_rep_wherever_one_looks_from(self, house: Company, now: datetime) -> None:
        User.objects.filter(pk=house.ben.user_id).update(time_zone="Asia/Tokyo")
        User.objects.filter(pk=house.manager.pk).update(time_zone="America/New_York")
        tokyo, client = ZoneInfo("Asia/Tokyo"), signed(house.manager)
        today = now.astimezone(tokyo).date()
        days = spans.whole_days(today, today + DAY, tokyo)
        told = absences.add(house.ben.pk, starts_at=days[0], ends_at=days[1], now=now, by=house.manager)
        page = client.get(f"/away/{house.ben.user.public_id}/").content.decode()
        assert "in Asia/Tokyo time" in page
        assert f"told late, {told.told_at.astimezone(tokyo):%-d %b %H:%M}" in page
        board = client.get("/board/").content.decode()
        assert spans.said(*days, tokyo) in board
        hours = days[1] + DAY, days[1] + DAY + HOUR
        absences.add(house.ben.pk, starts_at=hours[0], ends_at=hours[1], now=now, by=house.manager)
        assert f"{spans.said(*hours, tokyo)} (Asia/Tokyo)" in client.get("/board/").content.decode()

    def test_back_before_time(self, house: Company, now: datetime) -> None:
        standing = away(house.ben, now - HOUR, now + DAY)
        page = f"/away/{house.ben.user.public_id}/{standing.public_id}/"
        assert signed(house.ben.user).post(f"{page}end/").status_code == 302
        assert absences.away(now=clock.now()) == set()

    def test_nobody_else_finds_it(self, house: Company, now: datetime) -> None:
        standing = away(house.ben, now + HOUR, now + DAY)
        page = f"/away/{house.ben.user.public_id}/"
        for stranger in (house.ada.user, person(Role.MANAGER, "Olga Other"), person(Role.MARKETING, "Theo Marsh")):
            client = signed(stranger)
            assert client.get(page).status_code == 404
            for what in ("", "end/", "cancel/"):
                assert client.post(f"{page}{standing.public_id}/{what}").status_code == 404
        assert Client().get("/away/").status_code == 302

    def test_people_without_leads_have_none(self, house: Company) -> None:
        assert signed(person(Role.MARKETING, "Theo Marsh")).get("/away/").status_code == 404

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"last_date": "2001-01-01"}, "lies before the first"),
            ({"first_date": "2001-01-01"}, "That time is over"),
            ({"first_date": "soon"}, "Enter a valid date"),
            ({"from_time": "12:00", "until_time": "09:00"}, "not after it begins"),
        ],
    )
    def test_names_the_way_out_of_what_can_not_be(
        self, house: Company, now: datetime, fields: dict[str, str], told: str
    ) -> None:
        response = signed(house.ben.user).post("/away/", self.form(now, **fields))
        assert response.status_code == 422
        assert told in response.content.decode()
        assert not Absence.objects.exists()

    def test_asks_as_often_for_many_as_for_few(
        self, house: Company, now: datetime, django_assert_max_num_queries: Any
    ) -> None:
        for day in range(12):
            absences.add(
                house.ben.pk, starts_at=now + day * DAY + HOUR, ends_at=now + (day + 1) * DAY, now=now, by=None
            )
        client = signed(house.ben.user)
        with django_assert_max_num_queries(14):
            client.get("/away/")


class TestApi:
    @pytest.fixture
    def now(self) -> datetime:
        return clock.now()

    def ask(self, user: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(user)
        return client

    def test_tells_changes_ends_and_cancels(self, house: Company, now: datetime) -> None:
        client = self.ask(house.manager)
        day = f"{now + 7 * DAY:%Y-%m-%d}"
        made = client.post(
            "/api/v1/absences/",
            {"rep": house.ben.user.email, "first_date": day, "why": "Fair", "cover": house.ada.user.email},
            format="json",
        )
        assert made.status_code == 201, made.json()
        assert made.json()["cover"] == house.ada.user.email
        one = f"/api/v1/absences/{made.json()['public_id']}/"
        changed = client.patch(one, {"why": "Another fair"}, format="json").json()
        assert (changed["why"], changed["starts_at"]) == ("Another fair", made.json()["starts_at"])
        assert client.post(f"{one}end/").status_code == 409
        assert client.delete(one).status_code == 204
        assert client.get(one).status_code == 404

    def test_refuses_with_the_other_absence(self, house: Company, now: datetime) -> None:
        standing = away(house.ben, now + HOUR, now + DAY)
        body = {"starts_at": (now + 2 * HOUR).isoformat(), "ends_at": (now + 3 * HOUR).isoformat()}
        response = self.ask(house.ben.user).post("/api/v1/absences/", body, format="json")
        assert response.status_code == 409
        assert response.json()["absence"] == str(standing.public_id)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"starts_at": "2030-01-01T00:00:00Z"},
            {"starts_at": "2030-01-01T00:00:00Z", "first_date": "2030-01-01"},
            {"first_date": "2030-01-01", "rep": "nobody@halyard.example"},
            {"first_date": "2030-01-01", "cover": "nobody@halyard.example"},
            {"last_date": "2030-01-01"},
        ],
    )
    def test_refuses_what_it_can_not_read(self, house: Company, body: dict[str, str]) -> None:
        assert self.ask(house.ben.user).post("/api/v1/absences/", body, format="json").status_code in (400, 422)

    def test_shows_only_what_one_keeps(self, house: Company, now: datetime) -> None:
        standing = away(house.ben, now + HOUR, now + DAY)
        away(rep_in(company(now).team, "Cleo Far"), now + HOUR, now + DAY)
        for user, count in ((house.ben.user, 1), (house.manager, 1), (house.ada.user, 0)):
            assert len(self.ask(user).get("/api/v1/absences/").json()["results"]) == count
        assert self.ask(house.ada.user).get(f"/api/v1/absences/{standing.public_id}/").status_code == 404
        assert self.ask(house.ada.user).delete(f"/api/v1/absences/{standing.public_id}/").status_code == 404
