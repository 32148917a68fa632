"""How calendars change in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from leads import clock
from sla.models import Calendar
from tests import desk
from tests.admin.pages import Page, address, errors_of, post, signed_in

pytestmark = pytest.mark.django_db


class TestCalendars:
    def test_makes_the_next_version_of_what_was_typed(self, shop: desk.Company) -> None:
        client, calendar = signed_in("revops"), Calendar.objects.latest("pk")
        number = calendar.current().number
        url = address(Calendar, "change", calendar.pk)
        assert post(client, url).status_code == 302
        assert calendar.current().number == number, "the same hours are no new version"
        response = post(
            client,
            url,
            time_zone="Europe/Berlin",
            mon="09:00-12:30, 13:00-17:30",
            fri="9:00 – 13:00",
            break_tue="12:00-12:30",
            holidays="2026-12-25 Christmas Day\n2026-12-26",
            special_dates="2026-12-24 09:00-12:00\n2026-12-31 closed",
        )
        assert response.status_code == 302, errors_of(response)
        version = calendar.current()
        assert (version.number, version.created_by) == (number + 1, client.user)  # type: ignore[attr-defined]
        assert version.spec["time_zone"] == "Europe/Berlin"
        assert version.spec["weekly"]["mon"] == [["09:00", "12:30"], ["13:00", "17:30"]]
        assert version.spec["weekly"]["fri"] == [["09:00", "13:00"]]
        assert version.spec["holidays"] == {"2026-12-25": "Christmas Day", "2026-12-26": ""}
        assert version.spec["date_overrides"]["2026-12-31"] == []
        page = client.get(url).content.decode()
        assert "Berlin time" in page
        assert Page(page).fields["mon"] == ["09:00-12:30, 13:00-17:30"]

    def test_takes_the_holidays_of_a_region(self, boss: Client, shop: desk.Company) -> None:
        calendar, year = Calendar.objects.latest("pk"), clock.now().year
        url = address(Calendar, "change", calendar.pk)
        typed = {"regions": "DE-BY", "worked": "Epiphany", "half_days": "12-24 until 13:00"}
        assert post(boss, url, holidays=f"{year}-07-01 Founders", **typed).status_code == 302
        version = calendar.current()
        closed = version.spec["holidays"]
        assert closed[f"{year}-07-01"] == "Founders"
        assert closed[f"{year + 1}-11-01"] == "All Saints' Day"  # in Bavaria, not in all of Germany
        assert f"{year}-01-06" not in closed
        page = boss.get(url).content.decode()
        fields = Page(page).fields
        assert (fields["regions"], fields["half_days"]) == (["DE-BY"], ["12-24 13:00"])
        assert fields["holidays"] == [f"{year}-07-01 Founders"], "what came by itself is not typed"
        assert "public holidays of Germany, Bayern" in page
        assert post(boss, url).status_code == 302
        assert calendar.current() == version, "the same again is no new version"

    def test_shows_the_next_twelve_months_before_they_are_saved(self, boss: Client, shop: desk.Company) -> None:
        calendar = Calendar.objects.latest("pk")
        url = address(Calendar, "change", calendar.pk)
        preview = f"{address(Calendar, 'changelist')}preview/?of={calendar.pk}"
        assert "All Saints" not in boss.get(url).content.decode()
        typed = Page(boss.get(url).content.decode()).fields | {"regions": ["DE-BY"]}
        assert "All Saints" in boss.post(preview, typed).content.decode()
        assert "not a span of time" in boss.post(preview, typed | {"mon": ["9-5"]}).content.decode()
        assert calendar.current().number == 1
        assert boss.get(preview).status_code == 404
        assert signed_in("manager").post(preview, typed).status_code == 404

    @pytest.mark.parametrize(
        ("box", "text", "told"),
        [
            ("mon", "9-5", "Monday: “9-5” is not a span of time. Write 09:00-17:30"),
            ("tue", "09:00-12:00, 11:00-13:00", "Tuesday"),
            ("wed", "09:00-25:10", "Wednesday"),
            ("thu", "09:00-09:00", "Thursday: 09:00-09:00 starts and ends at the same time"),
            ("holidays", "Christmas", "does not start with a date"),
            ("special_dates", "2026-13-01 09:00-12:00", "is not a date"),
            ("regions", "ZZ", "There are no public holidays for “ZZ”. Choose from the list"),
            ("worked", "Easter", "There are no public holidays to work on. Choose a country"),
            ("half_days", "12-24 1pm", "is not a time at which to close. Write 12-24 13:00"),
            ("half_days", "13:00", "does not start with a date"),
        ],
    )
    def test_names_the_day_and_the_way_out(
        self, box: str, text: str, told: str, boss: Client, shop: desk.Company
    ) -> None:
        calendar = Calendar.objects.latest("pk")
        response = post(boss, address(Calendar, "change", calendar.pk), **{box: text})
        assert told in errors_of(response)[box][0]
        assert calendar.current().number == 1
