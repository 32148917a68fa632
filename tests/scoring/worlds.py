"""Random versions, histories and moments, on a coarse grid of times so that edges and ties come up often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from scoring.compiler import CriterionSpec, GridCell, VersionSpec
from tests.scoring.oracle import Act, Change, History, Rest

# Two days before the clocks of Berlin go forward.
START = datetime(2026, 3, 27, 6, 0, tzinfo=UTC)
STEP = 600
LENGTH = 700
END = START + timedelta(seconds=STEP * LENGTH + 5 * 86_400)
TYPES = ("Visited Pricing Page", "Requested Demo", "Unsubscribed", "Attended Webinar")
UNSEEN = "Never Seen"

VALUES: list[Any] = [
    None,
    "",
    "Pro",
    " pro\t",
    "basic",
    "Äpfel",
    5,
    5.0,
    2.5,
    -3,
    "5",
    "5.50",
    "1e3",
    True,
    [1],
    {"a": 1},
]
PROPERTIES = ("plan", "amount", "order.total")
FIELDS: dict[str, list[Any]] = {
    "lead.title": [None, "", "CEO", "ceo ", "Intern", "Head of Sales"],
    "lead.seniority": [None, "c_level", "director", "intern"],
    "lead.domain_kind": [None, "company", "student"],
    "lead.country": [None, "DE", "de", "FR"],
    "lead.email_permission": [None, "granted", "refused"],
    "account.employees": [None, 0, 50, 120, 250, 1000],
    "account.industry": [None, "", "Software"],
    "trait.plan": VALUES,
    "account_trait.seats": VALUES,
}

points = st.integers(-40, 60).map(lambda n: n * 500)
caps = st.none() | st.integers(0, 60).map(lambda n: n * 500)
moments = st.builds(
    lambda k, micro: START + timedelta(seconds=k * STEP, microseconds=micro),
    st.integers(0, LENGTH),
    st.sampled_from([0, 0, 0, 0, 1, 499_999]),
)
lengths = st.sampled_from([STEP, 1800, 3600, 86_400, 3 * 86_400, 300 * 86_400])


@st.composite
def leaves(draw: st.DrawFn, names: tuple[str, ...], pool: dict[str, list[Any]]) -> dict[str, Any]:
    name = draw(st.sampled_from(names))
    scalars = [v for v in pool[name] if isinstance(v, str | int | float)] or ["x"]
    op = draw(
        st.sampled_from(
            ["is", "is_not", "in", "not_in", "contains", "not_contains", "starts_with", "not_starts_with", "ends_with"]
            + ["not_ends_with", "gte", "lte", "gt", "lt", "between", "not_between", "is_set", "is_not_set"]
        )
    )
    leaf: dict[str, Any] = {"field": name, "op": op}
    if op in ("is", "is_not"):
        leaf["value"] = draw(st.sampled_from(scalars))
    elif op in ("in", "not_in"):
        leaf["value"] = draw(st.lists(st.sampled_from(scalars), min_size=1, max_size=3))
    elif "with" in op or "contains" in op:
        leaf["value"] = draw(st.sampled_from(["P", "ro", "e", "ceo", "Ä", "5", "50", "%", "_"]))
    elif "between" in op:
        leaf["value"] = sorted(draw(st.lists(st.sampled_from([-3, 2.5, 5, 50, 250]), min_size=2, max_size=2)))
    elif op not in ("is_set", "is_not_set"):
        leaf["value"] = draw(st.sampled_from([-3, 5, "5.5", 50, 120, 250]))
    return leaf


def conditions(names: tuple[str, ...], pool: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    leaf = leaves(names, pool)
    pair = st.lists(leaf, max_size=2)
    return st.one_of(
        leaf,
        leaf,
        st.fixed_dictionaries({"all": pair}),
        st.fixed_dictionaries({"any": pair}),
        st.fixed_dictionaries({"not": leaf | st.fixed_dictionaries({"any": pair})}),
    )


fit_conditions = conditions(tuple(FIELDS), FIELDS)
property_conditions = st.just({}) | conditions(
    tuple(f"property.{name}" for name in PROPERTIES), {f"property.{name}": VALUES for name in PROPERTIES}
)


@st.composite
def criteria(draw: st.DrawFn, index: int) -> CriterionSpec:
    rare = st.sampled_from([False] * 7 + [True])
    shared: dict[str, Any] = {
        "key": f"c{index}",
        "points": draw(points),
        "cap": draw(caps),
        "group": draw(st.sampled_from(["", "web", "who"])),
        "is_required": draw(rare),
        "disqualifies": draw(rare),
    }
    if draw(st.booleans()):
        return CriterionSpec(axis="fit", condition=draw(fit_conditions), **shared)
    within = draw(st.none() | lengths)
    least = draw(st.sampled_from(["1", "1", "1", "0", "2", "3", "2.5"]))
    most = draw(st.none() | st.none() | st.integers(0, 3))
    return CriterionSpec(
        axis="engagement",
        condition=draw(property_conditions),
        activities=tuple(draw(st.sampled_from([TYPES[:1], TYPES[1:2], TYPES[:2], TYPES[2:], (UNSEEN,)]))),
        measure=draw(st.sampled_from(["occurrences", "occurrences", "days", "sessions", "distinct", "sum"])),
        measured_property=draw(st.sampled_from(PROPERTIES)),
        at_least=Decimal(least),
        at_most=None if most is None else Decimal(most),
        within=within,
        not_since=draw(st.sampled_from(["", "", "Unsubscribed", UNSEEN])),
        mode=draw(st.sampled_from(["once", "per_occurrence"])),
        decay=draw(st.sampled_from(["none", "half_life", *(["linear"] if within else [])])),
        half_life=draw(lengths),
        is_hand_raise=draw(rare),
        hand_raise_fit_min=draw(st.none() | points),
        **shared,
    )


@st.composite
def versions(draw: st.DrawFn) -> VersionSpec:
    lines = tuple(draw(criteria(index)) for index in range(draw(st.integers(0, 6))))
    return VersionSpec(
        criteria=lines,
        fit_min=draw(points),
        engagement_min=draw(points),
        total_min=draw(points),
        fit_leave=draw(st.none() | points),
        engagement_leave=draw(st.none() | points),
        total_leave=draw(st.none() | points),
        fit_cap=draw(caps),
        engagement_cap=draw(caps),
        total_cap=draw(caps),
        group_caps=draw(st.sampled_from([{}, {"web": 10_000}, {"web": 3000, "who": 8000}])),
        tier_by=draw(st.sampled_from(["total", "engagement", "grid"])),
        hot_min=draw(st.none() | points),
        warm_min=draw(st.none() | points),
        grid=draw(st.sampled_from([(), (GridCell("hot", 5000, 5000), GridCell("warm", None, 2000))])),
        audience=draw(st.just({}) | st.just({}) | fit_conditions),
        time_zone=draw(st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles"])),
    )


@st.composite
def acts(draw: st.DrawFn, number: int) -> Act:
    occurred = draw(moments)
    delay = timedelta(seconds=draw(st.sampled_from([0, 0, 0, STEP, 86_400])))
    discounted = draw(st.sampled_from([None] * 5 + [timedelta(), timedelta(days=1)]))
    value = st.sampled_from(VALUES)
    properties: dict[str, Any] = {"plan": draw(value), "amount": draw(value)}
    if draw(st.booleans()):
        properties["order"] = draw(st.sampled_from([{"total": 5}, {"total": "5.50"}, {"total": None}, "x", [5]]))
    return Act(
        id=number,
        type=draw(st.sampled_from(TYPES)),
        occurred_at=occurred,
        known_at=occurred + delay,
        properties=properties,
        discounted_at=None if discounted is None else occurred + delay + discounted,
    )


def changes(names: list[str]) -> st.SearchStrategy[list[Change]]:
    def one(name: str) -> st.SearchStrategy[Change]:
        space, _, column = name.partition(".")
        attribute = f"trait.{column}" if space in ("trait", "account_trait") else column
        return st.builds(Change, st.just(attribute), st.sampled_from(FIELDS[name]), moments)

    return st.lists(st.sampled_from(names).flatmap(one), max_size=5)


@st.composite
def histories(draw: st.DrawFn, lead_id: int) -> History:
    first = lead_id * 1000
    of_lead = [name for name in FIELDS if not name.startswith("account")]
    of_account = [name for name in FIELDS if name.startswith("account")]
    accounts = {lead_id * 10 + k: draw(changes(of_account)) for k in range(2)}
    listed = draw(changes(of_lead))
    listed += draw(
        st.lists(st.builds(Change, st.just("account"), st.sampled_from([None, *accounts]), moments), max_size=2)
    )
    rests = st.builds(Rest, moments, st.none() | moments, st.none() | moments)
    stages = st.tuples(moments, st.sampled_from(["LEAD", "MQL", "NURTURE"]))
    return History(
        lead_id=lead_id,
        created_at=START - timedelta(days=1),
        acts=[draw(acts(first + k)) for k in range(draw(st.integers(0, 8)))],
        changes=listed,
        rests=draw(st.lists(rests, max_size=2, unique_by=lambda r: r.at)),
        stages=draw(st.lists(stages, max_size=2, unique_by=lambda s: s[0])),
        accounts=accounts,
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[VersionSpec], list[History], list[datetime]]:
    people = [draw(histories(lead_id)) for lead_id in range(1, draw(st.integers(1, 4)) + 1)]
    return [draw(versions()) for _ in range(2)], people, [draw(moments)]
