"""Points: what one occurrence gives, how a share comes about, and the caps. Whole thousandths throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leads.conditions import Sql, build, join, param
from scoring.compiler.runtime import at
from scoring.compiler.spec import CriterionSpec

# Beyond a thousand half-lives nothing is left; the power itself would underflow.
_FAINTEST = "-1000"


def bigint(value: int) -> Sql:
    return param(value, "bigint")


def worth(criterion: CriterionSpec, occurred_at: Sql) -> Sql:
    """Points of one occurrence at its age: round(points · decay(age)) in float8, a half to the even thousandth."""
    points = bigint(criterion.points)
    if criterion.decay == "none":
        return points
    age = build("date_part('epoch', {0} - {1})", at(), occurred_at)
    if criterion.decay == "half_life":
        length = param(float(criterion.half_life or 1), "float8")
        left = build(f"power(2::float8, greatest(-{{0}} / {{1}}, {_FAINTEST}))", age, length)
    else:
        left = build("(1 - {0} / {1})", age, param(float(criterion.within or 1), "float8"))
    return build("round({0}::float8 * {1})::bigint", points, left)


def capped(value: Sql, cap: int | None) -> Sql:
    """Not above the cap."""
    return value if cap is None else build("least({0}, {1})", value, bigint(cap))


def clamped(value: Sql, criterion: CriterionSpec) -> Sql:
    """A criterion's cap bounds its share on either side of zero."""
    if criterion.cap is None:
        return value
    return build("greatest(least({0}, {1}), {2})", value, bigint(criterion.cap), bigint(-criterion.cap))


def axis_sum(shares: Sequence[tuple[CriterionSpec, Sql]], group_caps: Mapping[str, int], cap: int | None) -> Sql:
    """The sum of groups (positive points under the group's cap, negatives after), under the axis's cap."""
    groups: dict[str, list[tuple[CriterionSpec, Sql]]] = {}
    for criterion, share in shares:
        groups.setdefault(criterion.group if criterion.group in group_caps else "", []).append((criterion, share))
    parts: list[Sql] = []
    for group, members in groups.items():
        if not group:
            parts.extend(share for _, share in members)
            continue
        gains = [share for criterion, share in members if criterion.points > 0]
        if gains:
            parts.append(build("least({0}, {1})", join(" + ", gains), bigint(group_caps[group])))
        parts.extend(share for criterion, share in members if criterion.points <= 0)
    total = build("({0})", join(" + ", parts)) if parts else Sql("0::bigint")
    return capped(total, cap)
