"""Which of an ordered list of conditions hold for a lead and its episode: asked of the database in one question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import connection

from leads.conditions import ConditionError, Sql, compile, join, literal_resolver, validate
from leads.errors import Invalid
from leads.models import Account, Lead, Team
from scoring.models import Episode
from sla.models import RoutingRule

log = structlog.get_logger(__name__)

Condition = dict[str, Any]

OF_LEAD = ("title", "seniority", "country", "domain_kind", "stage", "source", "campaign")
OF_ACCOUNT = ("name", "domain", "industry", "employees", "country", "intent")
OF_EPISODE = ("tier", "lane", "opened_by")
FIELDS = (
    *(f"lead.{name}" for name in OF_LEAD),
    *(f"account.{name}" for name in OF_ACCOUNT),
    *(f"episode.{name}" for name in OF_EPISODE),
    "episode.definition",
    "trait.*",
    "account_trait.*",
)


def which_hold(episode: Episode, lead: Lead, conditions: Sequence[Condition]) -> list[bool]:
    """For each condition whether it holds, in their order. An empty one always holds; one that can't be read, never."""
    held = [not condition for condition in conditions]
    asked = [index for index, condition in enumerate(conditions) if condition]
    if not asked:
        return held
    resolve = literal_resolver(_values(episode, lead))
    compiled: dict[int, Sql] = {}
    for index in asked:
        try:
            compiled[index] = compile(conditions[index], resolve)
        except ConditionError as error:
            log.warning("condition_not_readable", why=str(error))
    if compiled:
        question = join(", ", compiled.values())
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {question.text}", question.params)  # noqa: S608 (compiled; values are parameters)
            answers = cursor.fetchone()
        for index, answer in zip(compiled, answers, strict=True):
            held[index] = answer
    return held


def check(condition: Condition) -> None:
    """Refuse a condition of a rule or policy that can't be read, or asks for what there is not. Raises Invalid."""
    try:
        validate(condition, FIELDS)
    except ConditionError as error:
        raise Invalid(f"The condition can't be read. {error}", field="condition") from error


def rules_for(episode: Episode, lead: Lead) -> list[tuple[RoutingRule, bool]]:
    """The active routing rules in their order, each with whether it holds."""
    rules = list(RoutingRule.objects.filter(is_active=True).select_related("team").order_by("position", "id"))
    return list(zip(rules, which_hold(episode, lead, [rule.condition for rule in rules]), strict=True))


def team_of(episode: Episode) -> Team | None:
    """The team that would get this episode: that of the first active routing rule that holds."""
    return next((rule.team for rule, holds in rules_for(episode, episode.lead) if holds), None)


def _values(episode: Episode, lead: Lead) -> dict[str, Any]:
    """What a condition can ask for, as things stand now; what is empty is not set."""
    account = lead.account
    values = {f"lead.{name}": getattr(lead, name) or None for name in OF_LEAD}
    values |= {f"account.{name}": _of_account(account, name) for name in OF_ACCOUNT}
    values |= {f"episode.{name}": getattr(episode, name) for name in OF_EPISODE}
    values["episode.definition"] = episode.definition.name
    return values | {"trait": lead.traits, "account_trait": account.traits if account is not None else {}}


def value_of(episode: Episode, lead: Lead, field: str) -> Any:
    """What stands under a field for this lead; None where nothing does."""
    values = _values(episode, lead)
    if field in values:
        return values[field]
    floor, _, path = field.partition(".")
    found: Any = values.get(floor)
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _of_account(account: Account | None, name: str) -> Any:
    value = getattr(account, name, None)
    return None if value == "" else value
