"""The classic cases, on the demo company's criteria: whoever reads the criteria can foretell each of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from scoring.compiler import CriterionSpec, Facts, VersionSpec, problems
from tests.scoring import rows
from tests.scoring.oracle import Act, Change, History, Rest

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def did(key: str, name: str, points: int, **more: Any) -> CriterionSpec:
    return CriterionSpec(key=key, axis="engagement", points=points * 1000, activities=(name,), **more)


def is_a(key: str, points: int, field: str, op: str, value: Any, **more: Any) -> CriterionSpec:
    condition = {"field": field, "op": op, "value": value}
    return CriterionSpec(key=key, axis="fit", points=points * 1000, condition=condition, **more)


COMPANY = VersionSpec(
    criteria=(
        did("demo", "Requested Demo", 25, is_hand_raise=True, hand_raise_fit_min=0),
        did("contact", "Contacted Us", 0, is_hand_raise=True, hand_raise_fit_min=0),
        did("pricing", "Visited Pricing Page", 15, at_least=Decimal(3)),
        did("trial", "Started Free Trial", 30),
        did("case_study", "Downloaded Case Study", 10),
        did("webinar", "Attended Webinar", 10),
        did("newsletter", "Subscribed to Newsletter", 5),
        did("careers", "Visited Careers Page", -20),
        did("unsubscribed", "Unsubscribed", -25),
        is_a("senior", 15, "lead.seniority", "in", ["owner", "c_level", "vp", "director"]),
        is_a("size", 10, "account.employees", "between", [50, 250]),
        is_a("student", -50, "lead.domain_kind", "is", "student"),
    ),
    fit_min=10_000,
    engagement_min=30_000,
    total_min=60_000,
    hot_min=90_000,
    warm_min=75_000,
)


def lead(*activities: str, **attributes: Any) -> History:
    acts = [
        Act(number, name, NOW - timedelta(minutes=len(activities) - number), NOW - timedelta(minutes=1))
        for number, name in enumerate(activities, 1)
    ]
    employees = attributes.pop("employees", None)
    changes = [Change(name, value, NOW - DAY) for name, value in attributes.items()]
    company = [Change("employees", employees, NOW - DAY)]
    return History(1, NOW - DAY, acts, [*changes, Change("account", 9, NOW - DAY)], accounts={9: company})


def judge(history: History, version: VersionSpec = COMPANY, at: datetime = NOW) -> dict[str, Any]:
    names = sorted(version.activity_names | {act.type for act in history.acts})
    type_ids = rows.types(names, NOW)
    rows.write([history], type_ids, NOW)
    present = rows.judge(version, type_ids, at, Facts.PRESENT)[1]
    past = rows.judge(version, type_ids, at, Facts.PAST)[1]
    assert present == past
    return present


class TestTheClassicCases:
    def test_criteria_are_in_order(self) -> None:
        assert problems(COMPANY) == []

    def test_a_ceo_with_one_visit_is_no_mql(self) -> None:
        found = judge(lead("Visited Pricing Page", seniority="c_level", employees=120))
        assert (found["meets"], found["fit"], found["engagement"]) == (False, 25_000, 0)
        assert found["missing"] == []

    def test_an_intern_with_every_whitepaper_is_none(self) -> None:
        paper = did("paper", "Downloaded Whitepaper", 10, mode="per_occurrence")
        version = replace(COMPANY, criteria=(*COMPANY.criteria, paper))
        found = judge(lead(*["Downloaded Whitepaper"] * 20, seniority="intern", employees=5000), version)
        assert (found["meets"], found["total"]) == (False, 200_000)

    def test_a_director_who_asks_for_a_demo_is_one_in_the_fast_lane(self) -> None:
        found = judge(lead("Requested Demo", seniority="director"))
        assert (found["meets"], found["hand_raised"], found["tier"]) == (True, "demo", "hot")
        assert found["is_cooled"] is False

    def test_a_stranger_who_asks_for_a_demo_is_one(self) -> None:
        assert judge(lead("Contacted Us"))["hand_raised"] == "contact"

    def test_a_student_who_asks_for_a_demo_is_none(self) -> None:
        found = judge(lead("Requested Demo", domain_kind="student"))
        assert (found["meets"], found["hand_raised"]) == (False, "")

    def test_a_trial_with_three_looks_at_the_price_is_warm(self) -> None:
        pricing = ["Visited Pricing Page"] * 3
        found = judge(lead(*pricing, "Started Free Trial", "Attended Webinar", seniority="vp", employees=60))
        assert (found["meets"], found["total"], found["tier"]) == (True, 80_000, "warm")

    def test_two_looks_at_the_price_give_nothing(self) -> None:
        found = judge(lead(*["Visited Pricing Page"] * 2, "Started Free Trial"))
        assert found["shares"]["pricing"] == 0

    def test_who_is_unknown_stands_in_needs_data_with_what_is_missing(self) -> None:
        found = judge(lead(*["Visited Pricing Page"] * 3, "Started Free Trial"))
        assert found["missing"] == ["account.employees", "lead.seniority"]

    def test_what_is_known_to_be_unfit_is_not_missing(self) -> None:
        found = judge(lead(*["Visited Pricing Page"] * 3, "Started Free Trial", seniority="intern", employees=10))
        assert found["missing"] == []

    def test_spent_evidence_gives_nothing_and_negatives_outlive_it(self) -> None:
        history = lead("Started Free Trial", "Unsubscribed", "Attended Webinar", seniority="vp")
        history.rests = [Rest(NOW - timedelta(minutes=1, seconds=30), None, NOW - timedelta(minutes=1, seconds=30))]
        found = judge(history)
        assert (found["engagement"], found["engagement_ever"]) == (-15_000, 15_000)
        assert found["evidence_at"] == NOW - timedelta(minutes=0)

    def test_the_window_is_open_at_its_far_edge(self) -> None:
        version = VersionSpec(criteria=(did("trial", "Started Free Trial", 30, within=60),))
        history = lead("Started Free Trial")
        history.acts[0].occurred_at = NOW - timedelta(seconds=60)
        assert judge(history, version)["engagement"] == 0

    def test_what_was_not_yet_known_does_not_count(self) -> None:
        history = lead("Started Free Trial")
        history.acts[0].known_at = NOW + DAY
        assert judge(history)["engagement"] == 0
