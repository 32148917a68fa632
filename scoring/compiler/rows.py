"""Which activities count: known by the moment, of the right type, in the window, and what nothing has undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leads.conditions import Resolver, Sql, build, compile, join, number_of, param, path, text_of
from leads.conditions.errors import unknown_field
from scoring.compiler.runtime import Leads, at, given
from scoring.compiler.spec import CriterionSpec


def property_resolver(document: str) -> Resolver:
    """Fields named property.<path> inside this jsonb document."""

    def resolve(name: str) -> Sql:
        space, _, rest = name.partition(".")
        if space != "property" or not rest:
            raise unknown_field(name, ["property.…"])
        return path(document, *rest.split("."))

    return resolve


class Rows:
    """Conditions on one row `a` of leads_activity."""

    def __init__(self, type_ids: Mapping[str, int], time_zone: str) -> None:
        self.type_ids = type_ids
        self.time_zone = time_zone

    def types(self, names: Iterable[str]) -> list[int]:
        return sorted({self.type_ids[name] for name in names if name in self.type_ids})

    def other(self, criterion: CriterionSpec) -> int | None:
        """The type that undoes what came before it, where it was ever seen."""
        return self.type_ids.get(criterion.not_since) if criterion.not_since else None

    def matching(self, criterion: CriterionSpec) -> Sql:
        """Type, property conditions, and a value where values are counted. No time in it."""
        ids = self.types(criterion.activities)
        kinds = param(ids[0], "bigint") if len(ids) == 1 else build("ANY({0})", param(ids, "bigint[]"))
        parts = [build("a.type_id = {0}", kinds)]
        if criterion.condition:
            parts.append(compile(criterion.condition, property_resolver("a.properties")))
        if criterion.measure in ("distinct", "sum"):
            parts.append(build("({0}) IS NOT NULL", self.unit(criterion)))
        return join(" AND ", parts)

    def counted(self, criterion: CriterionSpec, others: str) -> Sql:
        """`matching`, in the window, and not undone; `others` is the row with the last time of each other type."""
        parts = [self.matching(criterion)]
        if criterion.within is not None:
            parts.append(build("a.occurred_at > {0}", at(-criterion.within)))
        other = self.other(criterion)
        if other is not None:
            parts.append(Sql(f"({others}.o{other} IS NULL OR a.occurred_at > {others}.o{other})"))
        return join(" AND ", parts)

    def unit(self, criterion: CriterionSpec) -> Sql:
        """What is counted: the local day, the value's text, the number."""
        if criterion.measure == "days":
            return build("(a.occurred_at AT TIME ZONE {0})::date", param(self.time_zone, "text"))
        value = path("a.properties", *criterion.measured_property.split("."))
        return number_of(value) if criterion.measure == "sum" else text_of(value)

    def known(self, names: Iterable[str], leads: Leads) -> Sql:
        """Rows of these activities that happened and were known by the moment, and not discounted by then."""
        ids = param(self.types(names), "bigint[]")
        scope = build("a.lead_id = ANY({0}) AND ", given()) if leads is Leads.GIVEN else Sql("")
        return build(
            "{0}a.type_id = ANY({1}) AND a.occurred_at <= {2} AND a.known_at <= {2}"
            " AND (a.discounted_at IS NULL OR a.discounted_at > {2})",
            scope, ids, at(),
        )  # fmt: skip
