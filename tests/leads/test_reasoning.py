"""What can never hold, and what others always catch: tables, and properties against brute force over small worlds."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.conditions import contradiction, covered_by
from leads.conditions.grammar import OPERATORS, parse
from leads.conditions.sentences import say
from tests.conditions_oracle import holds

TIER = {"e.tier": ["hot", "warm", "cool"], "e.seniority": ["vp", None]}


def leaf(op: str, value: Any = None, field: str = "a.country") -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def every(*parts: Any) -> dict[str, Any]:
    return {"all": list(parts)}


def some(*parts: Any) -> dict[str, Any]:
    return {"any": list(parts)}


def no(part: Any) -> dict[str, Any]:
    return {"not": part}


EMPLOYEES = "a.employees"
NEVER = [
    (every(leaf("is", "DE"), leaf("is", "FR")), "country is de and country is fr"),
    (
        every(leaf("in", ["DE", "AT"]), leaf("in", ["FR", "CH"])),
        "country is one of de, at and country is one of fr, ch",
    ),
    (every(leaf("is", "DE"), leaf("is_not", " de ")), "country is de and country is not de"),
    (every(leaf("is", "DE"), leaf("is_not_set")), "country is de and country is not set"),
    (every(leaf("gt", 500, EMPLOYEES), leaf("lt", 100, EMPLOYEES)), "employees is more than 500 and employees is less"),
    (every(leaf("gt", 5, EMPLOYEES), leaf("lte", "5.0", EMPLOYEES)), "employees is more than 5"),
    (every(leaf("between", [1, 9], EMPLOYEES), leaf("not_between", [0, 10], EMPLOYEES)), "is between 1 and 9"),
    (every(leaf("gte", 7, EMPLOYEES), leaf("lte", 7, EMPLOYEES), leaf("is_not", 7, EMPLOYEES)), "employees is not 7"),
    (every(leaf("is", 7, EMPLOYEES), leaf("gt", 9, EMPLOYEES)), "employees is 7 and employees is more than 9"),
    (every(leaf("is", "DE", EMPLOYEES), leaf("gte", 0, EMPLOYEES)), "employees is de and employees is at least 0"),
    (every(leaf("gte", 0, EMPLOYEES), leaf("is_not_set", field=EMPLOYEES)), "is not set"),
    (every(leaf("starts_with", "ab"), leaf("starts_with", "b")), "starts with ab and country starts with b"),
    (every(leaf("ends_with", "ab"), leaf("ends_with", "a")), "ends with ab and country ends with a"),
    (every(leaf("contains", "abc"), leaf("not_contains", "b")), "contains abc and country does not contain b"),
    (every(leaf("starts_with", "abc"), leaf("not_starts_with", "ab")), "does not start with ab"),
    (every(leaf("ends_with", "abc"), leaf("not_ends_with", "bc")), "does not end with bc"),
    (every(leaf("is", "abc"), leaf("contains", "x")), "country is abc and country contains x"),
    (every(leaf("is", "DE"), some(leaf("is", "FR"), leaf("gt", 5))), "country is de and (country is fr or"),
    (every(leaf("is", "x", "a.b"), leaf("is", "DE"), leaf("is", "FR")), "country is de and country is fr"),
    (every(leaf("is", "DE"), no(leaf("in", ["DE", "FR"]))), "not (country is one of de, fr)"),
    (no(some(leaf("is", "DE"), leaf("is_not", "DE"))), "not (country is de or country is not de)"),
    (no({}), "not (always)"),
    (some(), "never"),
    (every(some(), leaf("is", "DE")), "never"),
    (leaf("is", "hott", "e.tier"), "tier is hott"),
    (leaf("not_in", ["hot", "warm", "cool"], "e.tier"), "tier is none of hot, warm, cool"),
    (leaf("is_not_set", field="e.tier"), "tier is not set"),
    (every(leaf("is_not", "vp", "e.seniority"), leaf("is_set", field="e.seniority")), "seniority"),
]
COULD = [
    {},
    leaf("is", "DE"),
    some(leaf("is", "DE"), leaf("is", "FR")),
    every(leaf("is_not", "DE"), leaf("is_not_set")),
    every(leaf("is", "7"), leaf("gte", 7)),
    every(leaf("is", "5"), leaf("is", 5)),
    every(leaf("is", 5), leaf("is", "5.0")),
    every(leaf("is", 5), leaf("starts_with", "0")),  # "05" is the number 5
    every(leaf("gt", 1, EMPLOYEES), leaf("lt", 2, EMPLOYEES)),
    every(leaf("not_between", [1, 9], EMPLOYEES), leaf("is_not", 0, EMPLOYEES)),
    every(no(leaf("gte", 5, EMPLOYEES)), no(leaf("lt", 5, EMPLOYEES))),  # who has no number
    every(leaf("contains", "a"), no(leaf("gte", 5)), no(leaf("lt", 5))),
    every(leaf("is_set"), leaf("is_not", ""), no(leaf("contains", "a"))),
    every(leaf("starts_with", "a"), leaf("starts_with", "ab"), leaf("ends_with", "b")),
    every(leaf("in", ["hot", "hott"], "e.tier"), leaf("is_not", "warm", "e.tier")),
    leaf("is_not_set", field="e.seniority"),
    every(leaf("is", "9" * 50), leaf("gt", 5)),  # longer than any text counts as a number, but a number may be
    every(*(some(leaf("is", str(each), f"a.f{each}"), leaf("is", "x", f"a.g{each}")) for each in range(60))),
]


class TestContradiction:
    @pytest.mark.parametrize(("condition", "told"), NEVER)
    def test_names_the_part_that_never_holds(self, condition: Any, told: str) -> None:
        assert told in contradiction(condition, TIER)

    @pytest.mark.parametrize("condition", COULD)
    def test_lets_everything_be_that_could_hold(self, condition: Any) -> None:
        assert contradiction(condition, TIER) == ""

    def test_leaves_out_what_has_no_part_in_it(self) -> None:
        others = [leaf("is_set", field=f"a.f{number}") for number in range(5)]
        told = contradiction(every(*others, leaf("is", "DE"), leaf("is", "FR")))
        assert told == "country is de and country is fr"

    def test_gives_up_in_favor_of_the_condition(self) -> None:
        free = [some(leaf("is", "x", f"a.f{number}"), leaf("is", "x", f"a.g{number}")) for number in range(40)]
        torn = [every(leaf("is", f"{number}"), leaf("is", f"not {number}")) for number in range(3)]
        assert contradiction(some(*torn)) != ""
        assert contradiction(every(*free, some(*torn))) == "", "true, but too long a way to it"


class TestCoveredBy:
    @pytest.mark.parametrize(
        ("condition", "earlier", "behind"),
        [
            (leaf("is", "DE"), [{}], [0]),
            ({}, [leaf("is", "DE")], []),
            (leaf("is", "DE"), [leaf("is", "FR"), leaf("in", ["DE", "AT"])], [1]),
            (leaf("in", ["DE", "AT"]), [leaf("is", "DE"), leaf("is", "AT")], [0, 1]),
            (leaf("in", ["DE", "AT"]), [leaf("is", "DE"), leaf("is", "FR")], []),
            (leaf("gte", 500, EMPLOYEES), [leaf("gte", 100, EMPLOYEES)], [0]),
            (leaf("gte", 100, EMPLOYEES), [leaf("gte", 500, EMPLOYEES)], []),
            (every(leaf("is", "DE"), leaf("is_set", field="a.b")), [leaf("is", "DE")], [0]),
            (leaf("is", "DE"), [some(leaf("is", "DE"), leaf("is", "x", "a.b"))], [0]),
            ({}, [leaf("is", "hot", "e.tier"), leaf("is", "x"), leaf("is_not", "hot", "e.tier")], [0, 2]),
            ({}, [leaf("is", "hot", "e.tier"), leaf("is", "warm", "e.tier")], []),
            ({}, [leaf("in", ["hot", "warm", "cool"], "e.tier")], [0]),
            ({}, [leaf("gte", 5, EMPLOYEES), leaf("lt", 5, EMPLOYEES)], []),  # who has no number is caught by none
            (leaf("is", "DE"), [], []),
        ],
    )
    def test_names_those_that_catch_all_of_it(self, condition: Any, earlier: list[Any], behind: list[int]) -> None:
        assert covered_by(condition, earlier, TIER) == behind


VALUES: list[Any] = [
    None,
    "",
    "a",
    "ab",
    "b",
    "5",
    "5.0",
    "05",
    " A ",
    5,
    5.0,
    4,
    4.5,
    6,
    True,
    "true",
    [],
    {"a": 1},
    "ba",
]
WANTED = st.sampled_from(["a", "ab", "b", "5", "5.0", 5, 4.5, 6, "", True])
NUMBERS = st.sampled_from([4, 4.5, 5, 6, "5"])
FIELDS = ("a.x", "a.y")


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    op, field = draw(st.sampled_from(sorted(OPERATORS))), draw(st.sampled_from(FIELDS))
    if op in ("is_set", "is_not_set"):
        return leaf(op, field=field)
    if op in ("in", "not_in"):
        return leaf(op, draw(st.lists(WANTED, min_size=1, max_size=3)), field)
    if op in ("between", "not_between"):
        return leaf(op, sorted(draw(st.tuples(NUMBERS, NUMBERS)), key=float), field)
    if op in ("gte", "gt", "lte", "lt"):
        return leaf(op, draw(NUMBERS), field)
    if op in ("is", "is_not"):
        return {"field": field, "op": op, "value": draw(WANTED)}
    return leaf(op, draw(st.sampled_from(["a", "ab", "b", "5", "0"])), field)


CONDITIONS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: {"all": parts}),
        st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=8,
)
WORLDS = [dict(zip(FIELDS, pair, strict=True)) for pair in itertools.product(VALUES, repeat=2)]


class TestAgainstBruteForce:
    @settings(max_examples=400, deadline=None)
    @given(CONDITIONS)
    def test_never_calls_impossible_what_some_world_meets(self, condition: Any) -> None:
        met = next((world for world in WORLDS if holds(condition, world.get)), None)
        assert met is None or contradiction(condition) == "", (say(parse(condition)), met)

    @settings(max_examples=250, deadline=None)
    @given(CONDITIONS, st.lists(CONDITIONS, max_size=3))
    def test_never_calls_covered_what_some_world_slips_through(self, condition: Any, earlier: list[Any]) -> None:
        behind = covered_by(condition, earlier)
        if behind:
            slipped = [
                world
                for world in WORLDS
                if holds(condition, world.get) and not any(holds(earlier[place], world.get) for place in behind)
            ]
            assert not slipped

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(["is", "is_not"]), st.sampled_from("abcd")), min_size=1, max_size=5))
    def test_finds_every_contradiction_among_listed_values(self, literals: list[tuple[str, str]]) -> None:
        condition = every(*(leaf(op, text, "a.x") for op, text in literals))
        domain: list[str | None] = ["a", "b", "c"]
        possible = any(holds(condition, {"a.x": each}.get) for each in domain)
        assert (contradiction(condition, {"a.x": domain}) == "") is possible
