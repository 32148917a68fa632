"""Which of an ordered list of conditions hold for a lead and its episode: asked of the database in one question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leads.models import Lead, Team
from scoring.models import Episode
from sla.models import RoutingRule


def which_hold(episode: Episode, lead: Lead, conditions: Sequence[dict[str, Any]]) -> list[bool]:
    """For each condition whether it holds, in their order. An empty one always holds."""
    asked = [index for index, condition in enumerate(conditions) if condition]
    if not asked:
        return [True] * len(conditions)
    raise NotImplementedError


def team_of(episode: Episode) -> Team | None:
    """The team that would get this episode: that of the first active routing rule that holds."""
    rules = list(RoutingRule.objects.filter(is_active=True).select_related("team"))
    held = which_hold(episode, episode.lead, [rule.condition for rule in rules])
    return next((rule.team for rule, holds in zip(rules, held, strict=True) if holds), None)
