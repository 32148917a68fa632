"""What keeps a version from being compiled or understood, in sentences for the person who edits it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leads.conditions import ConditionError, validate
from scoring.compiler.sources import FIT_FIELDS
from scoring.compiler.spec import CriterionSpec, VersionSpec

TIERS = ("hot", "warm", "cool")


class Problem(NamedTuple):
    """One thing to set right: the criterion's key (empty: the version itself) and a sentence."""

    key: str
    sentence: str


def problems(version: VersionSpec) -> list[Problem]:
    """Everything that must be set right before the version can be published; empty where nothing must."""
    found = [Problem("", sentence) for sentence in _version(version)]
    for criterion in version.criteria:
        found += [Problem(criterion.key, sentence) for sentence in _criterion(criterion)]
    return found


def _version(version: VersionSpec) -> Iterator[str]:
    keys = [criterion.key for criterion in version.criteria]
    if len(set(keys)) != len(keys):
        yield "Two criteria have the same key."
    yield from _condition("The audience", version.audience, list(FIT_FIELDS))
    try:
        ZoneInfo(version.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield f"There is no time zone “{version.time_zone}”."
    if any(cell.tier not in TIERS for cell in version.grid):
        yield "A cell of the grid names one of the tiers hot, warm and cool."
    if version.hot_min is not None and version.warm_min is not None and version.hot_min < version.warm_min:
        yield "The threshold of hot is below that of warm."
    if any(not isinstance(cap, int) or isinstance(cap, bool) or cap < 0 for cap in version.group_caps.values()):
        yield "The cap of a group is a whole number of thousandths, zero or more."


def _criterion(c: CriterionSpec) -> Iterator[str]:
    fields = list(FIT_FIELDS) if c.is_fit else ["property.*"]
    yield from _condition("The condition", c.condition, fields)
    if c.cap is not None and c.cap < 0:
        yield "A cap is zero or more; it bounds negative points as well."
    if c.is_fit:
        return
    if not c.activities or not all(isinstance(name, str) and name for name in c.activities):
        yield "Name the activities it counts."
    if c.measure in ("distinct", "sum") and "" in c.measured_property.split("."):
        yield "Name the property whose values are counted, such as order.total."
    if c.not_since and c.not_since in c.activities:
        yield "“Not since” names another activity than the ones that are counted."
    if c.at_most is not None and c.at_most < c.at_least:
        yield "At most is less than at least, so it can never be met."
    if c.decay == "linear" and not c.within:
        yield "Linear decay needs a window."
    if c.decay == "half_life" and not c.half_life:
        yield "A half-life needs a length."


def _condition(what: str, condition: object, fields: list[str]) -> Iterator[str]:
    try:
        validate(condition, fields)
    except ConditionError as error:
        yield f"{what}: {error}"
