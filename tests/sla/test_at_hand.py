"""The clocks of a list: what one question tells of each is what its whole history tells, in a fixed number of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads import clock as clock_room
from sla import at_hand, handoffs, timers, touches
from sla.clocks import pausing
from sla.models import Handoff, Target, Touch
from sla.rows import rows
from tests.desk import Company, assign_clock, clock_of, company

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    return clock_room.now()


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def lived(house: Company, now: datetime) -> list[Handoff]:
    """Offered, late, accepted, paused, extended, touched in time, touched too late, and rejected."""
    since = now - 3 * HOUR
    accepted, paused, extended = (house.accepted(now=since) for _ in range(3))
    in_time, too_late, gone = (house.offered(now=since, tier=tier) for tier in ("warm", "hot", "warm"))
    pausing.pause(
        clock_of(paused, Target.DEPTH).pk, until_at=now + HOUR, reason="Ill", by=house.ben.user, now=now - HOUR
    )
    pausing.extend(clock_of(extended, Target.DEPTH).pk, seconds=3600, reason="Fair", by=house.manager, now=now - HOUR)
    for handoff, at in ((in_time, since + HOUR / 6), (too_late, now)):
        touches.record(
            handoff.episode.lead_id,
            means=Touch.Means.CALL,
            outcome=Touch.Outcome.NO_ANSWER,
            performed_by=house.ben.user,
            recorded_by=house.ben.user,
            occurred_at=at,
            now=max(at, since),
        )
    handoffs.reject(gone.pk, reason="outside_market", by=house.ben.user, now=now)
    late = house.offered(now=since, tier="hot")
    return [house.offered(now=now), late, accepted, paused, extended, in_time, too_late, gone]


class TestTheTimerOfAList:
    def test_is_the_one_of_the_whole_history(self, house: Company, now: datetime) -> None:
        made = [each.pk for each in lived(house, now)]
        whole = {each.pk: timers.of_handoff(each, now=now) for each in Handoff.objects.for_rows().filter(pk__in=made)}
        asked = Handoff.objects.for_inbox().filter(pk__in=made)
        assert {each.handoff.pk: each.timer for each in rows(asked, now=now)} == whole
        assert {each.state for each in whole.values()} >= {"ontrack", "late", "missed"}

    def test_tells_of_a_pause_and_until_when(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now - HOUR)
        touches.record(
            handoff.episode.lead_id,
            means=Touch.Means.CALL,
            outcome=Touch.Outcome.NO_ANSWER,
            performed_by=house.ben.user,
            recorded_by=house.ben.user,
            occurred_at=now,
            now=now,
        )
        for clock in handoff.clocks.filter(verdict=""):
            pausing.pause(clock.pk, until_at=now + HOUR, reason="Ill", by=house.ben.user, now=now)
        handoff.refresh_from_db()
        with CaptureQueriesContext(connection) as asked:
            at_hand.bring_clocks([handoff])
        assert len(asked) == 2
        later = now + HOUR / 2
        assert timers.of_handoff(handoff, now=later).state == "paused"
        assert "paused by Ben Keller until" in timers.of_handoff(handoff, now=later).text

    def test_costs_one_question_beside_that_for_the_rows(self, house: Company, now: datetime) -> None:
        made = lived(house, now)
        with CaptureQueriesContext(connection) as asked:
            for row in rows(Handoff.objects.for_inbox().filter(pk__in=[each.pk for each in made]), now=now):
                assert row.shown["name"] == row.lead.name
        assert len(asked) == 2


class TestOthersOfTheBoard:
    def test_of_a_person_the_clock_that_is_due_then(self, house: Company, now: datetime) -> None:
        first, _, theirs = house.offered(now=now - HOUR), house.offered(now=now), house.offered(now=now, rep=house.ada)
        dues = {}
        for handoff in (first, theirs):
            handoff.refresh_from_db()
            assert handoff.next_due_at is not None
            dues[handoff.user_id] = handoff.next_due_at
        found = at_hand.nearest_of_people(dues)
        assert {user: clock.handoff_id for user, clock in found.items()} == {
            house.ben.user_id: first.pk,
            house.ada.user_id: theirs.pk,
        }

    def test_of_who_waits_the_clock_of_assigning(self, house: Company, now: datetime) -> None:
        waiting = house.episode(house.lead(now=now), now=now)
        house.offered(now=now)
        assert at_hand.assigning([waiting.pk]) == [assign_clock(waiting)]
        assert at_hand.assigning([]) == []
