"""A judgement once more, slow and obvious, fact by fact: the only twin of the compiled query."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from scoring.compiler import CriterionSpec, VersionSpec
from tests import conditions_oracle as conditions


@dataclass
class Act:
    id: int
    type: str
    occurred_at: datetime
    known_at: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    discounted_at: datetime | None = None


@dataclass
class Change:
    """One attribute from `known_at` on; later in the list wins at the same moment."""

    attribute: str
    value: Any
    known_at: datetime


@dataclass
class Rest:
    at: datetime
    rest_until: datetime | None
    evidence_from: datetime | None


@dataclass
class History:
    lead_id: int
    created_at: datetime
    acts: list[Act] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    rests: list[Rest] = field(default_factory=list)
    stages: list[tuple[datetime, str]] = field(default_factory=list)
    # Changes of each account, by its id.
    accounts: dict[int, list[Change]] = field(default_factory=dict)


@dataclass
class Counted:
    """What one criterion counted: the occurrences, its measure, its units' times, and the points."""

    acts: list[Act]
    number: Decimal
    units: list[datetime]
    met: bool
    share: int


def judge(version: VersionSpec, history: History, t: datetime) -> dict[str, Any]:
    rest = ([Rest(t, None, None)] + [r for r in sorted_by_at(history.rests) if r.at <= t])[-1]
    values = attributes(history, t)
    known = [
        a
        for a in history.acts
        if a.occurred_at <= t and a.known_at <= t and not (a.discounted_at is not None and a.discounted_at <= t)
    ]
    now: dict[str, Counted] = {}
    ever: dict[str, Counted] = {}
    for c in version.criteria:
        if c.is_fit:
            now[c.key] = ever[c.key] = fit(c, conditions.holds(c.condition, values))
        else:
            since = None if c.points < 0 or c.disqualifies else rest.evidence_from
            now[c.key] = count(c, known, t, since, version.time_zone)
            ever[c.key] = count(c, known, t, None, version.time_zone)
    shares = {c.key: now[c.key].share for c in version.criteria}
    audience = conditions.holds(version.audience, values)
    barred = [c.key for c in version.criteria if c.disqualifies and now[c.key].met]
    required = all(now[c.key].met for c in version.criteria if c.is_required)
    fit_points = axis(version, shares, "fit")
    engagement = axis(version, shares, "engagement")
    ever_shares = {c.key: ever[c.key].share for c in version.criteria}
    positive = [c for c in version.criteria if is_evidence(c) and now[c.key].met]
    evidence = [a.occurred_at for c in positive for a in now[c.key].acts]
    fresh = rest.evidence_from is None or bool(evidence)
    total = cap(fit_points + engagement, version.total_cap)
    hands = [c for c in version.criteria if c.is_hand_raise and now[c.key].met and fit_points >= hand_min(version, c)]
    admitted = audience and not barred and required and fresh
    raised = hands[0].key if hands and admitted else ""
    reached = reaches(version, fit_points, engagement, total)
    meets = admitted and (reached or raised != "")
    low = (
        fit_points < either(version.fit_leave, version.fit_min)
        or engagement < either(version.engagement_leave, version.engagement_min)
        or total < either(version.total_leave, version.total_min)
    )
    return {
        "lead_id": history.lead_id,
        "rest_until": rest.rest_until,
        "resting": rest.rest_until is not None and rest.rest_until > t,
        "evidence_from": rest.evidence_from,
        "stage": ([s for at, s in sorted(history.stages) if at <= t] or ["SUBSCRIBER"])[-1],
        "fit": fit_points,
        "engagement": engagement,
        "engagement_ever": axis(version, ever_shares, "engagement"),
        "total": total,
        "tier": tier(version, fit_points, engagement, total, raised) if meets else "",
        "shares": shares,
        "meets": meets,
        "hand_raised": raised,
        "is_cooled": not audience or bool(barred) or (raised == "" and low),
        "in_audience": audience,
        "disqualified_by": barred[0] if barred else "",
        "missing": missing(version, values, now, shares, engagement, fresh, meets, audience),
        "evidence_at": max(evidence, default=None),
        "reassess_at": reassess(version, now, t),
        "counted": {c.key: [a.id for a in now[c.key].acts] for c in version.criteria},
    }


