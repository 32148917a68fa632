"""Public holidays that come by themselves, stay through the years, and are drawn."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from leads import clock
from leads.errors import Invalid
from leads.models import Role
from sla import publishing, sweeps
from sla.holidays import months, plans, regions, rolling
from sla.holidays.plans import Plan, PlanError
from sla.models import Calendar, CalendarVersion
from sla.worktime import Calendar as Counted
from tests.desk import Company, company, person

NINE_TO_FIVE = [["09:00", "17:00"]]
WEEK: dict[str, Any] = {
    "time_zone": "Europe/Berlin",
    "weekly": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), NINE_TO_FIVE),
}
BAVARIA = Plan(regions=("DE-BY",))


def day(text: str) -> date:
    return date.fromisoformat(text)


def over(plan: Plan, first: str, last: str, **spec: Any) -> dict[str, Any]:
    return plans.written(WEEK | spec, plan, day(first), day(last))


class TestRegions:
    def test_are_named_in_words(self) -> None:
        assert [regions.say(each) for each in ("DE", "US-CA", "IM", "DE-XX", "ZZ")] == [
            "Germany", "United States, California", "Isle of Man", "Germany, XX", "ZZ",
        ]  # fmt: skip
        listed = dict(regions.choices())
        assert ("CA-QC", "Canada, Quebec") in listed["Canada"]

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("ZZ", "no public holidays for “ZZ”. Write a code such as US, DE or DE-BY"),
            ("DEU", "Did you mean DE?"),
            ("DE-XX", "Germany has no part “XX”. There are Augsburg, BB"),
            ("HK-1", "has no part “1”. "),
        ],
    )
    def test_nobody_knows_are_refused_with_the_way_out(self, code: str, told: str) -> None:
        assert told in regions.unknown(code)
        with pytest.raises(PlanError, match="public holidays|no part") as refused:
            plans.check(Plan(regions=(code,)), day("2026-01-01"), day("2027-12-31"))
        assert refused.value.field == "regions"

    def test_of_several_countries_are_all_kept(self) -> None:
        both = regions.public(["DE", "FR"], day("2026-05-01"), day("2026-05-08"))
        assert list(both) == [day("2026-05-01"), day("2026-05-08")]
        assert set(both[day("2026-05-01")]) == {"Labor Day"}


class TestWhatAPlanWrites:
    def test_moves_with_easter_and_stays_in_its_window(self) -> None:
        closed = over(BAVARIA, "2026-04-01", "2027-03-31")["holidays"]
        assert closed["2026-04-06"] == closed["2027-03-29"] == "Easter Monday"
        assert closed["2026-11-01"] == "All Saints' Day"
        assert min(closed) >= "2026-04-01"
        assert max(closed) <= "2027-03-31"

    @pytest.mark.parametrize(
        ("line", "open_on", "closed_on"),
        [
            ("2026-06-04", ["2026-06-04"], ["2027-05-27"]),  # once
            ("corpus christi", ["2026-06-04", "2027-05-27"], ["2026-05-25"]),  # by name, whenever it is
            ("01-06", ["2026-01-06", "2027-01-06"], ["2026-06-04"]),  # by day
        ],
    )
    def test_leaves_out_what_we_work_on(self, line: str, open_on: list[str], closed_on: list[str]) -> None:
        closed = over(Plan(("DE-BY",), (line,)), "2026-01-01", "2027-12-31")["holidays"]
        assert not set(open_on) & set(closed)
        assert set(closed_on) <= set(closed)

    def test_works_on_the_day_a_holiday_is_observed_too(self) -> None:
        closed = over(Plan(("US",), ("Independence Day",)), "2027-01-01", "2027-12-31")["holidays"]
        assert not {"2027-07-04", "2027-07-05"} & set(closed)
        assert closed["2027-12-24"] == "Christmas Day (observed)"

    def test_closes_early_on_half_days_that_are_working_days(self) -> None:
        halves = Plan(half_days=(("12-24", "13:00"), ("2026-12-23", "12:30"), ("2027-12-24", "11:00")))
        special = over(halves, "2025-01-01", "2028-12-31")["date_overrides"]
        assert special == {
            "2025-12-24": [["09:00", "13:00"]],
            "2026-12-23": [["09:00", "12:30"]],
            "2026-12-24": [["09:00", "13:00"]],
            "2027-12-24": [["09:00", "11:00"]],  # that year's own word; 2028 it is a Sunday
        }

    def test_cuts_shifts_at_the_hour_and_drops_those_after_it(self) -> None:
        split = {"weekly": {"thu": [["08:00", "12:00"], ["12:30", "17:00"], ["22:00", "06:00"]]}}
        assert over(Plan(half_days=(("12-24", "13:00"),)), "2026-12-24", "2026-12-24", **split)["date_overrides"] == {
            "2026-12-24": [["08:00", "12:00"], ["12:30", "13:00"]]
        }
        night = over(Plan(half_days=(("12-24", "23:00"),)), "2026-12-24", "2026-12-24", **split)["date_overrides"]
        assert night["2026-12-24"][-1] == ["22:00", "23:00"]

    def test_yields_to_what_a_person_typed(self) -> None:
        own = {
            "holidays": {"2026-12-25": "Closed, of course", "2026-12-24": "Outing"},
            "date_overrides": {"2026-12-31": [["10:00", "11:00"]]},
            "recurring_holidays": {"12-23": "Inventory"},
        }
        plan = Plan(("DE",), half_days=(("12-23", "13:00"), ("12-24", "13:00"), ("12-31", "13:00"), ("12-25", "10:00")))
        found = over(plan, "2026-12-01", "2026-12-31", **own)
        assert found["holidays"]["2026-12-25"] == "Closed, of course"
        assert found["date_overrides"] == own["date_overrides"]

    @pytest.mark.parametrize(
        ("plan", "field", "told"),
        [
            (Plan(worked=("12-25",)), "worked", "no public holidays to work on. Choose a country"),
            (
                Plan(("US",), ("Columbis Day",)),
                "worked",
                "no public holiday of United States. Did you mean Columbus Day",
            ),
            (Plan(("DE-BY",), ("2026-08-16",)), "worked", "no public holiday of Germany, Bayern. Write its date"),
            (Plan(half_days=(("24.12.", "13:00"),)), "half_days", "is not a day. Write 12-24 13:00"),
            (Plan(half_days=(("02-30", "13:00"),)), "half_days", "is not a day"),
            (Plan(half_days=(("12-24", "1 pm"),)), "half_days", "is not a time at which to close"),
            (Plan(half_days=(("12-24", "00:00"),)), "half_days", "is not a time at which to close"),
            (Plan(("DE",) * 13), "regions", "Choose at most 12"),
            (Plan(("DE",), ("12-25",) * 201), "worked", "Write at most 200"),
        ],
    )
    def test_refuses_what_would_do_nothing(self, plan: Plan, field: str, told: str) -> None:
        with pytest.raises(PlanError, match=told) as refused:
            plans.check(plan, day("2026-01-01"), day("2028-12-31"))
        assert refused.value.field == field

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.sampled_from(["DE-BY", "US-CA", "JP", "AE", "GB-SCT", "IN", "BR"]), min_size=0, max_size=3),
        st.lists(st.sampled_from(["12-25", "2028-01-01", "New Year's Day", "Labor Day"]), max_size=2),
        st.dictionaries(st.sampled_from(["12-24", "12-31", "07-03", "2028-07-03", "02-29"]), st.just("12:00")),
        st.dates(day("2024-01-01"), day("2030-12-31")),
        st.integers(0, 900),
    )
    def test_reads_the_same_written_at_once_and_in_two_steps(
        self, codes: list[str], worked: list[str], halves: dict[str, str], cut: date, more: int
    ) -> None:
        plan = Plan(tuple(codes), tuple(worked), tuple(sorted(halves.items())))
        first, last = date(2024, 1, 1), cut + timedelta(days=more)
        whole = plans.written(WEEK, plan, first, last)
        steps = plans.written(plans.written(WEEK, plan, first, cut), plan, cut + timedelta(days=1), last)
        assert Counted.from_spec(steps) == Counted.from_spec(whole)


@pytest.mark.django_db
class TestCalendarsThatTakeHolidays:
    @pytest.fixture
    def house(self, now: datetime) -> Company:
        return company(now)

    @pytest.fixture
    def calendar(self, house: Company) -> Calendar:
        return house.team.desk.calendar

    def publish(self, calendar: Calendar, plan: Plan, *, now: datetime, **spec: Any) -> CalendarVersion:
        return publishing.publish_calendar(calendar, WEEK | spec, plan=plan, now=now, by=None)

    def test_stand_eighteen_months_ahead(self, calendar: Calendar) -> None:
        version = self.publish(calendar, BAVARIA, now=datetime(2026, 11, 22, tzinfo=UTC))
        assert version.holidays_until == day("2028-12-31")
        assert {each[:4] for each in version.spec["holidays"]} == {"2025", "2026", "2027", "2028"}

    def test_keep_own_days_apart_from_what_came(self, calendar: Calendar, now: datetime) -> None:
        version = self.publish(calendar, BAVARIA, now=now, holidays={"2026-08-03": "Outing"})
        assert plans.typed(version.spec, version.plan)["holidays"] == {"2026-08-03": "Outing"}
        again = publishing.publish_calendar(
            calendar, plans.typed(version.spec, version.plan), plan=Plan.of(version.plan), now=now, by=None
        )
        assert again == version

    def test_forget_what_was_typed_where_it_comes_by_itself(self, calendar: Calendar, now: datetime) -> None:
        version = self.publish(
            calendar, BAVARIA, now=now, holidays={f"{now.year}-12-25": "Christmas Day", f"{now.year}-12-26": "Ours"}
        )
        assert plans.typed(version.spec, version.plan)["holidays"] == {f"{now.year}-12-26": "Ours"}
        assert version.spec["holidays"][f"{now.year}-12-26"] == "Ours"

    def test_roll_on_before_the_year_turns_and_say_so(self, calendar: Calendar) -> None:
        plan = Plan(("DE-BY",), ("Corpus Christi",), (("12-24", "13:00"),))
        first = self.publish(
            calendar,
            plan,
            now=datetime(2026, 11, 22, tzinfo=UTC),
            holidays={"2029-08-06": "Outing", "2027-08-02": "Out"},
        )
        assert rolling.roll_due(now=datetime(2027, 6, 1, tzinfo=UTC)) == 0
        later = datetime(2027, 7, 10, tzinfo=UTC)
        assert rolling.roll_due(now=later) == 1
        assert rolling.roll_due(now=later) == 0, "it has them now"
        second = calendar.current()
        assert (second.number, second.created_by, second.why) == (
            first.number + 1,
            None,
            "Holidays rolled on to the end of 2029",
        )
        assert first.spec["holidays"].items() < second.spec["holidays"].items()
        new = {each for each in second.spec["holidays"] if each not in first.spec["holidays"]}
        assert {each[:4] for each in new} == {"2029"}, "nothing near changes"
        assert second.spec["holidays"]["2029-08-06"] == "Outing"
        assert "2029-05-31" not in second.spec["holidays"], "still worked on"
        assert second.spec["date_overrides"]["2029-12-24"] == [["09:00", "13:00"]]
        assert second.plan == first.plan
        assert any("+ holiday 1 Jan 2029" in line for line in publishing.editions(calendar)[0].since(
            publishing.editions(calendar)[1]
        ))  # fmt: skip

    def test_roll_on_after_years_of_downtime(self, calendar: Calendar) -> None:
        self.publish(calendar, BAVARIA, now=datetime(2026, 11, 22, tzinfo=UTC))
        rolling.roll_due(now=datetime(2033, 1, 1, tzinfo=UTC))
        assert {str(year) for year in range(2025, 2035)} == {each[:4] for each in calendar.current().spec["holidays"]}

    def test_that_take_none_are_left_alone(self, calendar: Calendar) -> None:
        before = calendar.current()
        rolling.roll_due(now=datetime(2040, 1, 1, tzinfo=UTC))
        assert calendar.current() == before

    def test_are_found_by_the_sweep(self, calendar: Calendar) -> None:
        self.publish(calendar, BAVARIA, now=datetime(2020, 1, 1, tzinfo=UTC))
        sweeps.sweep(clock.now)
        assert calendar.current().holidays_until > (clock.now() + plans.AHEAD).date()

    def test_one_that_fails_stops_no_other(self, calendar: Calendar, now: datetime) -> None:
        odd = Calendar.objects.create(name="A land that is gone")
        gone = {"regions": ["XQ"], "own": {}, "since": "2020-01-01"}
        CalendarVersion.objects.create(
            calendar=odd, number=1, spec=WEEK, plan=gone, holidays_until=day("2021-12-31"), created_at=now
        )
        self.publish(calendar, BAVARIA, now=datetime(2020, 1, 1, tzinfo=UTC))
        assert rolling.roll_due(now=now) == 1
        assert odd.current().number == 1

    def test_go_back_to_an_old_version_with_its_plan(self, calendar: Calendar, now: datetime) -> None:
        first = self.publish(calendar, BAVARIA, now=now)
        self.publish(calendar, Plan(), now=now)
        assert calendar.current().plan == {}
        publishing.back_to(calendar, first.number, now=now, by=None)
        last = calendar.current()
        assert (last.spec, last.plan, last.holidays_until) == (first.spec, first.plan, first.holidays_until)
        said = publishing.editions(calendar)[0].said
        assert "public holidays of Germany, Bayern" in said

    def test_refuse_naming_the_field(self, calendar: Calendar, now: datetime) -> None:
        with pytest.raises(Invalid, match="Germany has no part") as refused:
            self.publish(calendar, Plan(("DE-XX",)), now=now)
        assert refused.value.state["field"] == "regions"


class TestTheYearAhead:
    SPEC: dict[str, Any] = WEEK | {
        "holidays": {"2026-12-25": "Christmas Day", "2026-12-26": ""},
        "date_overrides": {"2026-12-24": [["09:00", "13:00"]], "2027-01-09": [["10:00", "12:00"]], "2027-02-01": []},
        "breaks": {"2027-03-01": [["12:00", "15:00"]]},
    }

    def year(self, **kwargs: Any) -> months.Year:
        return months.year_ahead(Counted.from_spec(self.SPEC), day("2026-11-22"), **kwargs)

    def test_is_twelve_whole_months(self) -> None:
        drawn = self.year()
        assert [month.first.isoformat()[:7] for month in drawn.months][:3] == ["2026-11", "2026-12", "2027-01"]
        assert len(drawn.months) == 12
        dates = [each.date for month in drawn.months for week in month.weeks for each in week if each is not None]
        assert dates == [day("2026-11-01") + timedelta(days=number) for number in range(365)]
        assert all(len(week) == 7 for month in drawn.months for week in month.weeks)

    @pytest.mark.parametrize(("first_weekday", "before"), [(0, 6), (6, 0)])  # 1 November 2026 is a Sunday
    def test_begins_its_weeks_where_the_organization_does(self, first_weekday: int, before: int) -> None:
        drawn = self.year(first_weekday=first_weekday)
        assert drawn.weekdays[0] == ("Mon", "Sun")[first_weekday // 6]
        assert [each for each in drawn.months[0].weeks[0] if each is None] == [None] * before

    def test_tells_kinds_of_days_apart(self) -> None:
        drawn = self.year(worked={day("2027-01-06"): "Epiphany", day("2027-01-10"): "A Sunday"})
        assert [(each.date.isoformat(), each.kind, each.says) for each in drawn.special] == [
            ("2026-12-24", "half", "half day: 09:00–13:00"),
            ("2026-12-25", "holiday", "Christmas Day: closed"),
            ("2026-12-26", "holiday", "holiday: closed"),
            ("2027-01-06", "worked", "Epiphany, on which we work: 09:00–17:00"),
            ("2027-01-09", "other", "other hours: 10:00–12:00"),
            ("2027-02-01", "other", "other hours: closed"),
            ("2027-03-01", "other", "other hours: 09:00–17:00, break 12:00–15:00"),
        ]
        first = [each for week in drawn.months[0].weeks for each in week if each is not None]
        assert [each.kind for each in first[:3]] == ["closed", "open", "open"]


@pytest.mark.django_db
class TestTheCalendarsPage:
    @pytest.fixture
    def now(self) -> datetime:
        return clock.now()

    @pytest.fixture
    def house(self, now: datetime) -> Company:
        made = company(now)
        plan = Plan(("DE-BY",), half_days=(("12-24", "13:00"),))
        own = {"holidays": {f"{now.year + 1}-02-01": "<b>Outing</b>"}}
        publishing.publish_calendar(made.team.desk.calendar, WEEK | own, plan=plan, now=now, by=None)
        return made

    def test_is_open_to_who_works_here(self, house: Company) -> None:
        url = f"/calendars/{house.team.desk.calendar.public_id}/"
        for user in (house.ben.user, house.manager, person(Role.MARKETING, "Theo Marsh")):
            client = Client()
            client.force_login(user)
            shown = client.get(url).content.decode()
            assert "Public holidays of Germany, Bayern" in shown
            assert "Easter Monday" in shown
            assert "&lt;b&gt;Outing&lt;/b&gt;" in shown
            assert "<b>Outing" not in shown
            part = client.get(url, headers={"HX-Request": "true"}).content.decode()
            assert "Easter Monday" in part
            assert "<html" not in part
        assert Client().get(url).status_code == 302
        assert client.get("/calendars/1d1f5d04-4f13-4a4c-a1c8-7f8fbd1a7b51/").status_code == 404

    def test_is_reached_from_the_team_page(self, house: Company) -> None:
        client = Client()
        client.force_login(house.manager)
        assert f"/calendars/{house.team.desk.calendar.public_id}/" in client.get("/team/").content.decode()
