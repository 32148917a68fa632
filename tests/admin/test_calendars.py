"""How calendars change in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

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

    def test_fills_the_holidays_of_a_region(self, boss: Client, shop: desk.Company) -> None:
        calendar = Calendar.objects.latest("pk")
        url = address(Calendar, "change", calendar.pk)
        fill = {"fill_country": "DE", "fill_region": "BY", "fill_year": "2026"}
        assert post(boss, url, holidays="2026-07-01 Founders", **fill).status_code == 302
        closed = calendar.current().spec["holidays"]
        assert closed["2026-07-01"] == "Founders"
        assert closed["2026-01-06"] == "Epiphany"  # in Bavaria, not in all of Germany

    @pytest.mark.parametrize(
        ("box", "text", "told"),
        [
            ("mon", "9-5", "Monday: “9-5” is not a span of time. Write 09:00-17:30"),
            ("tue", "09:00-12:00, 11:00-13:00", "Tuesday"),
            ("wed", "09:00-25:10", "Wednesday"),
            ("thu", "09:00-09:00", "Thursday: 09:00-09:00 starts and ends at the same time"),
            ("holidays", "Christmas", "does not start with a date"),
            ("special_dates", "2026-13-01 09:00-12:00", "is not a date"),
            ("fill_region", "ZZ", "has no region “ZZ”"),
        ],
    )
    def test_names_the_day_and_the_way_out(
        self, box: str, text: str, told: str, boss: Client, shop: desk.Company
    ) -> None:
        calendar = Calendar.objects.latest("pk")
        more = {"fill_country": "DE", "fill_year": "2026"} if box == "fill_region" else {}
        response = post(boss, address(Calendar, "change", calendar.pk), **{box: text}, **more)
        assert told in errors_of(response)[box][0]
        assert calendar.current().number == 1
