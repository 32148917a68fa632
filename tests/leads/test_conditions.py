"""The condition language: what each operator means, what is refused, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.conditions import (
    ConditionError,
    Sql,
    certain,
    compile,
    fields_of,
    literal_resolver,
    possible,
    sentence,
    unset,
    validate,
)
from tests import conditions_oracle as oracle


def ask(predicate: Sql) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {predicate.text}", predicate.params)
        return cursor.fetchone()[0]


def leaf(op: str, value: Any = None, field: str = "trait.x") -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


# (operator, its value, the field's value, does it hold)
TABLE = [
    ("is", "Director", " DIRECTOR\t", True),
    ("is", "É", "é", False),  # only ASCII letters fold
    ("is", "5", 5, True),
    ("is", 5, "5.00", True),
    ("is", 5, "1e1", False),
    ("is", True, True, True),
    ("is", "", "", True),
    ("is", "x", None, False),
    ("is_not", "x", None, True),  # unknown is not unfit
    ("is", "x", ["x"], False),
    ("in", ["a", 5, False], "5", True),
    ("not_in", ["a", "b"], None, True),
    ("contains", "%", "5 %", True),
    ("contains", "_", "abc", False),
    ("not_contains", "a", None, True),
    ("starts_with", "he", "Head of Sales", True),
    ("ends_with", "SALES", "Head of Sales", True),
    ("not_ends_with", "x", "Head of Sales", True),
    ("gte", 5, 5, True),
    ("gt", 5, 5, False),
    ("lt", "5.5", " 5.25 ", True),
    ("lte", 5, "five", False),
    ("lte", 5, "1" * 41, False),
    ("lte", 5, None, False),
    ("between", [50, 250], 250, True),
    ("not_between", [50, 250], 251, True),
    ("not_between", [50, 250], "many", False),  # not a number
    ("gte", 0, True, False),
    ("is_set", None, "", True),
    ("is_set", None, None, False),
    ("is_not_set", None, None, True),
]


@pytest.mark.django_db
class TestAnOperator:
    @pytest.mark.parametrize(("op", "wanted", "value", "holds"), TABLE)
    def test_means(self, op: str, wanted: Any, value: Any, holds: bool) -> None:
        condition = leaf(op, wanted)
        assert ask(compile(condition, literal_resolver({"trait": {"x": value}}))) is holds
        assert ask(compile({"not": condition}, literal_resolver({"trait": {"x": value}}))) is not holds

    def test_keeps_hostile_values_inert(self) -> None:
        value = "'; DROP TABLE leads_lead; -- %s"
        assert ask(compile(leaf("is", value), literal_resolver({"trait": {"x": value}}))) is True

    def test_reads_a_path_inside_properties(self) -> None:
        values = literal_resolver({"property": {"order": {"total": 12}}})
        assert ask(compile(leaf("gt", 10, "property.order.total"), values)) is True
        assert ask(compile(leaf("is_set", None, "property.order.none.deep"), values)) is False


@pytest.mark.django_db
class TestTogether:
    def test_nothing_is_always_true(self) -> None:
        assert ask(compile({}, literal_resolver({}))) is True
        assert ask(compile({"any": []}, literal_resolver({}))) is False

    SCALARS = [None, "", " Pro ", "pro", 5, 5.0, 2.5, -3, "5", "5.50", "abc", True, [1], {"a": 1}]
    LEAVES = st.one_of(
        st.builds(
            leaf, st.sampled_from(["is", "is_not"]), st.sampled_from(["Pro", "", 5, 2.5, True]), st.just("trait.x")
        ),
        st.builds(
            leaf, st.sampled_from(["gte", "lt"]), st.sampled_from([5, "2.5"]), st.sampled_from(["trait.x", "trait.y"])
        ),
        st.builds(leaf, st.sampled_from(["contains", "not_starts_with"]), st.just("p"), st.just("trait.y")),
        st.builds(leaf, st.sampled_from(["is_set", "is_not_set"]), st.none(), st.just("trait.y")),
    )
    CONDITIONS = st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
            st.fixed_dictionaries({"any": st.lists(inner, max_size=3)}),
            st.fixed_dictionaries({"not": inner}),
        ),
        max_leaves=6,
    )

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(condition=CONDITIONS, x=st.sampled_from(SCALARS), y=st.sampled_from(SCALARS))
    def test_agrees_with_its_twin(self, condition: dict[str, Any], x: Any, y: Any) -> None:
        resolver = literal_resolver({"trait": {"x": x, "y": y}})
        values = {"trait.x": x, "trait.y": y}.get
        assert ask(compile(condition, resolver)) == oracle.holds(condition, values)
        assert ask(possible(condition, resolver)) == oracle.could(condition, values, unset=True)
        assert ask(certain(condition, resolver)) == oracle.could(condition, values, unset=False)
        expected = [name for name in dict.fromkeys(oracle.fields(condition)) if values(name) is None]
        assert ask(unset(condition, resolver)) == expected


class TestRefusals:
    @pytest.mark.parametrize(
        "condition",
        [
            None,
            [],
            "x",
            {"some": []},
            {"all": {}},
            {"all": [], "any": []},
            {"not": []},
            {"field": "trait.x"},
            {"field": "trait.x", "op": "like", "value": "x"},
            {"field": "", "op": "is_set"},
            {"field": "trait..x", "op": "is_set"},
            {"field": "trait.x", "op": "is_set", "value": 1},
            {"field": "trait.x", "op": "in", "value": []},
            {"field": "trait.x", "op": "is", "value": None},
            {"field": "trait.x", "op": "is", "value": float("nan")},
            {"field": "trait.x", "op": "is", "value": "a\x00"},
            {"field": "trait.x", "op": "contains", "value": " "},
            {"field": "trait.x", "op": "between", "value": [5, 1]},
            {"field": "trait.x", "op": "gte", "value": "1e5"},
            {"field": "trait.x", "op": "is", "value": 1, "also": 2},
        ],
    )
    def test_say_what_is_wrong(self, condition: Any) -> None:
        with pytest.raises(ConditionError, match=r"\w"):
            fields_of(condition)

    def test_too_deep(self) -> None:
        condition: dict[str, Any] = {}
        for _ in range(1000):
            condition = {"not": condition}
        with pytest.raises(ConditionError, match="nested"):
            fields_of(condition)

    def test_an_unknown_field_names_the_near_ones(self) -> None:
        with pytest.raises(ConditionError, match=r"lead\.senority.*lead\.seniority"):
            validate(leaf("is", "x", "lead.senority"), ["lead.seniority", "trait.*"])
        validate(leaf("is", "x", "trait.anything"), ["lead.seniority", "trait.*"])


class TestASentence:
    def test_is_plain_english(self) -> None:
        condition = {
            "all": [
                leaf("in", ["director", "vp"], "lead.seniority"),
                {"any": [leaf("is_not_set", None, "lead.country"), leaf("between", [50, 250.5], "account.employees")]},
            ]
        }
        said = sentence(condition, {"account.employees": "number of employees"})
        assert said == (
            "seniority is one of director, vp and (country is not set or number of employees is between 50 and 250.5)"
        )
        assert sentence({}) == "always"
