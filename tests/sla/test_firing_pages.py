"""A page of due clocks in one transaction: what would have been done one by one, in as many questions as for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from leads.models import Endpoint, Notification, Team, TeamMembership
from sla import clocks, clockwork, publishing
from sla.clocks import escalation
from sla.models import Clock, ClockStep, Handoff, LadderStep, Rep, RoutingRule, Target
from sla.telling import mails
from tests.desk import Company, assign_clock, clock_of, company, person

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUESTIONS = 10  # of one page, however long: see sla.clocks.standing, audience and escalation


@pytest.fixture
def house(now: datetime) -> Company:
    house = company(now)
    Rep.objects.update(capacity=100)
    return house


def climbing(house: Company, *steps: dict[str, Any], now: datetime) -> None:
    """The house's policy with these steps instead of its own."""
    version = publishing.draft_policy(house.policy.policy)
    version.steps.all().delete()
    version.targets.all().update(hours="always")
    for step in steps:
        LadderStep.objects.create(version=version, **{"target": Target.ACCEPT} | step)
    publishing.publish_policy(version, now=now, by=None)


TELLING = {"share": 100, "action": "tell_rep"}, {"share": 100, "action": "tell_manager"}


def due(house: Company, number: int, *, now: datetime) -> list[Clock]:
    """So many accept clocks that run out together, two hours from now."""
    return [clock_of(house.offered(now=now), Target.ACCEPT) for _ in range(number)]


def written(clock: Clock) -> list[Any]:
    """All that firing wrote of one clock, without what names the clock and the lead."""

    def plain(value: Any) -> Any:
        said = str(value)
        lead = clock.episode.lead
        for name, found in (("CLOCK", f"clock:{clock.pk}:"), ("LEAD", str(lead.public_id)), ("NAME", lead.name)):
            said = said.replace(found, name)
        return said

    clock.refresh_from_db()
    steps = [(step.key, step.due_at, step.fired_at, plain(step.detail)) for step in clock.fired.order_by("id")]
    told = Notification.objects.filter(effect_key__startswith=f"clock:{clock.pk}:").order_by("id")
    letters = [
        (plain(row.effect_key), row.kind, row.topic, row.recipient, row.endpoint, plain(row.subject), plain(row.data))
        for row in told
    ]
    return [steps, letters, clock.next_step_at, clock.breached_at, clock.verdict]


class TestPage:
    def test_writes_what_one_by_one_would(self, house: Company, now: datetime) -> None:
        east, other = Team.objects.create(name="East"), person("manager", "Otto Finn")
        TeamMembership.objects.create(team=east, user=other, is_manager=True)
        hot = {"field": "episode.tier", "op": "is", "value": "hot"}
        RoutingRule.objects.create(name="East's", team=east, position=-1, condition=hot)
        Endpoint.objects.create(name="Room", url="https://x.example/", events=["clock.breached"], created_at=now)
        climbing(
            house,
            {"share": 75, "action": "tell_rep"},
            *TELLING,
            {"share": 150, "action": "tell_team"},
            {"share": 100, "action": "tell_manager", "target": Target.ASSIGN},
            now=now,
        )
        pairs = [due(house, 2, now=now) for _ in range(2)]
        for tier in ("hot", "warm"):
            episodes = [house.episode(house.lead(now=now), now=now, tier=tier) for _ in range(2)]
            pairs.append([assign_clock(episode) for episode in episodes])
        at = now + 150 * MINUTE
        for clock, _ in pairs:
            assert escalation.fire(clock.pk, now=at)
        assert escalation.fire_page([clock.pk for _, clock in pairs], now=at) == escalation.Fired(acted=4)

        for one, of_page in pairs:
            assert written(one) == written(of_page)
        waited = [clock.pk for clock in pairs[2]]
        told = Notification.objects.filter(kind="breach", effect_key__regex=f"^clock:({waited[0]}|{waited[1]}):")
        assert [row.recipient for row in told] == [other, other]  # by the rule that holds for them alone

    def test_asks_no_more_of_the_database_than_one_clock(self, house: Company, now: datetime) -> None:
        climbing(house, *TELLING, now=now)
        pages = [due(house, number, now=now) for number in (1, 1, 3, 12)]
        asked = []
        for page in pages:
            with CaptureQueriesContext(connection) as questions:
                assert escalation.fire_page([clock.pk for clock in page], now=now + 2 * HOUR).acted == len(page)
            asked.append(len(questions))

        assert asked[1:] == [QUESTIONS] * 3  # the first one learns the ladder

    def test_leaves_what_moves_a_lead_and_what_the_lead_has_due_after_it(self, house: Company, now: datetime) -> None:
        climbing(
            house,
            {"share": 100, "action": "hop"},
            {"share": 100, "action": "tell_manager", "target": Target.FIRST_TOUCH},
            now=now,
        )
        hopping = house.offered(now=now)
        touching = clock_of(house.offered(now=now), Target.FIRST_TOUCH)
        both = [clock_of(hopping, target) for target in (Target.ACCEPT, Target.FIRST_TOUCH)]
        page = [*(clock.pk for clock in both), touching.pk]
        fired = escalation.fire_page(page, now=now + 4 * HOUR)
        assert fired == escalation.Fired(acted=1, alone=[clock.pk for clock in both])

        clockwork.fire_due(lambda: now + 4 * HOUR)
        assert Handoff.objects.get(pk=hopping.pk).state == "moved"
        both[1].refresh_from_db()
        assert (both[1].verdict, both[1].fired.count()) == ("voided", 0)  # it went with its hand-off


