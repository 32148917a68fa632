"""A definition version as plain data: what the compiler reads. Points are whole thousandths, lengths are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

SESSION_GAP = 1800


@dataclass(frozen=True)
class CriterionSpec:
    """One line of a version. `axis` is fit or engagement; see scoring.models.Criterion for the words."""

    key: str
    axis: str
    points: int = 0
    label: str = ""
    group: str = ""
    cap: int | None = None
    is_required: bool = False
    disqualifies: bool = False
    is_hand_raise: bool = False
    hand_raise_fit_min: int | None = None
    condition: Mapping[str, Any] = field(default_factory=dict)
    activities: tuple[str, ...] = ()
    measure: str = "occurrences"
    measured_property: str = ""
    at_least: Decimal = Decimal(1)
    at_most: Decimal | None = None
    within: int | None = None
    not_since: str = ""
    mode: str = "once"
    decay: str = "none"
    half_life: int | None = None

    @property
    def is_fit(self) -> bool:
        return self.axis == "fit"

    @property
    def outlives(self) -> bool:
        """Negatives and disqualifiers outlive every verdict: they count spent occurrences too."""
        return self.points < 0 or self.disqualifies

    @property
    def is_evidence(self) -> bool:
        """Its occurrences are positive evidence: what a second qualification must rest on."""
        positive = self.points > 0 or self.is_hand_raise or self.is_required
        return not self.is_fit and not self.outlives and positive


@dataclass(frozen=True)
class GridCell:
    """One cell of a tier grid; the first whose two minimums are reached gives its tier."""

    tier: str
    fit_min: int | None = None
    engagement_min: int | None = None


@dataclass(frozen=True)
class VersionSpec:
    """One version of a definition: criteria in their order, thresholds, caps, tiers and audience."""

    criteria: tuple[CriterionSpec, ...] = ()
    fit_min: int = 0
    engagement_min: int = 0
    total_min: int = 0
    fit_leave: int | None = None
    engagement_leave: int | None = None
    total_leave: int | None = None
    fit_cap: int | None = None
    engagement_cap: int | None = None
    total_cap: int | None = None
    group_caps: Mapping[str, int] = field(default_factory=dict)
    tier_by: str = "total"
    hot_min: int | None = None
    warm_min: int | None = None
    grid: tuple[GridCell, ...] = ()
    audience: Mapping[str, Any] = field(default_factory=dict)
    time_zone: str = "UTC"

    @property
    def activity_names(self) -> frozenset[str]:
        """Every activity the version reads: the names to look up for `type_ids`."""
        counted = {name for criterion in self.criteria for name in criterion.activities}
        return frozenset(counted | {c.not_since for c in self.criteria if c.not_since})
