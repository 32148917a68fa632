"""Policies: a draft is edited, then put in force as a whole, and what it promised never changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.forms.models import model_to_dict

from leads.models import User
from leads.transactions import business
from sla import matching
from sla.clocks.soundness import check_ladders
from sla.models import Heat, LadderStep, Policy, PolicyTarget, PolicyVersion, Target
from sla.publishing.refusals import NotPublishable

VersionState = PolicyVersion.VersionState

NOT_COPIED = ("id", "policy", "number", "state", "published_at", "published_by", "retired_at", "why")
TIERS = (Heat.HOT, Heat.WARM, Heat.COOL)


@business
def draft_policy(policy: Policy, *, like: PolicyVersion | None = None) -> PolicyVersion:
    """The policy's draft: the one there is, or a copy of its last version with targets and ladder, or an empty one.

    `like` copies that version instead; raises NotPublishable where another draft stands.
    """
    Policy.objects.select_for_update().get(pk=policy.pk)
    standing = policy.versions.filter(state=VersionState.DRAFT).first()
    if standing is not None and like is not None:
        raise NotPublishable(f"The draft {standing} stands in the way. Publish it or discard it first.")
    if standing is not None:
        return standing
    last = policy.versions.order_by("-number").first()
    model = like or last
    fields = model_to_dict(model, exclude=NOT_COPIED) if model is not None else {}
    version = PolicyVersion.objects.create(policy=policy, number=(last.number if last else 0) + 1, **fields)
    if model is not None:
        PolicyTarget.objects.bulk_create(_copies(model.targets.all(), version))
        LadderStep.objects.bulk_create(_copies(model.steps.all(), version))
    return version


@business
def publish_policy(version: PolicyVersion, *, now: datetime, by: User | None, why: str = "") -> PolicyVersion:
    """Put a draft in force: the former version retires, and what is offered from now on is promised by this one.

    Clocks that run keep theirs. Raises NotPublishable with what to change.
    """
    version = PolicyVersion.objects.select_for_update().get(pk=version.pk)
    if version.state != VersionState.DRAFT:
        raise NotPublishable("This version is already published. Make a new draft to change it.")
    check_policy(version)
    former = version.policy.versions.select_for_update().filter(state=VersionState.PUBLISHED).first()
    if former is not None:
        former.state, former.retired_at = VersionState.RETIRED, now
        former.save(update_fields=["state", "retired_at"])
    version.state, version.published_at, version.published_by = VersionState.PUBLISHED, now, by
    version.why = why[:200]
    version.save(update_fields=["state", "published_at", "published_by", "why"])
    return version


def check_policy(version: PolicyVersion) -> None:
    """Raise NotPublishable where somebody would be promised nothing, or a step of a ladder could never fire."""
    matching.check(version.condition)
    promised: dict[str, dict[str, PolicyTarget]] = {}
    for line in version.targets.all():
        promised.setdefault(line.target, {})[line.heat] = line
    for needed, what in ((Target.FIRST_TOUCH, "first-touch"), (Target.ASSIGN, "assign")):
        _check_covered(what, promised.get(needed, {}), Heat)
    for target in (Target.ACCEPT, Target.DEPTH, Target.QUALIFY):
        if target in promised:
            _check_covered(target.label.lower(), promised[target], TIERS)
    _check_order(promised)
    check_ladders(version)


def _check_covered(what: str, given: dict[str, PolicyTarget], wanted: Iterable[Heat]) -> None:
    missing = [heat.label.lower() for heat in wanted if heat not in given]
    if missing:
        told = f"No {what} target for {_listed(missing)}. Say by when, or nobody is promised anything."
        raise NotPublishable(told, field="targets")


def _check_order(promised: dict[str, dict[str, PolicyTarget]]) -> None:
    """A hotter lead is never promised more time than a cooler one, where both are in the same unit."""
    for target, by_heat in promised.items():
        given = [by_heat[heat] for heat in Heat if heat in by_heat]
        for hotter, cooler in zip(given, given[1:], strict=False):
            if hotter.hours == cooler.hours and _longer(hotter, cooler):
                raise NotPublishable(
                    f"{Target(target).label} gives {Heat(hotter.heat).label.lower()} leads more time than "
                    f"{Heat(cooler.heat).label.lower()} ones. Give the hotter ones the shorter time.",
                    field="targets",
                )


def _longer(one: PolicyTarget, other: PolicyTarget) -> bool:
    if one.seconds is not None and other.seconds is not None:
        return one.seconds > other.seconds
    if one.business_days is not None and other.business_days is not None:
        return one.business_days > other.business_days
    return False


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _copies(rows: Iterable[Any], version: PolicyVersion) -> list[Any]:
    copies = []
    for row in rows:
        row.pk, row.version, row._state.adding = None, version, True
        copies.append(row)
    return copies