def failing_for(bad: Clock) -> Callable[..., Notification]:
    told = mails.of_step

    def fail(clock: Clock, *args: Any, **kwargs: Any) -> Notification:
        if clock.pk == bad.pk:
            raise RuntimeError("no such person")
        return told(clock, *args, **kwargs)

    return fail


@pytest.mark.django_db(transaction=True)
class TestFailing:
    def test_one_of_a_page_is_held_back_alone(
        self, house: Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = due(house, 5, now=now)
        bad, at = page[2], now + 2 * HOUR
        monkeypatch.setattr(mails, "of_step", failing_for(bad))
        assert clockwork.fire_due(lambda: at) == 4

        fired = {clock.pk: clock.fired.count() for clock in page}
        assert fired == {clock.pk: 0 if clock == bad else 2 for clock in page}
        assert list(Clock.objects.exclude(held_back_at=None)) == [bad]
        told = Notification.objects.filter(kind="breach")
        assert told.count() == 4

    def test_leaves_nothing_of_the_others_behind(
        self, house: Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = due(house, 3, now=now)
        monkeypatch.setattr(ClockStep, "_meta", None)
        with pytest.raises(AttributeError):
            escalation.fire_page([clock.pk for clock in page], now=now + 2 * HOUR)
        monkeypatch.undo()

        assert not Notification.objects.filter(kind="breach").exists()
        assert not Clock.objects.exclude(breached_at=None).exists()

    def test_what_failed_before_spoils_no_second_page(
        self, house: Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (bad, *others), at = due(house, 3, now=now), now + 2 * HOUR
        escalation.hold_back(bad.pk, why="before", now=at)
        monkeypatch.setattr(mails, "of_step", failing_for(bad))
        again = at + clocks.RETRY_AFTER
        page = clocks.due_page(now=again, limit=10)
        assert set(page) == {bad.pk, *(clock.pk for clock in others)}

        assert escalation.fire_page(page, now=again) == escalation.Fired(acted=2, alone=[bad.pk])

    def test_a_lead_that_someone_acts_on_keeps_nobody_waiting(self, house: Company, now: datetime) -> None:
        page = due(house, 3, now=now)
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT 1 FROM leads_lead WHERE id = %s FOR UPDATE", [page[1].episode.lead_id])
                assert clockwork.fire_due(lambda: now + 2 * HOUR) == 2
                cursor.execute("ROLLBACK")
        finally:
            other.close()
        assert [clock.fired.count() for clock in page] == [2, 0, 2]
        assert clockwork.fire_due(lambda: now + 2 * HOUR) == 1
