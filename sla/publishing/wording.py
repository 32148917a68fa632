"""How rows read to people, whatever columns they have: the tables that `differences` compares."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from django.db.models import Field, ForeignKey, JSONField, Model

from leads.conditions import ConditionError, sentence
from leads.lengths import say_budget, say_length
from sla.holidays import regions
from sla.models import LadderStep, PolicyTarget, PolicyVersion, Reason, RoutingRule
from sla.publishing.policies import NOT_COPIED

OF_ROWS = frozenset({"id", "version", "is_shipped"})
OF_TARGETS = frozenset({"id", "version", "target", "heat", "seconds", "business_days"})
IN_SECONDS = ("grace", "seconds", "_within", "_for", "_before", "_budget")


def said_by_row(row: RoutingRule | Reason) -> dict[str, str]:
    """What a rule or a reason says, column by column."""
    return _columns(row, leave=OF_ROWS)


def said_by_plan(plan: dict[str, Any]) -> dict[str, str]:
    """What a calendar takes by itself: whose public holidays, on which of them we work, and the yearly half days."""
    said = {f"public holidays of {regions.say(each)}": "" for each in plan.get("regions", [])}
    said |= {f"work on {each}": "" for each in plan.get("worked", [])}
    return said | {f"half day {each}": f"until {until}" for each, until in plan.get("half_days", {}).items()}


def said_by_policy(version: PolicyVersion) -> dict[str, str]:
    """What a version of a policy says: for whom it holds, each target, each step of the ladder."""
    said = _columns(version, leave=frozenset(NOT_COPIED))
    for target in version.targets.all():
        said |= _target(target)
    for step in version.steps.select_related("team", "endpoint"):
        said |= {_step(step): ""}
    return said


def fingerprint(version: PolicyVersion) -> str:
    """A short mark of all that a draft says: another one where anything was changed."""
    return blake2b(repr(sorted(said_by_policy(version).items())).encode(), digest_size=8).hexdigest()


def _target(target: PolicyTarget) -> dict[str, str]:
    what = f"{target.get_target_display()} for {target.get_heat_display().lower()}"
    said = {what: say_budget(target.seconds, target.business_days)}
    others = _columns(target, leave=OF_TARGETS)
    return said | {f"{what}, {name.lower()}": reads for name, reads in others.items()}


def _step(step: LadderStep) -> str:
    named = [str(each) for each in (step.team, step.endpoint) if each is not None]
    return ": ".join([f"Ladder of {step.get_target_display().lower()}, {step}", *named])


def _columns(row: Model, *, leave: frozenset[str]) -> dict[str, str]:
    """Each column's name with how it reads; what is empty is left out."""
    columns = [field for field in row._meta.concrete_fields if field.name not in leave]
    told = {str(field.verbose_name).capitalize(): _reads(row, field) for field in columns}
    return {name: reads for name, reads in told.items() if reads}


def _reads(row: Model, field: Field[Any, Any]) -> str:
    value = getattr(row, field.attname)
    if isinstance(field, JSONField) and field.name == "condition":
        return _condition(value)
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(field, ForeignKey):
        found = field.related_model._default_manager.filter(pk=value).first()
        return str(found) if found is not None else f"number {value}, which is gone"
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, int) and field.name.endswith(IN_SECONDS):
        return say_length(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _condition(value: Any) -> str:
    try:
        return sentence(value)
    except ConditionError as error:
        return str(error)
