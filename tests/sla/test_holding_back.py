"""Absences and graces whose action fails: left alone for a minute, seen on the status page, in nobody's way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from leads.models import Role
from sla import clockwork, handoffs
from sla.models import Absence, Handoff, LeftBehind, Rep, State
from sla.people import beginning, holding_back, left_behind
from sla.watching import health
from tests import desk
from tests.desk import Company, person

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


class Broken:
    """Moving on these hand-offs fails, and says so in two lines."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[int] = []
        self.fail_for: set[int] = set()
        self._real = handoffs.move_on
        monkeypatch.setattr(handoffs, "move_on", self)

    def __call__(self, handoff: Handoff, **told: Any) -> Any:
        self.asked.append(handoff.pk)
        if handoff.pk in self.fail_for:
            raise RuntimeError("no such thing\nDETAIL: ada@halyard.example")
        return self._real(handoff, **told)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    return Broken(monkeypatch)


def away(rep: Rep, now: datetime) -> Absence:
    return Absence.objects.create(rep=rep, starts_at=now, ends_at=now + 5 * DAY)


class TestAbsence:
    def test_that_fails_with_one_lead_moves_the_others_and_is_held_back(
        self, house: Company, broken: Broken, now: datetime
    ) -> None:
        bad, good = house.offered(now=now), house.offered(now=now)
        absence = away(house.ben, now)
        broken.fail_for = {bad.pk}
        with pytest.raises(RuntimeError):
            beginning.begin(absence.pk, now=now)
        absence.refresh_from_db()
        assert (absence.begun_at, absence.held_back_at) == (None, now)
        assert absence.held_back_why == "RuntimeError: no such thing"
        states = dict(Handoff.objects.values_list("pk", "state"))
        assert (states[bad.pk], states[good.pk]) == (State.OFFERED, State.MOVED)

    def test_is_tried_again_a_minute_later(self, house: Company, broken: Broken, now: datetime) -> None:
        bad = house.offered(now=now)
        absence = away(house.ben, now)
        broken.fail_for = {bad.pk}
        clockwork.fire_due(lambda: now)
        for later in (now, now + MINUTE - timedelta(seconds=1)):
            clockwork.fire_due(lambda later=later: later)
        assert broken.asked == [bad.pk]
        broken.fail_for = set()
        clockwork.fire_due(lambda: now + MINUTE)
        absence.refresh_from_db()
        assert (absence.begun_at, absence.held_back_at, absence.held_back_why) == (now + MINUTE, None, "")
        assert Handoff.objects.get(pk=bad.pk).state == State.MOVED

    def test_holds_up_no_other(self, house: Company, broken: Broken, now: datetime) -> None:
        bad, good = house.offered(now=now), house.offered(now=now, rep=house.ada)
        away(house.ben, now - MINUTE)
        away(house.ada, now)
        broken.fail_for = {bad.pk}
        assert [row[0] for row in beginning.due_page(now=now, limit=1)] == [now - MINUTE]
        clockwork.fire_due(lambda: now)
        assert Handoff.objects.get(pk=good.pk).state == State.MOVED
        assert beginning.due_page(now=now, limit=1) == []


class TestGrace:
    def test_that_fails_is_held_back_and_tried_again(self, house: Company, broken: Broken, now: datetime) -> None:
        bad, good = house.accepted(now=now), house.accepted(now=now)
        beginning.begin(away(house.ben, now).pk, now=now)
        broken.fail_for = {bad.pk}
        later = max(row.due_at for row in LeftBehind.objects.all() if row.due_at is not None)
        clockwork.fire_due(lambda: later)
        clockwork.fire_due(lambda: later)
        assert sorted(broken.asked) == sorted([bad.pk, good.pk])
        left = {row.handoff_id: row for row in LeftBehind.objects.all()}
        assert (left[good.pk].settled_as, left[bad.pk].settled_as) == ("reoffered", "")
        assert (left[bad.pk].held_back_at, left[bad.pk].held_back_why) == (later, "RuntimeError: no such thing")
        assert left_behind.due_page(now=later, limit=9) == []
        broken.fail_for = set()
        clockwork.fire_due(lambda: later + MINUTE)
        held = LeftBehind.objects.get(handoff=bad)
        assert (held.settled_as, held.held_back_at, held.held_back_why) == ("reoffered", None, "")


class TestWhoSeesIt:
    @pytest.fixture
    def held(self, house: Company, broken: Broken, now: datetime) -> Absence:
        broken.fail_for = {house.offered(now=now).pk}
        absence = away(house.ben, now)
        clockwork.fire_due(lambda: now)
        return absence

    def test_the_health_of_the_clock_tells_how_many(self, held: Absence, now: datetime) -> None:
        known = health.facts(now=now)
        assert (known.held_back, known.absences_held_back) == (0, 1)
        well = health.Facts(clock_at=now, sweep_at=now, worker_at=now, absences_held_back=1)
        part = health.judge(well, has_broker=True, now=now).part("clock")
        assert part is not None
        assert (part.state, part.numbers["held_back"]) == (health.DEGRADED, 1)
        assert part.says == "Failed at their step and tried again each minute: 1 absence or grace."

    def test_the_status_page_tells_those_who_can_mend_it_why(
        self, house: Company, held: Absence, client: Client
    ) -> None:
        why = "RuntimeError: no such thing"
        assert [each.why for each in holding_back.held()] == [why]
        for user, sees in ((person(Role.REVOPS, "Robin Ops"), True), (house.manager, False)):
            client.force_login(user)
            page = client.get("/status/").content.decode()
            assert (f"Absence of {house.ben}" in page, why in page) == (sees, sees)
            assert "ada@halyard.example" not in page
