"""Within one team: who asks a rule for, who of them comes first, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from leads.models import Team
from sla.clocks import policies
from sla.models import Desk, Heat, RoutingRule, Target
from sla.routing import candidates
from sla.routing.candidates import Asked, Candidate, Roster, words
from sla.routing.fairness import LEAD, Span
from sla.routing.matters import Matter
from sla.routing.turns import Rotation

# Who can keep a promise no later than the best of them by this much keeps the earliest.
CLOSE_BY: Final = timedelta(minutes=15)
PROMISE_DECIDES: Final = frozenset({Heat.HAND_RAISE, Heat.HOT})
LAST_OF_ALL: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Turn:
    """Whose turn it is, with the rotation that says so; on least loaded there is none."""

    roster: Roster
    chosen: Candidate | None
    rotation: Rotation | None = None
    span: Span | None = None


def roster(matter: Matter, team: Team, rule: RoutingRule | None) -> Roster | None:
    """The team's reps as the rule sees them; None where the team has no desk."""
    on_paper = matter.shadow(rule, team.pk) is not None
    found = matter.desks.roster(team, matter.offers, asked(rule, matter), on_paper=on_paper)
    if found is None or rule is None or rule.outside_hours != RoutingRule.OutsideHours.WAIT:
        return found
    return Roster(found.desk, [_at_work(each, matter, found.desk) for each in found.candidates])


def asked(rule: RoutingRule | None, matter: Matter) -> Asked:
    """What the rule asks of a rep for this lead. Who rejected them is barred, or else the last to hear of them."""
    if rule is None:
        return Asked()
    rejected = matter.past.who_rejected(matter.lead)
    if rule.previous != RoutingRule.Previous.ANYONE:
        return asks(rule, matter.values, barred=rejected)
    return replace(asks(rule, matter.values, barred=frozenset()), rather_not=rejected)


def asks(rule: RoutingRule, values: Mapping[str, Any], *, barred: frozenset[int]) -> Asked:
    """The same for what is known of a lead; `barred` are those who may not have it by this rule."""
    spoken = words([str(_value(values, rule.language_of) or "")]) if rule.language_of else frozenset()
    required = rule.lead_language == RoutingRule.LeadLanguage.REQUIRED
    return Asked(
        skills=words(rule.needs_skills),
        rather_skills=words(rule.prefers_skills),
        languages=words(rule.needs_languages) | (spoken if required else frozenset()),
        rather_languages=words(rule.prefers_languages) | (frozenset() if required else spoken),
        barred=barred,
    )


def in_turn(matter: Matter, rule: RoutingRule | None, team_roster: Roster) -> Turn:
    """Whose turn it is in this team: first among those who have room and never had it, then those who had it.

    Hand-raises and hot leads go to those who can keep the earliest promise. Among equals, those whom the rule prefers;
    then the rotation decides, or who has least to do. Full ones come last, where the lead may pass capacity.
    """
    able = team_roster.able(passes_capacity=matter.passes_capacity)
    promised = _promised(matter, team_roster, able)
    line = sorted(promised, key=_rank)
    group = _first_group(line, matter)
    if not group:
        return Turn(team_roster, None)
    if rule is not None and rule.strategy == RoutingRule.Strategy.LEAST_LOADED:
        ordered = sorted(group, key=lambda each: (each.load / max(each.rep.capacity, 1), each.load, each.rep.pk))
        return _lined_up(team_roster, ordered, line)
    rotation = matter.desks.rotation(
        team_roster.desk, matter.heat, shadow=matter.shadow(rule, team_roster.desk.team_id)
    )
    span = rotation.span({each.rep.pk: each.rep.weight for each in group})
    by_rep, owed = {each.rep.pk: each for each in group}, rotation.owed()
    ordered = [replace(by_rep[who], owed=round(owed.get(who, 0) / LEAD, 2)) for who in span.order()]
    return _lined_up(team_roster, ordered, line, rotation=rotation, span=span)


def _at_work(each: Candidate, matter: Matter, desk: Desk) -> Candidate:
    """Outside their hours nobody is offered a lead that waits for who is at work."""
    if each.code in (candidates.INACTIVE, candidates.AWAY, candidates.SAID_NO):
        return each
    opens = matter.books.opens(desk, each.rep, now=matter.now)
    if opens is not None and opens <= matter.now:
        return each
    skilled = each.code not in (candidates.NO_SKILL, candidates.NO_LANGUAGE)
    return replace(each, code=candidates.CLOSED if skilled else each.code, opens_at=opens if skilled else None)


def _promised(matter: Matter, team_roster: Roster, able: Sequence[Candidate]) -> list[Candidate]:
    """Each with the due instant of the first touch, else of accepting, where the earliest promise decides."""
    if matter.version is None or matter.heat not in PROMISE_DECIDES:
        return list(able)
    target = policies.target_for(matter.version, Target.FIRST_TOUCH, matter.heat)
    target = target or policies.target_for(matter.version, Target.ACCEPT, matter.heat)
    if target is None:
        return list(able)
    desk, books = team_roster.desk, matter.books
    return [replace(each, due_at=books.due(target, desk, each.rep, now=matter.now)) for each in able]


def _rank(each: Candidate) -> tuple[bool, bool, datetime, int, int]:
    return each.is_full, each.had_it, each.due_at or LAST_OF_ALL, -each.fits, each.rep.pk


def _first_group(line: Sequence[Candidate], matter: Matter) -> list[Candidate]:
    """Those of the line among whom the rotation decides."""
    if not line:
        return []
    best = line[0]
    group = [each for each in line if (each.is_full, each.had_it) == (best.is_full, best.had_it)]
    if best.due_at is not None:
        group = [each for each in group if each.due_at is not None and each.due_at <= best.due_at + CLOSE_BY]
    most = max(each.fits for each in group)
    return [each for each in group if each.fits == most]


def _lined_up(
    team_roster: Roster,
    ordered: Sequence[Candidate],
    line: Sequence[Candidate],
    *,
    rotation: Rotation | None = None,
    span: Span | None = None,
) -> Turn:
    """The roster in its order: those among whom it was decided, the rest of the line, then who can't take it."""
    first = {each.rep.pk for each in ordered}
    in_line = [*ordered, *(each for each in line if each.rep.pk not in first)]
    placed = [replace(each, position=place) for place, each in enumerate(in_line, start=1)]
    known = {each.rep.pk for each in placed}
    rest = [each for each in team_roster.candidates if each.rep.pk not in known]
    return Turn(Roster(team_roster.desk, [*placed, *rest]), placed[0], rotation, span)


def _value(values: Mapping[str, Any], field: str) -> Any:
    """What a field of a condition holds for this lead."""
    space, _, rest = field.partition(".")
    if field in values:
        return values[field]
    inside = values.get(space)
    return inside.get(rest) if isinstance(inside, dict) else None
