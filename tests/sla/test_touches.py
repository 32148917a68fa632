"""Touches: when they count, what they keep, and who may record whose."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from leads.errors import Invalid, Refused
from leads.models import Lead, Outcome, Role, Stage
from scoring import episodes
from sla import handoffs, touches
from sla.models import Handoff, State, Target, Touch
from tests.desk import TOUCHES, Company, clock_of, company, person

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
GRACE = timedelta(minutes=15)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def call(handoff: Handoff, *, now: datetime, **fields: Any) -> Touch:
    values: dict[str, Any] = {
        "means": "call",
        "outcome": "reached",
        "performed_by": handoff.user,
        "recorded_by": handoff.user,
        "occurred_at": now,
    }
    return touches.record(handoff.episode.lead_id, **values | fields, now=now)


class TestByTheOfferedRep:
    def test_accepts_at_the_moment_of_recording_and_meets_first_touch_when_it_counts(
        self, house: Company, now: datetime
    ) -> None:
        handoff = house.offered(now=now)
        at = now + 10 * MINUTE
        call(handoff, now=at, occurred_at=at - 5 * MINUTE)
        handoff.refresh_from_db()
        assert (handoff.state, handoff.accepted_at) == (State.ACCEPTED, at)
        assert (handoff.first_touched_at, handoff.touches) == (at - 5 * MINUTE, 1)
        assert clock_of(handoff, Target.ACCEPT).met_at == at
        assert clock_of(handoff, Target.FIRST_TOUCH).met_at == at - 5 * MINUTE
        assert Lead.objects.get(pk=handoff.episode.lead_id).stage == Stage.SAL
        assert Outcome.objects.filter(kind="accepted").count() == 1
        assert handoff.changes.last().why == "touch"

    def test_stands_in_the_way_of_undo(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        call(handoff, now=now)
        with pytest.raises(handoffs.CannotUndo):
            handoffs.undo(handoff.pk, by=house.ben.user, now=now)

    def test_counts_to_depth(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        for number in range(1, TOUCHES):
            call(handoff, now=now + number * MINUTE)
            assert clock_of(handoff, Target.DEPTH).is_running
        call(handoff, now=now + TOUCHES * MINUTE)
        depth = clock_of(handoff, Target.DEPTH)
        assert (depth.verdict, depth.met_at) == ("met", now + TOUCHES * MINUTE)


class TestWhenItCounts:
    def test_typed_within_grace_counts_when_it_occurred(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        touch = call(handoff, now=now + GRACE, occurred_at=now)
        assert (touch.counts_at, touch.logged_later) == (now, False)

    def test_typed_after_grace_counts_when_recorded_and_says_so(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        at = now + GRACE + timedelta(seconds=1)
        touch = call(handoff, now=at, occurred_at=now)
        assert (touch.counts_at, touch.logged_later) == (at, True)

    def test_brought_by_a_machine_counts_when_it_occurred_whoever_noticed_first(
        self, house: Company, now: datetime
    ) -> None:
        handoff = house.accepted(now=now)
        due = clock_of(handoff, Target.FIRST_TOUCH).due_at
        touch = call(handoff, now=due + timedelta(hours=5), occurred_at=due, by_machine=True)
        assert (touch.counts_at, touch.logged_later) == (due, False)
        assert clock_of(handoff, Target.FIRST_TOUCH).verdict == "met"

    def test_past_due_misses(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        due = clock_of(handoff, Target.FIRST_TOUCH).due_at
        call(handoff, now=due + timedelta(seconds=1))
        assert clock_of(handoff, Target.FIRST_TOUCH).verdict == "missed"

    def test_before_the_offer_is_no_answer_to_it(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        touch = call(handoff, now=now + MINUTE, occurred_at=now - MINUTE)
        handoff.refresh_from_db()
        assert (touch.handoff, handoff.state, handoff.first_touched_at) == (None, State.OFFERED, None)

    def test_does_not_answer_a_hand_raise_that_came_after_it(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        call(handoff, now=now + MINUTE)
        episodes.raise_hand(episodes.open_for(handoff.episode.lead_id), activity_id=7, now=now + 5 * MINUTE)
        call(handoff, now=now + 6 * MINUTE, occurred_at=now + 2 * MINUTE)
        assert clock_of(handoff, Target.FIRST_TOUCH).is_running
        call(handoff, now=now + 7 * MINUTE)
        assert clock_of(handoff, Target.FIRST_TOUCH).met_at == now + 7 * MINUTE

    def test_in_the_future_is_refused_save_for_a_clock_that_is_a_little_ahead(
        self, house: Company, now: datetime
    ) -> None:
        handoff = house.accepted(now=now)
        assert call(handoff, now=now, occurred_at=now + MINUTE).occurred_at == now
        with pytest.raises(Invalid, match="future"):
            call(handoff, now=now, occurred_at=now + timedelta(hours=1))


class TestWhatStopsNothing:
    def test_an_automated_touch(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        call(handoff, now=now + MINUTE, automated=True, by_machine=True, means="email", outcome="sent")
        handoff.refresh_from_db()
        assert (handoff.state, handoff.touches, handoff.first_touched_at) == (State.OFFERED, 0, None)
        assert clock_of(handoff, Target.FIRST_TOUCH).is_running
        assert Touch.objects.filter(handoff=handoff, automated=True).count() == 1

    def test_a_colleagues_touch_reaches_the_person_but_accepts_nothing(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        call(handoff, now=now + MINUTE, performed_by=house.ada.user, recorded_by=house.manager)
        handoff.refresh_from_db()
        assert handoff.state == State.OFFERED
        assert clock_of(handoff, Target.FIRST_TOUCH).verdict == "met"
        assert clock_of(handoff, Target.ACCEPT).is_running

    def test_one_without_a_handoff_is_kept(self, house: Company, now: datetime) -> None:
        lead = house.lead(now=now)
        touch = touches.record(
            lead.pk,
            means="email",
            outcome="sent",
            performed_by=house.ben.user,
            recorded_by=None,
            occurred_at=now,
            now=now,
        )
        assert touch.handoff is None


class TestWhoMay:
    def test_the_manager_records_a_members(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        touch = call(handoff, now=now, recorded_by=house.manager)
        handoff.refresh_from_db()
        assert (handoff.state, touch.recorded_by, touch.performed_by) == (
            State.ACCEPTED,
            house.manager,
            house.ben.user,
        )

    def test_a_stranger_records_nothing(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        for stranger in (house.ada.user, person(Role.REP, "Zoe Hart")):
            with pytest.raises(Refused) as refused:
                call(handoff, now=now, recorded_by=stranger, performed_by=stranger)
            assert refused.value.status == 404
        with pytest.raises(touches.NotTheirs):
            call(handoff, now=now, recorded_by=person(Role.MARKETING, "Theo Marsh"))
        assert not Touch.objects.exists()

    def test_an_integration_brings_what_its_machine_saw(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        revops = person(Role.REVOPS, "Priya Nair")
        with pytest.raises(touches.NotTheirs):
            call(handoff, now=now, recorded_by=revops)
        assert call(handoff, now=now, recorded_by=revops, by_machine=True).by_machine


class TestOnce:
    def test_the_same_external_id_is_taken_in_once(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        first = call(handoff, now=now, external_id="call-9")
        again = call(handoff, now=now + MINUTE, external_id="call-9")
        handoff.refresh_from_db()
        assert (again.pk, handoff.touches) == (first.pk, 1)

    @pytest.mark.parametrize("wrong", [{"means": "pigeon"}, {"outcome": ""}, {"external_id": "x" * 201}])
    def test_what_it_does_not_know_is_refused(self, house: Company, now: datetime, wrong: dict[str, str]) -> None:
        with pytest.raises(Invalid):
            call(house.accepted(now=now), now=now, **wrong)
