"""Moments as each person reads them: by 24 hours or 12, the day, the month or the year first."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.template import Context, Template
from django.test import Client
from django.utils import timezone

from leads import clock, moments, preferences, styles
from leads.errors import Invalid
from leads.models import Role, User
from leads.styles import HOUSE, Style
from sla.telling import sums
from tests.desk import company, person

AT = datetime(2026, 3, 9, 15, 5, 7, tzinfo=UTC)
MONTH_12, YEAR_24, DAY_12 = Style("month", "12"), Style("year", "24"), Style("day", "12")


class TestAPattern:
    @pytest.mark.parametrize(
        ("pattern", "style", "says"),
        [
            ("D j M H:i", HOUSE, "Mon 9 Mar 15:05"),
            ("D j M H:i", MONTH_12, "Mon, Mar 9 3:05 PM"),
            ("D j M Y, H:i:s", MONTH_12, "Mon, Mar 9, 2026, 3:05:07 PM"),
            ("l j F Y", MONTH_12, "Monday, March 9, 2026"),
            ("j M", MONTH_12, "Mar 9"),
            ("D j M H:i", YEAR_24, "Mon 03-09 15:05"),
            ("j M Y", YEAR_24, "2026-03-09"),
            ("l j F Y", YEAR_24, "Monday 2026-03-09"),
            ("H:i", DAY_12, "3:05 PM"),
            ("j M H:i", DAY_12, "9 Mar 3:05 PM"),
            ("F Y", MONTH_12, "March 2026"),
        ],
    )
    def test_is_said_as_they_chose(self, pattern: str, style: Style, says: str) -> None:
        assert moments.said(AT, pattern, zone=ZoneInfo("UTC"), style=style) == says

    @pytest.mark.parametrize("pattern", ["c", r"Y-m-d\TH:i", "Ymd", "U"])
    def test_for_programs_stays_as_it_is(self, pattern: str) -> None:
        assert styles.turned(pattern, MONTH_12) == styles.turned(pattern, YEAR_24) == pattern

    def test_holds_for_whoever_looks_and_no_longer(self) -> None:
        page = Template("{{ at|date:'D j M H:i' }} {{ at|date:'Y-m-d\\TH:i' }} {{ none|date:'j M' }}")
        with timezone.override("America/New_York"):
            assert page.render(Context({"at": AT})) == "Mon 9 Mar 11:05 2026-03-09T11:05 "
            with styles.told_to(MONTH_12):
                assert page.render(Context({"at": AT})) == "Mon, Mar 9 11:05 AM 2026-03-09T11:05 "
                assert moments.said(AT, "H:i") == "11:05 AM"
            assert moments.said(AT, "H:i") == "11:05"


@pytest.mark.django_db
class TestTheChoice:
    @pytest.fixture
    def ben(self) -> User:
        return person(Role.REP, "Ben Keller")

    def test_is_kept_and_no_other(self, ben: User) -> None:
        preferences.choose(ben, clock="12", date_order="year")
        ben.refresh_from_db()
        assert styles.style_of(ben) == Style("year", "12")
        for wrong in ({"clock": "13"}, {"date_order": "hour"}):
            with pytest.raises(Invalid):
                preferences.choose(ben, **wrong)
            with pytest.raises(IntegrityError, match="user_"), transaction.atomic():
                User.objects.filter(pk=ben.pk).update(**wrong)

    def test_is_made_in_the_menu_and_holds_on_every_page(self, ben: User) -> None:
        house, now = company(clock.now()), clock.now()
        handoff = house.accepted(now=now)
        rep, client = handoff.user, Client()
        client.force_login(rep)
        path = f"/leads/{handoff.episode.lead.public_id}/promise/"
        due = handoff.next_step_at or now
        assert f"{due:%H:%M}" in client.get(path).content.decode()
        assert client.post("/preferences/", {"clock": "12", "next": "/inbox/"}).status_code == 302
        client.post("/preferences/", {"date_order": "month"})
        shown = client.get(path).content.decode()
        assert f", {due:%a}, {due:%b} {due.day} {moments.said(due, 'g:i A')}" in shown
        assert 'name="clock" value="12" aria-pressed="true"' in shown

    def test_holds_in_mails(self, ben: User) -> None:
        preferences.choose(ben, clock="12", date_order="month")
        ben.time_zone = "Europe/Berlin"
        assert sums.local(AT, ben) == "Mon, Mar 9, 4:05 PM (Europe/Berlin)"
