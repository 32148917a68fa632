"""The leads that look for a rep, each with all that is known of it; what they have in common is read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.models import Lead
from scoring.models import Episode, Lane
from sla import matching
from sla.clocks import policies
from sla.models import Heat, PolicyVersion, RoutingRule, Shadow
from sla.routing.books import Books
from sla.routing.desks import Desks
from sla.routing.past import Past


@dataclass(frozen=True)
class Matter:
    """One lead that looks for a rep, with the policy that holds for it, if one does. `rules` are the active ones in
    their order, each with whether it holds.
    """

    episode: Episode
    lead: Lead
    version: PolicyVersion | None
    values: dict[str, Any]
    rules: Sequence[tuple[RoutingRule, bool]]
    books: Books
    past: Past
    desks: Desks
    now: datetime

    @property
    def passes_capacity(self) -> bool:
        """Whether it may be given to a rep who is full, with a row that says so."""
        return bool(self.episode.lane == Lane.FAST)

    @property
    def heat(self) -> Heat:
        return policies.heat_of(self.episode)

    @property
    def offers(self) -> list[tuple[int, str]]:
        """To whom it was offered before, and how each offer stands."""
        return self.past.offers_of(self.episode)

    def shadow(self, rule: RoutingRule | None, team_id: int | None) -> Shadow | None:
        """The shadow in which this rule and team would route it on paper; what was handed over once stays live."""
        shadow = self.books.shadows.of(rule.pk if rule is not None else None, team_id)
        return shadow if shadow is not None and not self.offers else None


def read(
    leads: Sequence[tuple[Episode, Lead]], *, now: datetime, books: Books, desks: Desks | None = None
) -> Iterator[Matter]:
    """Each of these episodes and leads as a matter, in their order.

    All conditions, of policies and of rules, are asked in one question.
    """
    past, desks = Past(leads), desks or Desks(now, midnight=books.midnight(now))
    desks.know(past.users())
    versions, rules = books.policies, books.rules
    conditions = [version.condition for version in versions] + [rule.condition for rule in rules]
    values = [matching.values_of(episode, lead) for episode, lead in leads]
    held = matching.which_hold_for_each(values, conditions)
    for (episode, lead), said, holds in zip(leads, values, held, strict=True):
        version = next((each for each, does in zip(versions, holds, strict=False) if does), None)
        which = list(zip(rules, holds[len(versions) :], strict=True))
        yield Matter(episode, lead, version, said, which, books, past, desks, now)
