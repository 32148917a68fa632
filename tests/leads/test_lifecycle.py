"""Stages: every move that is legal, and none that isn't."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from leads import lifecycle
from leads.lifecycle import IllegalMove
from leads.models import Activity, ActivityType, Lead, Source, Stage, StageChange, StageRule, User
from leads.signals import stage_moved

pytestmark = pytest.mark.django_db

# Said anew, by hand: the words of the design, cause by cause. (from, to) pairs; a star is any stage.
SAID = {
    "qualification": "SUBSCRIBER>MQL LEAD>MQL NURTURE>MQL",
    "date": "SUBSCRIBER>MQL LEAD>MQL NURTURE>MQL",
    "verdict": "MQL>SAL SQL>SAL SAL>SQL MQL>NURTURE SAL>NURTURE MQL>DISQUALIFIED SAL>DISQUALIFIED",
    "named date": "MQL>NURTURE SAL>NURTURE",
    "cooled": "MQL>SUBSCRIBER MQL>LEAD MQL>NURTURE SAL>SUBSCRIBER SAL>LEAD SAL>NURTURE",
    "withdrawn": "MQL>SUBSCRIBER MQL>LEAD MQL>NURTURE SAL>SUBSCRIBER SAL>LEAD SAL>NURTURE",
    "rule": "SUBSCRIBER>LEAD",
    "opened": "SUBSCRIBER>OPPORTUNITY LEAD>OPPORTUNITY MQL>OPPORTUNITY SAL>OPPORTUNITY SQL>OPPORTUNITY "
    "NURTURE>OPPORTUNITY",
    "lost": "SQL>NURTURE OPPORTUNITY>NURTURE",
}


@pytest.fixture
def make(now: datetime) -> Callable[..., Lead]:
    def one(stage: str = Stage.SUBSCRIBER, **fields: Any) -> Lead:
        return Lead.objects.create(stage=stage, stage_at=now, created_at=now, **fields)

    return one


@pytest.fixture
def rung() -> Iterator[list[dict[str, Any]]]:
    heard: list[dict[str, Any]] = []

    def hear(**kwargs: Any) -> None:
        heard.append(kwargs)

    stage_moved.connect(hear)
    yield heard
    stage_moved.disconnect(hear)


class TestMoving:
    def test_writes_stage_history_and_rings(self, make: Any, now: datetime, rung: list[dict[str, Any]]) -> None:
        lead = make(Stage.LEAD)
        person = User.objects.create_user("m@example.com", full_name="M")

        assert lifecycle.move(lead, Stage.MQL, cause="qualification", now=now, by=person, note="Hot") is True

        lead.refresh_from_db()
        assert (lead.stage, lead.stage_at) == (Stage.MQL, now)
        change = lead.stage_changes.get()
        assert (change.from_stage, change.to_stage, change.at, change.by, change.cause, change.note) == (
            "LEAD",
            "MQL",
            now,
            person,
            "qualification",
            "Hot",
        )
        (bell,) = rung
        assert (bell["from_stage"], bell["to_stage"], bell["cause"], bell["by"]) == (
            "LEAD",
            "MQL",
            "qualification",
            person,
        )

    def test_to_where_it_stands_changes_nothing(self, make: Any, now: datetime, rung: list[Any]) -> None:
        lead = make(Stage.NURTURE)
        assert lifecycle.move(lead, Stage.NURTURE, cause="verdict", now=now) is False
        assert not lead.stage_changes.exists()
        assert rung == []

    def test_never_runs_backwards_in_time(self, make: Any, now: datetime) -> None:
        lead = make(Stage.LEAD)
        lifecycle.move(lead, Stage.MQL, cause="qualification", now=now)
        lifecycle.move(lead, Stage.SAL, cause="verdict", now=now - timedelta(seconds=5))
        assert [change.at for change in lead.stage_changes.order_by("id")] == [now, now]

    def test_starts_from_what_the_database_says(self, make: Any, now: datetime) -> None:
        lead = make(Stage.LEAD)
        stale = Lead.objects.get(pk=lead.pk)
        lifecycle.move(lead, Stage.MQL, cause="qualification", now=now)
        lifecycle.move(stale, Stage.SAL, cause="verdict", now=now)
        assert list(lead.stage_changes.order_by("id").values_list("from_stage", "to_stage")) == [
            ("LEAD", "MQL"),
            ("MQL", "SAL"),
        ]

    def test_is_undone_by_a_receiver_that_fails(self, make: Any, now: datetime) -> None:
        lead = make(Stage.LEAD)

        def fail(**kwargs: Any) -> None:
            raise RuntimeError

        stage_moved.connect(fail)
        try:
            with pytest.raises(RuntimeError), transaction.atomic():
                lifecycle.move(lead, Stage.MQL, cause="qualification", now=now)
        finally:
            stage_moved.disconnect(fail)
        lead.refresh_from_db()
        assert lead.stage == Stage.LEAD
        assert not lead.stage_changes.exists()

    def test_refuses_a_word_that_moves_nothing(self, make: Any, now: datetime) -> None:
        with pytest.raises(ValueError, match="moves no stage"):
            lifecycle.move(make(), Stage.LEAD, cause="whim", now=now)

    def test_leaves_history_that_nobody_changes(self, make: Any, now: datetime) -> None:
        lead = make()
        lifecycle.move(lead, Stage.LEAD, cause="rule", now=now)
        with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
            StageChange.objects.filter(lead=lead).update(cause="import")

    @pytest.mark.parametrize("cause", SAID)
    def test_is_legal_exactly_where_the_design_says(self, cause: str, make: Any, now: datetime) -> None:
        said = {tuple(pair.split(">")) for pair in SAID[cause].split()}
        for origin in Stage:
            for target in Stage:
                if origin == target:
                    continue
                lead = make(origin)
                if (origin, target) in said:
                    assert lifecycle.move(lead, target, cause=cause, now=now)
                else:
                    with pytest.raises(IllegalMove):
                        lifecycle.move(lead, target, cause=cause, now=now)
                    lead.refresh_from_db()
                    assert lead.stage == origin

    def test_by_a_purchase_goes_from_any_stage_to_customer_and_nowhere_else(self, make: Any, now: datetime) -> None:
        for origin in Stage:
            for target in Stage:
                allowed = target == Stage.CUSTOMER
                assert lifecycle.may_move(origin, target, cause="purchase") is allowed

    @pytest.mark.parametrize("cause", ["undo", "reopen"])
    def test_by_undo_or_reopening_goes_back_to_an_open_matter_unless_a_deal_overtook_it(self, cause: str) -> None:
        for origin in Stage:
            for target in Stage:
                allowed = target in (Stage.MQL, Stage.SAL) and origin not in (Stage.OPPORTUNITY, Stage.CUSTOMER)
                # What a next owner gave back is theirs to answer again, where that is undone.
                allowed |= cause == "undo" and (origin, target) == (Stage.SAL, Stage.SQL)
                assert lifecycle.may_move(origin, target, cause=cause) is allowed

    def test_refuses_mql_and_sal_to_whatever_opens_no_episode(self, make: Any, now: datetime) -> None:
        for cause in ("rule", "import", "purchase", "opened", "lost", "cooled"):
            for target in (Stage.MQL, Stage.SAL):
                with pytest.raises(IllegalMove):
                    lifecycle.move(make(Stage.LEAD), target, cause=cause, now=now)


class TestImportingAStage:
    @pytest.mark.parametrize("given", [Stage.MQL, Stage.SAL])
    def test_takes_mql_and_sal_as_lead(self, given: str, make: Any, now: datetime) -> None:
        lead = make()
        assert lifecycle.import_stage(lead, given, now=now)
        assert lead.stage == Stage.LEAD
        assert lead.stage_changes.get().cause == "import"

    @pytest.mark.parametrize("given", sorted(set(Stage) - {Stage.MQL, Stage.SAL}))
    def test_sets_every_other_stage(self, given: str, make: Any, now: datetime) -> None:
        lead = make(Stage.SQL)
        assert lifecycle.import_stage(lead, given, now=now) is (given != Stage.SQL)
        assert lead.stage == given

    def test_leaves_a_lead_with_an_open_episode_to_sales(self, make: Any, now: datetime) -> None:
        lead = make(Stage.SAL)
        assert lifecycle.import_stage(lead, Stage.NURTURE, now=now) is False
        assert lead.stage == Stage.SAL

    def test_believes_a_purchase_also_then(self, make: Any, now: datetime) -> None:
        lead = make(Stage.SAL)
        assert lifecycle.import_stage(lead, Stage.CUSTOMER, now=now)
        assert lead.stage == Stage.CUSTOMER


class TestStageRules:
    @pytest.fixture
    def did(self, now: datetime) -> Callable[..., Activity]:
        source = Source.objects.create(name="Site", kind="server", write_key_hash="h")

        def one(lead: Lead, name: str, **properties: Any) -> Activity:
            kind, _ = ActivityType.objects.get_or_create(name=name, defaults={"first_seen_at": now})
            return Activity.objects.create(
                lead=lead,
                type=kind,
                occurred_at=now,
                received_at=now,
                known_at=now,
                properties=properties,
                source=source,
                message_id=name,
            )

        return one

    @pytest.mark.parametrize(
        ("name", "stage"),
        [
            ("Signed Up", "LEAD"),
            ("Account Created", "LEAD"),
            ("Opportunity Opened", "OPPORTUNITY"),
            ("Subscription Started", "CUSTOMER"),
            ("Order Completed", "CUSTOMER"),
        ],
    )
    def test_are_shipped_for_the_common_names(self, name: str, stage: str, make: Any, did: Any, now: datetime) -> None:
        lead = make()
        assert lifecycle.apply_stage_rules(lead, [did(lead, name)], now=now)
        assert lead.stage == stage

    def test_go_as_far_as_the_furthest_that_matches_in_one_move(self, make: Any, did: Any, now: datetime) -> None:
        lead = make()
        lifecycle.apply_stage_rules(lead, [did(lead, "Signed Up"), did(lead, "Order Completed")], now=now)
        change = lead.stage_changes.get()
        assert (change.from_stage, change.to_stage, change.cause, change.note) == (
            "SUBSCRIBER",
            "CUSTOMER",
            "purchase",
            "Ordered",
        )

    @pytest.mark.parametrize("stage", ["MQL", "SAL", "SQL", "OPPORTUNITY", "CUSTOMER", "NURTURE", "DISQUALIFIED"])
    def test_never_move_backwards(self, stage: str, make: Any, did: Any, now: datetime) -> None:
        lead = make(stage)
        assert lifecycle.apply_stage_rules(lead, [did(lead, "Signed Up")], now=now) is False
        assert lead.stage == stage

    @pytest.mark.parametrize("stage", ["DISQUALIFIED", "CUSTOMER"])
    def test_open_no_deal_with_the_disqualified_or_a_customer(
        self, stage: str, make: Any, did: Any, now: datetime
    ) -> None:
        lead = make(stage)
        assert lifecycle.apply_stage_rules(lead, [did(lead, "Opportunity Opened")], now=now) is False

    def test_ask_their_condition_of_the_activity(self, make: Any, did: Any, now: datetime) -> None:
        StageRule.objects.create(
            name="Big order",
            activity="Invoice Paid",
            to_stage="CUSTOMER",
            condition={"field": "property.total", "op": "gte", "value": 100},
        )
        lead = make()
        assert lifecycle.apply_stage_rules(lead, [did(lead, "Invoice Paid", total=99)], now=now) is False
        assert lifecycle.apply_stage_rules(lead, [did(lead, "Invoice Paid", total="100")], now=now) is True

    def test_that_cannot_be_read_hold_for_nothing(self, make: Any, did: Any, now: datetime) -> None:
        StageRule.objects.create(name="Broken", activity="Ping", to_stage="CUSTOMER", condition={"fjeld": 1})
        lead = make()
        assert lifecycle.apply_stage_rules(lead, [did(lead, "Ping")], now=now) is False

    def test_count_only_while_active(self, make: Any, did: Any, now: datetime) -> None:
        StageRule.objects.filter(activity="Signed Up").update(is_active=False)
        lead = make()
        assert lifecycle.apply_stage_rules(lead, [did(lead, "Signed Up")], now=now) is False

    def test_are_read_once_for_a_batch(
        self, make: Any, did: Any, now: datetime, django_assert_num_queries: Any
    ) -> None:
        lead, rules = make(), lifecycle.active_rules()
        visit = did(lead, "Visited Pricing Page")
        with django_assert_num_queries(0):
            assert lifecycle.apply_stage_rules(lead, [visit], now=now, rules=rules) is False

    def test_stay_as_people_left_them_when_shipped_again(self) -> None:
        StageRule.objects.filter(activity="Signed Up").update(name="Ours", to_stage="OPPORTUNITY", is_active=False)
        before = list(StageRule.objects.order_by("id").values())
        lifecycle.ship_rules()
        assert list(StageRule.objects.order_by("id").values()) == before
