"""Which of an ordered list of conditions hold for a lead and its episode: asked of the database in one question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import structlog
from django.db import connection

from leads.conditions import (
    ConditionError,
    Domains,
    Sql,
    compile,
    contradiction,
    fields_of,
    join,
    path,
    plain,
    plain_json,
    unknown_field,
    validate,
)
from leads.errors import Invalid
from leads.models import Account, Lead, Stage, Team
from scoring.models import Episode, Lane, OpenedBy, Tier
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
# What the fields that have a list of values can be; unset is one of them where the row may have none.
DOMAINS: Domains = {
    "episode.tier": [*Tier.values],
    "episode.lane": [*Lane.values],
    "episode.opened_by": [*OpenedBy.values],
    "lead.stage": [*(plain(each) for each in Stage.values), None],
}


def which_hold(episode: Episode, lead: Lead, conditions: Sequence[Condition]) -> list[bool]:
    """For each condition whether it holds, in their order. An empty one always holds; one that can't be read, never."""
    if not any(conditions):
        return [True] * len(conditions)
    return which_hold_for(values_of(episode, lead), conditions)


def which_hold_for(values: dict[str, Any], conditions: Sequence[Condition]) -> list[bool]:
    """The same for what `values_of` found of an episode and its lead."""
    return which_hold_for_each([values], conditions)[0]


def which_hold_for_each(values: Sequence[dict[str, Any]], conditions: Sequence[Condition]) -> list[list[bool]]:
    """The same for many leads, in their order; still one question."""
    held = [[not condition for condition in conditions] for _ in values]
    compiled: dict[int, Sql] = {}
    for index, condition in enumerate(conditions):
        if condition and (question := _compiled(json.dumps(condition, sort_keys=True))) is not None:
            compiled[index] = question
    if not compiled or not values:
        return held
    asked = join(", ", compiled.values())
    with connection.cursor() as cursor:
        # One array for each row of values, with as many elements as there are conditions.
        cursor.execute(
            f"SELECT ARRAY[{asked.text}]::boolean[] "  # noqa: S608
            "FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS given (v, place) ORDER BY given.place",
            [*asked.params, json.dumps(values, default=plain_json)],
        )
        answers = cursor.fetchall()
    for each, (answered,) in zip(held, answers, strict=True):
        for index, answer in zip(compiled, answered, strict=True):
            each[index] = answer
    return held


@lru_cache(maxsize=4096)
def _compiled(condition: str) -> Sql | None:
    """The condition as SQL over a document of values; None where it can't be read."""
    try:
        return compile(json.loads(condition), _resolve)
    except ConditionError as error:
        log.warning("condition_not_readable", why=str(error))
        return None


def _resolve(field: str) -> Sql:
    if field in FIELDS:
        return path("given.v", field)
    space, _, rest = field.partition(".")
    if rest and f"{space}.*" in FIELDS:
        return path("given.v", space, rest)
    raise unknown_field(field, FIELDS)


def check(condition: Condition, *, may_be_impossible: bool = False) -> None:
    """Refuse a condition of a rule or policy that can't be read, asks for what there is not, or can never hold.

    Raises Invalid, naming what contradicts itself.
    """
    try:
        validate(condition, FIELDS)
        never = "" if may_be_impossible else contradiction(condition, DOMAINS)
    except ConditionError as error:
        raise Invalid(f"The condition can't be read. {error}", field="condition") from error
    if never:
        told = f"No lead can ever meet this condition: “{never}” never holds.{_values_in(condition)}"
        raise Invalid(f"{told} Take a part of it out, or put alternatives under “any”.", field="condition")


def _values_in(condition: Condition) -> str:
    """What the fields of a condition can be at all, where that is a list."""
    asked = [field for field in fields_of(condition) if field in DOMAINS]
    lists = (f" {field.partition('.')[2].capitalize().replace('_', ' ')} is one of {_all(field)}." for field in asked)
    return "".join(lists)


def _all(field: str) -> str:
    return ", ".join(each for each in DOMAINS[field] if each is not None)


def _rules() -> list[RoutingRule]:
    return list(RoutingRule.objects.filter(is_active=True).select_related("team").order_by("position", "id"))


def team_of(episode: Episode) -> Team | None:
    """The team that would get this episode: that of the first active routing rule that holds."""
    return teams_of([episode])[0]


def teams_of(episodes: Sequence[Episode]) -> list[Team | None]:
    """The same for many episodes, in their order, in two questions."""
    rules = _rules()
    conditions = [rule.condition for rule in rules]
    if not any(conditions):
        return [rules[0].team if rules else None] * len(episodes)
    held = which_hold_for_each([values_of(episode, episode.lead) for episode in episodes], conditions)
    return [next((rule.team for rule, holds in zip(rules, each, strict=True) if holds), None) for each in held]


def values_of(episode: Episode, lead: Lead) -> dict[str, Any]:
    """What a condition can ask for, as things stand now; what is empty is not set."""
    account = lead.account
    values = {f"lead.{name}": getattr(lead, name) or None for name in OF_LEAD}
    values |= {f"account.{name}": _of_account(account, name) for name in OF_ACCOUNT}
    values |= {f"episode.{name}": getattr(episode, name) for name in OF_EPISODE}
    values["episode.definition"] = episode.definition.name
    return values | {"trait": lead.traits, "account_trait": account.traits if account is not None else {}}


def value_of(episode: Episode, lead: Lead, field: str) -> Any:
    """What stands under a field for this lead; None where nothing does."""
    values = values_of(episode, lead)
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