def sorted_by_at(rests: list[Rest]) -> list[Rest]:
    return sorted(rests, key=lambda r: r.at)


def attributes(history: History, t: datetime) -> conditions.Values:
    def latest(changes: list[Change], attribute: str) -> Any:
        value = None
        for change in sorted(changes, key=lambda c: c.known_at):
            if change.attribute == attribute and change.known_at <= t:
                value = change.value
        return value

    def read(name: str) -> Any:
        space, _, column = name.partition(".")
        changes = history.changes
        if space in ("account", "account_trait"):
            changes = history.accounts.get(latest(changes, "account"), [])
        if space in ("trait", "account_trait"):
            return latest(changes, f"trait.{column}")
        value = latest(changes, column)
        value = None if value == "" else value
        return "unknown" if value is None and column.endswith("_permission") else value

    return read


def fit(c: CriterionSpec, met: bool) -> Counted:
    return Counted([], Decimal(0), [], met, clamp(c, c.points) if met else 0)


def inside(properties: dict[str, Any], path: str) -> Any:
    value: Any = properties
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def count(c: CriterionSpec, known: list[Act], t: datetime, since: datetime | None, zone: str) -> Counted:
    undone = max((a.occurred_at for a in known if a.type == c.not_since), default=None) if c.not_since else None
    acts = []
    for a in known:
        values = lambda name, a=a: inside(a.properties, name.removeprefix("property."))  # noqa: E731
        if (
            a.type in c.activities
            and conditions.holds(c.condition, values)
            and (c.within is None or a.occurred_at > t - timedelta(seconds=c.within))
            and (undone is None or a.occurred_at > undone)
            and (since is None or a.occurred_at > since)
        ):
            acts.append(a)
    acts.sort(key=lambda a: (a.occurred_at, a.id))
    acts, number, units = measured(c, acts, zone)
    met = c.at_least <= number and (c.at_most is None or number <= c.at_most)
    if c.mode == "per_occurrence":
        share = sum(worth(c, t, at) for at in units)
    else:
        share = worth(c, t, acts[-1].occurred_at) if acts else c.points
    acts.reverse()
    acts.sort(key=lambda a: (a.occurred_at, a.id), reverse=True)
    return Counted(acts, number, units, met, clamp(c, share) if met else 0)


def measured(c: CriterionSpec, acts: list[Act], zone: str) -> tuple[list[Act], Decimal, list[datetime]]:
    if c.measure == "sum":
        acts = [a for a in acts if conditions.number_of(inside(a.properties, c.measured_property)) is not None]
        number = sum(
            (conditions.number_of(inside(a.properties, c.measured_property)) or Decimal(0) for a in acts), Decimal(0)
        )
        return acts, number, [a.occurred_at for a in acts]
    if c.measure == "occurrences":
        return acts, Decimal(len(acts)), [a.occurred_at for a in acts]
    units: dict[Any, datetime] = {}
    if c.measure == "days":
        for a in acts:
            units[a.occurred_at.astimezone(ZoneInfo(zone)).date()] = a.occurred_at
    elif c.measure == "distinct":
        acts = [a for a in acts if conditions.text_of(inside(a.properties, c.measured_property)) is not None]
        for a in acts:
            units[conditions.text_of(inside(a.properties, c.measured_property))] = a.occurred_at
    else:
        session, before = 0, None
        for a in acts:
            if before is not None and a.occurred_at - before >= timedelta(minutes=30):
                session += 1
            units[session] = before = a.occurred_at
    return acts, Decimal(len(units)), list(units.values())


def worth(c: CriterionSpec, t: datetime, at: datetime) -> int:
    age = (t - at).total_seconds()
    if c.decay == "half_life":
        return round(float(c.points) * 2.0 ** max(-age / float(c.half_life), -1000.0))
    if c.decay == "linear":
        return round(float(c.points) * (1 - age / float(c.within)))
    return c.points


def clamp(c: CriterionSpec, value: int) -> int:
    return value if c.cap is None else max(min(value, c.cap), -c.cap)


