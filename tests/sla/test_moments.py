"""How the floor stood a week ago, kept each quarter of an hour, beside the numbers of the board."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock as clock_room
from leads.models import Role, Team, User
from scoring.models import Tier
from sla import sweeps
from sla.attainment import counting, moments, reporting
from sla.attainment.asking import Asked
from sla.models import Desk, FloorMoment, Handoff, Target
from tests.desk import Company, company, person, rep_in
from tests.numbers import touch

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 11, 15, 7, tzinfo=UTC)  # a Wednesday
QUARTER, HOUR, WEEK = timedelta(minutes=15), timedelta(hours=1), timedelta(days=7)


@pytest.fixture
def firm() -> Company:
    return company(NOW - 2 * WEEK)


def some(firm: Company, now: datetime) -> None:
    """One late, one in time, one due within the hour, one that waits for someone."""
    firm.offered(now=now - 3 * HOUR, tier=Tier.HOT)
    touch(firm.offered(now=now - 2 * HOUR, tier=Tier.HOT), now - HOUR - QUARTER)
    firm.offered(now=now, tier=Tier.HOT)
    firm.episode(firm.lead(now=now), now=now)


class TestKeeping:
    def test_counts_what_the_board_counts(self, firm: Company) -> None:
        some(firm, NOW)
        assert moments.keep(now=NOW) == 2
        found = FloorMoment.objects.get(team=firm.team)
        open_ones = Handoff.objects.open()
        assert found.at == NOW.replace(minute=0)
        assert found.late == open_ones.late(NOW).count() == 1
        assert found.hour == open_ones.filter(next_due_at__gte=NOW, next_due_at__lt=NOW + HOUR).count() > 0
        assert FloorMoment.objects.get(team=None).waiting == 1
        week = reporting.this_week(now=NOW)
        counted = counting.by_target(Asked(), week, now=NOW)[Target.FIRST_TOUCH]
        assert (found.met, found.missed) == (counted.met, counted.missed) == (1, 1)

    def test_is_done_once_in_a_quarter_of_an_hour(self, firm: Company) -> None:
        assert moments.keep(now=NOW) == 2
        assert moments.keep(now=NOW + timedelta(minutes=7)) == 0
        assert moments.keep(now=NOW + timedelta(minutes=8)) == 2

    def test_forgets_what_nothing_is_compared_with_any_more(self, firm: Company) -> None:
        moments.keep(now=NOW - 2 * WEEK - timedelta(days=2))
        moments.keep(now=NOW)
        assert set(FloorMoment.objects.values_list("at", flat=True)) == {NOW.replace(minute=0)}

    def test_is_swept(self, firm: Company) -> None:
        sweeps.sweep(lambda: NOW)
        assert FloorMoment.objects.exists()

    def test_stands_once_also_for_no_team(self) -> None:
        FloorMoment.objects.create(at=NOW, counted_at=NOW)
        with pytest.raises(IntegrityError, match="one_moment_per_team"), transaction.atomic():
            FloorMoment.objects.create(at=NOW, counted_at=NOW)


class TestBoard:
    @pytest.fixture(autouse=True)
    def _now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock_room, "now", lambda: NOW)

    def look(self, user: User, query: str = "") -> Any:
        client = Client()
        client.force_login(user)
        return client.get(f"/board/?{query}").context

    def notes(self, user: User, query: str = "") -> dict[str, str]:
        return {each["key"]: each["note"] for each in self.look(user, query)["numbers"]}

    def stood(self, team: Team | None, at: datetime, **numbers: int) -> None:
        FloorMoment.objects.create(team=team, at=moments.quarter_of(at), counted_at=at, **numbers)

    def test_says_goal_and_trend(self, firm: Company) -> None:
        some(firm, NOW)
        Desk.objects.filter(team=firm.team).update(goal=90)
        self.stood(firm.team, NOW - WEEK, late=4, soon=0, hour=1, met=9, missed=1)
        self.stood(None, NOW - WEEK, waiting=1)
        moments.keep(now=NOW)
        assert self.notes(firm.manager) == {
            "late": "goal 0 · 3 fewer than a week ago",
            "soon": "as a week ago",
            "hour": "as a week ago",
            "adrift": "goal 0",
            "waiting": "goal 0 · as a week ago",
        }
        kept = self.look(firm.manager)["kept"]
        assert (kept.percent, kept.due, kept.is_short) == (50, 2, True)
        assert kept.note == "goal 90 % · 40 points down"
        assert kept.at == NOW

    def test_adds_up_the_teams_that_one_sees(self, firm: Company) -> None:
        other = Team.objects.create(name="East")
        rep_in(other, "Zoe East")
        Desk.objects.create(team=other, calendar=Desk.objects.get(team=firm.team).calendar)
        self.stood(firm.team, NOW - WEEK, late=4)
        self.stood(other, NOW - WEEK, late=3)
        ops = person(Role.REVOPS, "Rita Ops")
        assert self.notes(firm.manager)["late"].endswith("4 fewer than a week ago")
        assert self.notes(ops)["late"].endswith("7 fewer than a week ago")
        assert self.notes(ops, f"team={other.pk}")["late"].endswith("3 fewer than a week ago")

    def test_compares_nothing_that_was_not_kept(self, firm: Company) -> None:
        self.stood(firm.team, NOW - WEEK - HOUR, late=4)
        self.stood(firm.team, NOW - WEEK + HOUR, late=4)
        told = self.look(firm.manager)
        assert {each["note"] for each in told["numbers"]} == {"goal 0", ""}
        assert told["kept"] is None
        moments.keep(now=NOW)
        self.stood(firm.team, NOW - WEEK, late=4)
        assert self.notes(firm.manager, "tier=hot")["late"] == "goal 0"

    def test_asks_one_more_question(self, firm: Company) -> None:
        some(firm, NOW)
        moments.keep(now=NOW)
        client = Client()
        client.force_login(firm.manager)
        client.get("/board/")

        def asked(query: str) -> int:
            with CaptureQueriesContext(connection) as made:
                client.get(f"/board/{query}")
            return sum("floormoment" in each["sql"] for each in made)

        assert asked("") == 1
        assert asked("?tier=hot") == 0
