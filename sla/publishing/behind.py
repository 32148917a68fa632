"""Rules and policies behind others that catch everything they could: never reached, or only as a way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leads.conditions import ConditionError, covered_by, validate
from sla.matching import DOMAINS, FIELDS
from sla.models import Policy, PolicyVersion, RoutingRule


@dataclass(frozen=True)
class Behind:
    """One row that others stand before; `is_reached` where they may leave a lead to it."""

    row: RoutingRule | Policy
    behind: Sequence[RoutingRule | Policy]
    is_reached: bool

    @property
    def told(self) -> str:
        """What follows, with the way out."""
        names = [f"“{each}”" for each in self.behind]
        listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
        stand = "stands before it and catches" if len(names) == 1 else "stand before it and together catch"
        caught = f"{listed} {stand} everything it could."
        if self.is_reached:
            return f"“{self.row}” is asked only when nobody can take the lead by the rule before: {caught}"
        return f"“{self.row}” is never reached: {caught} Move it up, or narrow {listed}."


def rules_behind() -> list[Behind]:
    """The active routing rules behind others, in their order.

    A rule that leaves the lead to the next one where nobody can take it keeps what is behind it in reach.
    """
    rules = _readable(RoutingRule.objects.filter(is_active=True).order_by("position", "id"))
    found: list[Behind] = []
    for place, rule in enumerate(rules):
        before = rules[:place]
        final = [each for each in before if each.if_nobody != RoutingRule.IfNobody.NEXT_RULE]
        for is_reached, earlier in ((False, final), (True, before)):
            if behind := _behind(rule.condition, earlier):
                found.append(Behind(rule, behind, is_reached))
                break
    return found


def policies_behind() -> list[Behind]:
    """The policies in force behind others, in their order."""
    published = PolicyVersion.objects.filter(state=PolicyVersion.VersionState.PUBLISHED)
    versions = _readable(published.select_related("policy").order_by("policy__position", "policy_id"))
    found = []
    for place, version in enumerate(versions):
        if behind := _behind(version.condition, versions[:place]):
            found.append(Behind(version.policy, [each.policy for each in behind], is_reached=False))
    return found


def _behind(condition: Any, earlier: Sequence[Any]) -> list[Any]:
    return [earlier[place] for place in covered_by(condition, [each.condition for each in earlier], DOMAINS)]


def _readable(rows: Any) -> list[Any]:
    kept = []
    for row in rows:
        try:
            validate(row.condition, FIELDS)
        except ConditionError:
            continue
        kept.append(row)
    return kept