def cap(value: int, limit: int | None) -> int:
    return value if limit is None else min(value, limit)


def either(first: int | None, second: int) -> int:
    return second if first is None else first


def axis(version: VersionSpec, shares: dict[str, int], name: str) -> int:
    groups: dict[str, list[int]] = {}
    for c in version.criteria:
        if c.axis == name:
            groups.setdefault(c.group, []).append(shares[c.key])
    total = 0
    for group, points in groups.items():
        limit = version.group_caps.get(group) if group else None
        total += cap(sum(p for p in points if p > 0), limit) + sum(p for p in points if p < 0)
    return cap(total, version.fit_cap if name == "fit" else version.engagement_cap)


def is_evidence(c: CriterionSpec) -> bool:
    if c.is_fit or c.disqualifies or c.points < 0:
        return False
    return c.points > 0 or c.is_hand_raise or c.is_required


def hand_min(version: VersionSpec, c: CriterionSpec) -> int:
    return either(c.hand_raise_fit_min, version.fit_min)


def reaches(version: VersionSpec, fit_points: int, engagement: int, total: int) -> bool:
    return fit_points >= version.fit_min and engagement >= version.engagement_min and total >= version.total_min


def tier(version: VersionSpec, fit_points: int, engagement: int, total: int, raised: str) -> str:
    if raised:
        return "hot"
    if version.tier_by == "grid":
        for cell in version.grid:
            if (cell.fit_min is None or fit_points >= cell.fit_min) and (
                cell.engagement_min is None or engagement >= cell.engagement_min
            ):
                return cell.tier
        return "cool"
    number = total if version.tier_by == "total" else engagement
    if version.hot_min is not None and number >= version.hot_min:
        return "hot"
    return "warm" if version.warm_min is not None and number >= version.warm_min else "cool"


def missing(
    version: VersionSpec,
    values: conditions.Values,
    now: dict[str, Counted],
    shares: dict[str, int],
    engagement: int,
    fresh: bool,
    meets: bool,
    audience: bool,
) -> list[str]:
    """Judge once more with every attribute that is not set read in the lead's favor."""
    behavior = [c for c in version.criteria if not c.is_fit]
    hands = [c for c in behavior if c.is_hand_raise and now[c.key].met]
    if meets or not fresh or not (engagement >= version.engagement_min or hands):
        return []
    if any(c.is_required and not now[c.key].met or c.disqualifies and now[c.key].met for c in behavior):
        return []
    best = dict(shares)
    wanted: set[str] = set()

    def note(condition: Any) -> None:
        wanted.update(name for name in conditions.fields(condition) if values(name) is None)

    best_audience = conditions.could(version.audience, values, unset=True)
    if best_audience != audience:
        note(version.audience)
    for c in version.criteria:
        if not c.is_fit:
            continue
        may = conditions.could(c.condition, values, unset=True)
        must = conditions.could(c.condition, values, unset=False)
        best[c.key] = clamp(c, c.points) if (may if c.points > 0 else must) else 0
        if c.is_required and not may or c.disqualifies and must:
            return []
        met = now[c.key].met
        if best[c.key] != shares[c.key] or (c.is_required and may != met) or (c.disqualifies and must != met):
            note(c.condition)
    fit_points = axis(version, best, "fit")
    reached = reaches(version, fit_points, engagement, cap(fit_points + engagement, version.total_cap))
    if not best_audience or not (reached or any(fit_points >= hand_min(version, c) for c in hands)):
        return []
    return sorted(wanted)


def reassess(version: VersionSpec, now: dict[str, Counted], t: datetime) -> datetime | None:
    """The first instant at which a counted occurrence leaves its window; where points decay, a day at most."""
    times = []
    for c in version.criteria:
        counted = now[c.key]
        if c.is_fit or not counted.acts:
            continue
        if c.within is not None:
            once = c.measure != "sum" and c.mode == "once" and 0 < c.at_least <= 1 and c.at_most is None
            leaves = counted.acts[0] if once else counted.acts[-1]
            times.append(leaves.occurred_at + timedelta(seconds=c.within))
        if c.decay != "none" and counted.share != 0:
            times.append(t + timedelta(days=1))
    return min(times, default=None)
