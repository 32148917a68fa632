"""The versions the bench judges by: the demo company's, one that counts values and properties, one that decays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from leads.models import User
from scoring import publishing
from scoring.models import Axis, Criterion, Definition, DefinitionVersion

DAY: Final = 86_400

# What each version has beside the demo company's criteria; points in thousandths.
COUNTING: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "key": "pages_seen",
        "label": "Saw five product pages",
        "activities": ["Visited Product Page"],
        "points": 10_000,
        "measure": "distinct",
        "measured_property": "path",
        "at_least": 5,
    },
    {
        "key": "pro_trial",
        "label": "Tried the pro plan",
        "activities": ["Started Free Trial"],
        "points": 10_000,
        "condition": {"field": "property.plan", "op": "is", "value": "pro"},
    },
    {
        "key": "big_carts",
        "label": "Looked at prices over 400",
        "activities": ["Visited Pricing Page"],
        "points": 5_000,
        "condition": {"field": "property.amount", "op": "gte", "value": 400},
        "at_least": 2,
        "within": 60 * DAY,
    },
)
DECAYING: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "key": "fresh_pages",
        "label": "Looked at the product lately",
        "activities": ["Visited Product Page"],
        "points": 2_000,
        "mode": "per_occurrence",
        "decay": "half_life",
        "half_life": 14 * DAY,
        "cap": 10_000,
    },
    {
        "key": "fresh_mails",
        "label": "Opened mails lately",
        "activities": ["Opened Email"],
        "points": 5_000,
        "within": 30 * DAY,
        "decay": "linear",
    },
)


def widened(
    version: DefinitionVersion, name: str, criteria: tuple[Mapping[str, Any], ...], *, now: datetime, by: User
) -> DefinitionVersion:
    """A draft of another definition: this version's criteria and thresholds, and some criteria more."""
    draft = publishing.draft(Definition.objects.create(name=name), now=now, by=by)
    for threshold in ("fit_min", "engagement_min", "total_min", "hot_min", "warm_min"):
        setattr(draft, threshold, getattr(version, threshold))
    draft.save()
    lines = list(version.criteria.all())
    for position, line in enumerate(lines):
        line.pk, line.version, line.position, line._state.adding = None, draft, position, True
        line.save()
    for position, more in enumerate(criteria, len(lines)):
        Criterion.objects.create(version=draft, axis=Axis.ENGAGEMENT, position=position, **more)
    return draft
