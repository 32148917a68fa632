"""Rules that no lead can meet are refused; those behind others that catch everything are warned of, wherever seen."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from leads.errors import Invalid
from leads.models import Role
from sla import matching, publishing
from sla.models import Policy, PolicyVersion, RoutingRule
from tests import desk
from tests.admin.pages import address, errors_of, post, signed_in

pytestmark = pytest.mark.django_db

GERMANY = {"field": "lead.country", "op": "is", "value": "DE"}
FRANCE = {"field": "lead.country", "op": "is", "value": "FR"}
BIG = {"field": "account.employees", "op": "gt", "value": 500}
SMALL = {"field": "account.employees", "op": "lt", "value": 100}
LUKEWARM = {"field": "episode.tier", "op": "in", "value": ["lukewarm"]}
HOLD = RoutingRule.IfNobody.HOLD


@pytest.fixture
def house(now: datetime) -> desk.Company:
    made = desk.company(now)
    RoutingRule.objects.update(is_active=False)
    return made


def rule(house: desk.Company, name: str, *, position: int, now: datetime, **fields: Any) -> RoutingRule:
    row = RoutingRule(name=name, position=position, team=house.team, **fields)
    return publishing.put(row, why="As agreed", now=now, by=None)


class TestWhatNoLeadCanMeet:
    @pytest.mark.parametrize(
        ("condition", "told"),
        [
            (
                {"all": [GERMANY, FRANCE]},
                "“country is de and country is fr” never holds. Take a part of it out, or put",
            ),
            ({"all": [BIG, SMALL]}, "“employees is more than 500 and employees is less than 100” never holds"),
            (LUKEWARM, "“tier is one of lukewarm” never holds. Tier is one of hot, warm, cool."),
            ({"any": []}, "“never” never holds"),
        ],
    )
    def test_is_refused_by_every_door(self, condition: Any, told: str, house: desk.Company, now: datetime) -> None:
        with pytest.raises(Invalid, match=told) as refused:
            rule(house, "Nobody", position=1, now=now, condition=condition)
        assert refused.value.state["field"] == "condition"
        draft = publishing.draft_policy(house.policy.policy)
        PolicyVersion.objects.filter(pk=draft.pk).update(condition=condition)
        with pytest.raises(Invalid, match=told) as refused:
            publishing.publish_policy(draft, now=now, by=None)
        assert refused.value.state["field"] == "condition"

    def test_stands_at_its_box_in_the_admin(self, house: desk.Company, now: datetime) -> None:
        boss, made = signed_in(Role.ADMIN), rule(house, "Germany", position=1, now=now, condition=GERMANY)
        torn = {
            "condition_0": "",
            "condition_1": "",
            "condition_2": "",
            "condition_3": json.dumps({"all": [GERMANY, FRANCE]}),
        }
        response = post(boss, address(RoutingRule, "change", made.pk), **torn)
        assert "never holds" in errors_of(response)["condition"][0]
        draft = publishing.draft_policy(house.policy.policy)
        response = post(boss, address(PolicyVersion, "change", draft.pk), **torn)
        assert "never holds" in errors_of(response)["condition"][0]

    def test_can_be_taken_out_of_use(self, house: desk.Company, now: datetime) -> None:
        made = rule(house, "Germany", position=1, now=now, condition=GERMANY)
        RoutingRule.objects.filter(pk=made.pk).update(condition=LUKEWARM)
        made.refresh_from_db()
        made.is_active = False
        assert not publishing.put(made, why="It never held", now=now, by=None).is_active

    def test_is_told_apart_from_every_value_that_a_list_has(self) -> None:
        for field, values in matching.DOMAINS.items():
            for value in filter(None, values):
                matching.check({"field": field, "op": "is", "value": value})


class TestThoseBehindOthers:
    def test_are_never_reached_behind_a_rule_that_keeps_its_leads(self, house: desk.Company, now: datetime) -> None:
        rule(house, "All", position=1, now=now, if_nobody=HOLD)
        rule(house, "Germany", position=2, now=now, condition=GERMANY)
        (each,) = publishing.rules_behind()
        assert each.told == (
            "“Germany” is never reached: “All” stands before it and catches everything it could. "
            "Move it up, or narrow “All”."
        )

    def test_are_a_way_out_behind_a_rule_that_passes_leads_on(self, house: desk.Company, now: datetime) -> None:
        rule(house, "All", position=1, now=now)
        rule(house, "Germany", position=2, now=now, condition=GERMANY)
        (each,) = publishing.rules_behind()
        assert each.is_reached
        assert "is asked only when nobody can take the lead" in each.told

    def test_name_those_that_catch_everything_together(self, house: desk.Company, now: datetime) -> None:
        for position, tier in enumerate(("hot", "cool", "warm")):
            condition = {"field": "episode.tier", "op": "is", "value": tier}
            rule(house, tier, position=position, now=now, condition=condition, if_nobody=HOLD)
        rule(house, "Rest", position=9, now=now)
        (each,) = publishing.rules_behind()
        assert "“hot”, “cool” and “warm” stand before it and together catch everything" in each.told

    def test_are_none_where_each_gets_something(self, house: desk.Company, now: datetime) -> None:
        rule(house, "Germany", position=1, now=now, condition=GERMANY, if_nobody=HOLD)
        rule(house, "Big", position=2, now=now, condition=BIG, if_nobody=HOLD)
        rule(house, "All", position=3, now=now)
        assert publishing.rules_behind() == []

    def test_are_not_cast_by_what_is_out_of_use_or_unreadable(self, house: desk.Company, now: datetime) -> None:
        rule(house, "All", position=1, now=now, is_active=False)
        odd = rule(house, "Odd", position=2, now=now)
        RoutingRule.objects.filter(pk=odd.pk).update(condition={"field": "lead.land", "op": "is", "value": "x"})
        rule(house, "Germany", position=3, now=now, condition=GERMANY)
        assert publishing.rules_behind() == []

    def test_are_found_among_policies_in_force(self, house: desk.Company) -> None:
        behind = Policy.objects.create(name="Behind", position=99)
        PolicyVersion.objects.create(policy=behind, number=1, state="published", condition=GERMANY)
        PolicyVersion.objects.create(policy=behind, number=2, state="draft", condition={})
        found = {str(each.row): [str(one) for one in each.behind] for each in publishing.policies_behind()}
        assert found["Behind"] == [str(house.policy.policy)]

    def test_are_seen_in_the_list_and_told_on_saving(self, house: desk.Company, now: datetime) -> None:
        boss = signed_in(Role.ADMIN)
        rule(house, "<b>All</b>", position=1, now=now, if_nobody=HOLD)
        made = rule(house, "Germany", position=2, now=now, condition=GERMANY)
        shown = boss.get(address(RoutingRule, "changelist")).content.decode()
        assert "“Germany” is never reached: “&lt;b&gt;All&lt;/b&gt;” stands before it" in shown
        assert "<b>All" not in shown
        saved = post(boss, address(RoutingRule, "change", made.pk), name="Germany and more")
        assert saved.status_code == 302
        assert "“Germany and more” is never reached" in boss.get(saved.url).content.decode()

    def test_cost_the_list_no_question_a_rule(
        self, house: desk.Company, now: datetime, django_assert_max_num_queries: Any
    ) -> None:
        boss = signed_in(Role.ADMIN)
        for number in range(12):
            rule(house, f"Rule {number}", position=number, now=now)
        boss.get(address(RoutingRule, "changelist"))
        with django_assert_max_num_queries(14):
            boss.get(address(RoutingRule, "changelist"))
