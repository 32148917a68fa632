"""Which teams a lead may come to: their desks are locked before it is decided, and who shares one waits in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from sla.models import RoutingRule
from sla.routing import former
from sla.routing.desks import Desks
from sla.routing.matters import Matter

Item = TypeVar("Item", bound=Hashable)


def of_all(matters: Iterable[Matter]) -> set[int]:
    """The teams to which any of these may come."""
    return {team for matter in matters for team in teams(matter)}


def teams(matter: Matter) -> list[int]:
    """The teams to which it may come, those that are asked first in front: of whom a rule puts first, of the rule."""
    return list(dict.fromkeys(team for asked in _asked(matter) for team in asked))


def first(matter: Matter) -> set[int]:
    """The teams that are asked first."""
    return set(next(_asked(matter), ()))


def _asked(matter: Matter) -> Iterator[list[int]]:
    """In groups: with the former rep's that of the first rule, then what follows if nobody there can."""
    again = former.rep_of(matter)
    before = [again.team.pk] if again is not None else []
    for rule in (rule for rule, holds in matter.rules if holds):
        yield [*before, *(each.team.pk for each in former.firsts(rule, matter)), rule.team_id]
        before = []
        if rule.if_nobody == RoutingRule.IfNobody.FALLBACK and rule.fallback_team_id is not None:
            yield [rule.fallback_team_id]
        if rule.if_nobody != RoutingRule.IfNobody.NEXT_RULE:
            break
    yield [*before, *(team.pk for team in matter.past.asked_teams(matter.episode))]


def narrowed(matters: Sequence[Matter], desks: Desks) -> list[frozenset[int]]:
    """Of each the teams in whose line it has to stand: those asked first, and of the others where room is scarce.

    Where all who may come find room, it does not matter in which order they do.
    """
    reached = [teams(matter) for matter in matters]
    roomy = desks.have_room_for(Counter(team for each in reached for team in each))
    return [frozenset(first(matter) | (set(each) - roomy)) for matter, each in zip(matters, reached, strict=True)]


def lines(reached: Iterable[tuple[Item, frozenset[int]]]) -> list[tuple[set[int], list[Item]]]:
    """Everybody in lines with their teams, such that no two lines share a team; each in the order given.

    Who comes to no team at all stands in a line of its own.
    """
    found: list[tuple[set[int], list[tuple[int, Item]]]] = []
    for place, (item, reach) in enumerate(reached):
        touched = [each for each in found if each[0] & reach or each[0] == reach]
        found = [each for each in found if each not in touched]
        joined = [(place, item), *(one for _, line in touched for one in line)]
        found.append((set(reach).union(*(taken for taken, _ in touched)), joined))
    return [(taken, [item for _, item in sorted(line, key=lambda each: each[0])]) for taken, line in found]


def chunks(line: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """A line in pages."""
    return (line[start : start + size] for start in range(0, len(line), size))
