"""Why a lead met a version: frozen with the qualification, and readable ever after.

Frozen reasons name criteria, ids and derived values, never a name, an address or free text, so that they may outlive
the person's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from leads.conditions import fields_of
from leads.models import Lead
from scoring import judging
from scoring.models import Axis, Criterion, DefinitionVersion

# Values of these fields are ours or the market's, not the person's; others are only said to be set.
DERIVED: Final = frozenset(
    {
        "lead.seniority",
        "lead.domain_kind",
        "lead.country",
        "lead.email_permission",
        "lead.phone_permission",
        "account.employees",
        "account.industry",
        "account.country",
        "account.intent",
    }
)
NAMED_AT_MOST: Final = 6  # criteria in the sentence
IDS_AT_MOST: Final = 200  # activity ids kept of one criterion, the newest


@dataclass(frozen=True)
class Why:
    """The reasons of one judgement."""

    sentence: str
    reasons: list[dict[str, Any]]
    counted_activities: list[int] = field(default_factory=list)
    lead_attributes: list[str] = field(default_factory=list)
    account_attributes: list[str] = field(default_factory=list)
    hand_raise_activity: int | None = None


def explain(lead: Lead, version: DefinitionVersion, row: Mapping[str, Any], *, as_of: datetime) -> Why:
    """Say why this lead meets the version, criterion by criterion; `row` is its judgement at the same moment.

    `reasons` holds one dict per met criterion: key, label, axis, points (thousandths), count, last_at, activity_ids,
    observed. The attributes are those that met fit criteria read, as AttributeChange names them.
    """
    criteria = {criterion.key: criterion for criterion in version.criteria.all()}
    found = [line for line in lines(lead.pk, version, as_of=as_of) if line["met"]]
    reasons = [_reason(criteria[line["key"]], line) for line in found]
    counted: set[int] = set()
    read: set[str] = set()
    hands = [line for line in found if criteria[line["key"]].is_hand_raise and line["activity_ids"]]
    last_hand = max(hands, key=lambda line: line["last_at"], default=None)
    for line in found:
        criterion = criteria[line["key"]]
        if criterion.axis == Axis.FIT:
            read |= set(fields_of(criterion.condition)) if criterion.points >= 0 else set()
        elif criterion.points > 0 or criterion.is_hand_raise or criterion.is_required:
            counted |= set(line["activity_ids"])
    return Why(
        sentence=_sentence(reasons, row),
        reasons=reasons,
        counted_activities=sorted(counted),
        lead_attributes=sorted(_attribute(name) for name in read if name.startswith(("lead.", "trait."))),
        hand_raise_activity=last_hand["activity_ids"][0] if last_hand else None,
        account_attributes=sorted(_attribute(name) for name in read if name.startswith(("account.", "account_trait."))),
    )


def lines(lead_id: int, version: DefinitionVersion, *, as_of: datetime, present: bool = True) -> list[dict[str, Any]]:
    """Every criterion of the version for one lead, met or not, in their order; values as the lead has them now."""
    return judging.rows(judging.compiled_reasons(version, present=present), as_of, [lead_id])


def _reason(criterion: Criterion, line: Mapping[str, Any]) -> dict[str, Any]:
    observed: dict[str, Any] = line["observed"] or {}
    count = line["counted"]
    ids = list(line["activity_ids"])
    if count is None and criterion.axis == Axis.ENGAGEMENT:
        count = len(ids)
    return {
        "key": criterion.key,
        "label": criterion.label,
        "axis": criterion.axis,
        "points": line["points"],
        "count": None if count is None else float(count),
        "last_at": line["last_at"].isoformat() if line["last_at"] else None,
        "activity_ids": ids[:IDS_AT_MOST],
        "observed": {
            name: value if name in DERIVED else "set" for name, value in observed.items() if value is not None
        },
        "hand_raise": criterion.is_hand_raise,
    }


def _sentence(reasons: list[dict[str, Any]], row: Mapping[str, Any]) -> str:
    """“Requested a demo (+25), Director or higher (+15): 40 points, fit 15 and engagement 25.”"""
    strongest = sorted(reasons, key=lambda reason: (not reason["hand_raise"], -abs(reason["points"])))
    named = [f"{reason['label']} ({_points(reason['points'])})" for reason in strongest[:NAMED_AT_MOST]]
    more = len(strongest) - len(named)
    said = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    total, fit, engagement = (f"{row[name] / 1000:g}" for name in ("total", "fit", "engagement"))
    sums = f"{total} points, fit {fit} and engagement {engagement}"
    return f"{said}: {sums}."[:600]


def _points(thousandths: int) -> str:
    return f"{thousandths / 1000:+g}" if thousandths else "asked for us"


def _attribute(name: str) -> str:
    """The name under which AttributeChange keeps a field: `title`, or `trait.plan`."""
    space, _, rest = name.partition(".")
    return f"trait.{rest}" if space in ("trait", "account_trait") else rest
