"""Nurture: rests, spent evidence and named dates."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import nurture
from leads.errors import Invalid
from leads.lifecycle import IllegalMove
from leads.models import AwaitingAssessment, Lead, Stage, User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def make(now: datetime) -> Callable[..., Lead]:
    def one(stage: str = Stage.SAL, **fields: Any) -> Lead:
        return Lead.objects.create(stage=stage, stage_at=now - DAY, created_at=now - DAY, **fields)

    return one


@pytest.fixture
def rep() -> User:
    return User.objects.create_user("rep@example.com", full_name="Rep")


def stored(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


def is_marked(lead: Lead) -> bool:
    return AwaitingAssessment.objects.filter(lead=lead).exists()


class TestRecycling:
    def test_rests_the_lead_and_spends_its_evidence(self, make: Any, now: datetime, rep: User) -> None:
        lead = make()
        nurture.recycle(lead, rest_until=now + 30 * DAY, spend=True, now=now, by=rep, cause="verdict")

        lead = stored(lead)
        assert (lead.stage, lead.rest_until, lead.evidence_from) == (Stage.NURTURE, now + 30 * DAY, now)
        row = lead.rest_changes.get()
        assert (row.rest_until, row.evidence_from, row.at, row.by, row.cause) == (
            now + 30 * DAY,
            now,
            now,
            rep,
            "verdict",
        )
        assert lead.stage_changes.get().to_stage == Stage.NURTURE
        assert is_marked(lead)

    def test_keeps_the_evidence_when_asked(self, make: Any, now: datetime) -> None:
        lead = make(evidence_from=now - DAY)
        nurture.recycle(lead, rest_until=None, spend=False, now=now, cause="verdict")
        assert stored(lead).evidence_from == now - DAY

    def test_forgets_a_date_named_before(self, make: Any, now: datetime, rep: User) -> None:
        lead = make(callback_at=now + DAY, callback_user=rep)
        nurture.recycle(lead, rest_until=now + 9 * DAY, spend=True, now=now, cause="verdict")
        lead = stored(lead)
        assert (lead.callback_at, lead.callback_user) == (None, None)

    def test_never_gives_spent_evidence_back(self, make: Any, now: datetime) -> None:
        lead = make(evidence_from=now - DAY)
        nurture.recycle(lead, rest_until=None, spend=True, spent_to=now - 5 * DAY, now=now, cause="verdict")
        assert stored(lead).evidence_from == now - DAY

    def test_is_refused_where_no_verdict_is_due(self, make: Any, now: datetime) -> None:
        lead = make(Stage.CUSTOMER)
        with pytest.raises(IllegalMove):
            nurture.recycle(lead, rest_until=None, spend=True, now=now, cause="verdict")

    def test_leaves_history_that_never_runs_backwards(self, make: Any, now: datetime) -> None:
        lead = make()
        nurture.recycle(lead, rest_until=now + DAY, spend=True, now=now, cause="verdict")
        nurture.end_rest(lead, now=now - timedelta(seconds=3), cause="hand-raise")
        assert [row.at for row in lead.rest_changes.order_by("id")] == [now, now]


class TestSpending:
    def test_sets_only_where_evidence_counts_from(self, make: Any, now: datetime) -> None:
        lead = make()
        nurture.spend(lead, now=now, cause="verdict")
        lead = stored(lead)
        assert (lead.evidence_from, lead.rest_until, lead.stage) == (now, None, Stage.SAL)
        assert is_marked(lead)


class TestPromisingACallback:
    def test_rests_until_the_date_and_names_who_calls(self, make: Any, now: datetime, rep: User) -> None:
        lead = make()
        nurture.promise_callback(lead, at=now + 7 * DAY, user=rep, now=now, by=rep)
        lead = stored(lead)
        assert (lead.stage, lead.rest_until, lead.callback_at, lead.callback_user, lead.evidence_from) == (
            Stage.NURTURE,
            now + 7 * DAY,
            now + 7 * DAY,
            rep,
            now,
        )
        assert lead.rest_changes.get().cause == "named date"

    def test_moves_the_date_of_a_lead_in_nurture(self, make: Any, now: datetime, rep: User) -> None:
        lead = make()
        nurture.promise_callback(lead, at=now + 7 * DAY, user=rep, now=now)
        nurture.promise_callback(lead, at=now + 2 * DAY, user=rep, now=now)
        lead = stored(lead)
        assert (lead.callback_at, lead.rest_until) == (now + 2 * DAY, now + 2 * DAY)
        assert lead.rest_changes.count() == 2
        assert lead.stage_changes.count() == 1

    def test_refuses_a_date_that_is_not_ahead(self, make: Any, now: datetime, rep: User) -> None:
        with pytest.raises(Invalid, match="ahead"):
            nurture.promise_callback(make(), at=now, user=rep, now=now)

    @pytest.mark.parametrize("stage", [Stage.LEAD, Stage.SQL, Stage.OPPORTUNITY, Stage.CUSTOMER, Stage.DISQUALIFIED])
    def test_is_refused_outside_an_episode_and_nurture(self, stage: str, make: Any, now: datetime, rep: User) -> None:
        with pytest.raises(IllegalMove):
            nurture.promise_callback(make(stage), at=now + DAY, user=rep, now=now)


class TestEndingARest:
    def test_forgets_rest_and_date_and_keeps_what_is_spent(self, make: Any, now: datetime, rep: User) -> None:
        lead = make()
        nurture.promise_callback(lead, at=now + 7 * DAY, user=rep, now=now)
        assert nurture.end_rest(lead, now=now + DAY, cause="hand-raise") is True
        lead = stored(lead)
        assert (lead.rest_until, lead.callback_at, lead.callback_user, lead.evidence_from) == (None, None, None, now)
        assert (lead.stage, lead.rest_changes.count()) == (Stage.NURTURE, 2)

    def test_of_a_lead_that_does_not_rest_writes_nothing(self, make: Any, now: datetime) -> None:
        lead = make()
        assert nurture.end_rest(lead, now=now, cause="hand-raise") is False
        assert not lead.rest_changes.exists()


class TestRestoring:
    def test_puts_everything_back(self, make: Any, now: datetime, rep: User) -> None:
        lead = make(evidence_from=now - 9 * DAY, rest_until=now - DAY)
        before = json.loads(json.dumps(nurture.snapshot(lead)))
        nurture.promise_callback(lead, at=now + DAY, user=rep, now=now)

        nurture.restore(lead, before, now=now + timedelta(seconds=9), by=rep, cause="undo")

        assert nurture.snapshot(stored(lead)) == before
        assert [row.cause for row in lead.rest_changes.order_by("id")] == ["named date", "undo"]
        assert [row.to_stage for row in lead.stage_changes.order_by("id")] == [Stage.NURTURE, Stage.SAL]

    def test_forgets_a_date_whose_person_is_gone(self, make: Any, now: datetime) -> None:
        lead = make()
        gone = nurture.snapshot(lead) | {"callback_at": (now + DAY).isoformat(), "callback_user": 987654}
        nurture.restore(lead, gone, now=now, cause="undo")
        assert stored(lead).callback_at is None

    def test_is_refused_after_a_purchase(self, make: Any, now: datetime) -> None:
        lead = make()
        before = nurture.snapshot(lead)
        Lead.objects.filter(pk=lead.pk).update(stage=Stage.CUSTOMER)
        with pytest.raises(IllegalMove):
            nurture.restore(lead, before, now=now, cause="undo")


class TestRestsThatEnd:
    def test_are_cleared_written_and_marked(self, make: Any, now: datetime) -> None:
        over = make(Stage.NURTURE, rest_until=now, evidence_from=now - DAY)
        resting = make(Stage.NURTURE, rest_until=now + timedelta(seconds=1))
        assert nurture.ended_rests(now=now, limit=10) == [over.pk]

        assert nurture.mark_ended_rests(now=now) == 1

        assert stored(over).rest_until is None
        row = over.rest_changes.get()
        assert (row.rest_until, row.evidence_from, row.cause, row.at) == (None, now - DAY, "rest ended", now)
        assert is_marked(over)
        assert stored(resting).rest_until is not None
        assert not is_marked(resting)
        assert nurture.mark_ended_rests(now=now) == 0

    def test_wait_for_the_date_where_one_was_named(self, make: Any, now: datetime, rep: User) -> None:
        lead = make(Stage.NURTURE, rest_until=now, callback_at=now, callback_user=rep)
        assert nurture.ended_rests(now=now, limit=10) == []
        assert nurture.mark_ended_rests(now=now) == 0
        assert nurture.due_callbacks(now=now, limit=10) == [lead.pk]

    def test_let_a_date_lapse_that_a_purchase_overtook(self, make: Any, now: datetime, rep: User) -> None:
        lead = make(Stage.CUSTOMER, rest_until=now + DAY, callback_at=now, callback_user=rep)
        assert nurture.due_callbacks(now=now, limit=10) == []
        assert nurture.mark_ended_rests(now=now) == 1
        lead = stored(lead)
        assert (lead.callback_at, lead.rest_until) == (None, now + DAY)


class TestDueCallbacks:
    def test_come_in_order_and_only_once_due(self, make: Any, now: datetime, rep: User) -> None:
        second = make(Stage.NURTURE, callback_at=now, callback_user=rep)
        first = make(Stage.NURTURE, callback_at=now - DAY, callback_user=rep)
        make(Stage.NURTURE, callback_at=now + DAY, callback_user=rep)
        assert nurture.due_callbacks(now=now, limit=10) == [first.pk, second.pk]
        assert nurture.due_callbacks(now=now, limit=1) == [first.pk]

    def test_leave_out_the_erased_and_the_merged(self, make: Any, now: datetime, rep: User) -> None:
        make(Stage.NURTURE, callback_at=now, callback_user=rep, erased_at=now)
        other = make(Stage.LEAD)
        make(Stage.NURTURE, callback_at=now, callback_user=rep, merged_into=other)
        assert nurture.due_callbacks(now=now, limit=10) == []
