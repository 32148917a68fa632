"""Where a lead goes: the decision, which writes nothing. Routing acts on it, a simulator shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from leads.models import Lead, Team
from scoring.models import Episode, Lane
from sla.clocks import deadlines, policies, promising
from sla.models import Handoff, PolicyVersion, RoutingRule, Shadow, Target
from sla.routing import candidates, choosing, former, matters, waiting
from sla.routing.books import Books
from sla.routing.candidates import Candidate, Roster
from sla.routing.choosing import Turn
from sla.routing.ends import Ends
from sla.routing.matters import Matter
from sla.shadow import timing

ROUND_ROBIN: Final = "round robin"
LEAST_LOADED: Final = "least loaded"
HAND_RAISE: Final = "hand-raise"
UNDO: Final = "undo"
BY = {RoutingRule.Strategy.ROUND_ROBIN: ROUND_ROBIN, RoutingRule.Strategy.LEAST_LOADED: LEAST_LOADED}

CHOSEN: Final = "chosen"
DOES_NOT_HOLD: Final = "does not hold"
NOBODY: Final = "nobody eligible"


@dataclass(frozen=True)
class Tried:
    """One rule in the order in which it was asked, and what came of it."""

    rule: RoutingRule
    result: str
    team: Team
    # How many of the team's reps there are for each code; None where it was not looked at, or has no desk.
    counted: Mapping[str, int] | None = None

    def as_trace(self) -> dict[str, Any]:
        """What the trace keeps of it."""
        return {
            "rule": self.rule.pk,
            "version": self.rule.version,
            "name": self.rule.name,
            "result": self.result,
            "team": self.team.pk,
        }


class Offer(NamedTuple):
    """The parts of a decision that chose somebody."""

    chosen: Candidate
    team: Team
    roster: Roster
    policy_version: PolicyVersion


@dataclass(frozen=True)
class Decision:
    """Who is to be offered a lead at an instant, or what happens instead; with everything that led to it.

    `roster` holds every rep of the team that was looked at last, those who could take it first, each with their numbers
    and one code. `promised` maps accept and first touch to their due instants, if the offer were made at `at`. Where
    turns decided, `turn` holds the rotation and its span. With a `shadow` all of it is on paper.
    """

    at: datetime
    ends: Ends
    why: str
    tried: Sequence[Tried] = ()
    team: Team | None = None
    rule: RoutingRule | None = None
    roster: Roster | None = None
    chosen: Candidate | None = None
    passes_capacity: bool = False
    override: str | None = None
    policy_version: PolicyVersion | None = None
    held_until: datetime | None = None
    unanswered: int | None = None
    turn: Turn | None = None
    shadow: Shadow | None = None
    promised: Mapping[str, datetime] = field(default_factory=dict)

    def trace(self) -> dict[str, Any]:
        """What an offer made by this decision keeps of it. Raises ValueError where nobody was chosen."""
        offer = self.offer
        kept = {"why": self.why, "rules": [each.as_trace() for each in self.tried], "team": offer.team.pk}
        return kept | offer.roster.trace(offer.chosen.rep, passes_capacity=self.passes_capacity)

    @property
    def offer(self) -> Offer:
        """What is offered to whom, by which promise. Raises ValueError where nobody was chosen."""
        parts = self.chosen, self.team, self.roster, self.policy_version
        match parts:
            case Candidate() as chosen, Team() as team, Roster() as roster, PolicyVersion() as version:
                return Offer(chosen, team, roster, version)
        raise ValueError("Nobody was chosen.")


def decide(episode: Episode, lead: Lead, *, now: datetime, books: Books | None = None) -> Decision:
    """Where this lead would go if it were offered at `now`, with the due instants it would be promised.

    Locks and writes nothing. Both may be on paper only: an episode and a lead that were never saved are judged by
    what stands in them, as if nobody had been offered the lead before.
    """
    held = _held(episode, now=now)
    if held is not None:
        return held
    (matter,) = matters.read([(episode, lead)], now=now, books=books or Books(now))
    decision = look(matter, now=now)
    promises = promised(decision, episode)
    return replace(decision, promised={target: made.due_at for target, made in promises.items()})


def look(matter: Matter, *, now: datetime) -> Decision:
    """The decision for a lead that may be offered: by its policy, to the former rep, else by the rules.


    Who is going to offer has locked the desks of the teams that it may come to.
    """
    if matter.version is None:
        return Decision(now, Ends.NO_POLICY, policies.NONE_HOLDS, shadow=matter.shadow(None, None))
    decision = _to_former_rep(matter) or _by_rules(matter)
    if matter.books.shadows:
        team_id = decision.team.pk if decision.team is not None else None
        decision = replace(decision, shadow=matter.shadow(decision.rule, team_id))
    return decision


def _held(episode: Episode, *, now: datetime) -> Decision | None:
    """Why a waiting episode may not be offered at all now."""
    if episode.route_not_before is not None and episode.route_not_before > now:
        return Decision(now, Ends.HELD, UNDO, held_until=episode.route_not_before)
    if episode.pk is not None and waiting.left([episode.pk]):
        return Decision(now, Ends.DECISION, "a manager decides")
    unanswered = waiting.unanswered(episode)
    if unanswered is not None:
        return Decision(now, Ends.POOL, "unanswered", unanswered=unanswered)
    return None


def promised(decision: Decision, episode: Episode) -> dict[str, promising.Promise]:
    """What accept and first touch would promise the chosen rep, with all that it is counted from.

    What can't be counted or isn't promised is left out.
    """
    if decision.chosen is None:
        return {}
    chosen, team, _, version = decision.offer
    offer = Handoff(user=chosen.rep.user, team=team)
    due = {}
    for target in (Target.FIRST_TOUCH,) if episode.lane == Lane.FAST else (Target.ACCEPT, Target.FIRST_TOUCH):
        line = policies.target_for(version, target, policies.heat_of(episode))
        if line is None:
            continue
        arrived = episode.opened_at or decision.at
        try:
            due[target.value] = promising.promise(offer, line, start_at=decision.at, arrived_at=arrived)
        except deadlines.NotCountable:
            continue
    beside = timing.dues(chosen.rep.user, now=decision.at) if decision.shadow is not None else ()
    made = promising.one_by_one(offer, list(due.values()), now=decision.at, beside=beside)
    return dict(zip(due, made, strict=True))


def _to_former_rep(matter: Matter) -> Decision | None:
    """To the rep of the named date, or of the time before nurture, while they are there; they may be full."""
    found = former.rep_of(matter)
    return _to(found, None, matter, ()) if found is not None else None


def _to(found: former.Former, rule: RoutingRule | None, matter: Matter, tried: Sequence[Tried]) -> Decision | None:
    roster = choosing.roster(matter, found.team, rule)
    if roster is None:
        return None
    passes = matter.passes_capacity or rule is None
    decision = Decision(
        matter.now, Ends.OFFER, found.why, tried, found.team, rule, roster, None, passes, policy_version=matter.version
    )
    return _personal(decision, roster.of(found.rep), roster, matter)


def _personal(decision: Decision, here: Candidate | None, roster: Roster, matter: Matter) -> Decision | None:
    """To one person, if they can: those who are to have a lead again need no skill for it.

    Whom a rule puts first needs room for it and did not have it before in this matter.
    """
    if here is None or here.code in (candidates.INACTIVE, candidates.AWAY):
        return None
    if decision.rule is not None:
        if here.code in (candidates.SAID_NO, candidates.CLOSED) or here.had_it:
            return None
        if here.is_full and not matter.passes_capacity:
            return None
    override = (HAND_RAISE if matter.passes_capacity else decision.why) if here.is_full else None
    first = replace(here, position=1)
    placed = Roster(roster.desk, [first, *(each for each in roster.candidates if each.rep.pk != here.rep.pk)])
    return replace(decision, chosen=first, roster=placed, override=override)


def _by_rules(matter: Matter) -> Decision:
    """By the first rule that holds and whose team can; else to a team that the ladder has asked as well."""
    tried: list[Tried] = []
    passes = matter.passes_capacity
    nobody = Decision(matter.now, Ends.NO_RULE, "no rule holds", policy_version=matter.version, passes_capacity=passes)
    for rule, holds in matter.rules:
        if not holds:
            tried.append(Tried(rule, DOES_NOT_HOLD, rule.team))
            continue
        found = _by_rule(rule, matter, tried)
        if found.ends == Ends.OFFER:
            return found
        nobody = found
        if rule.if_nobody != RoutingRule.IfNobody.NEXT_RULE:
            break
    for team in matter.past.asked_teams(matter.episode):
        roster = choosing.roster(matter, team, None)
        asked = replace(nobody, rule=None, team=team, tried=tuple(tried))
        if roster is not None and (chosen := _in_turn(asked, None, roster, matter)) is not None:
            return replace(chosen, held_until=None)
    return replace(nobody, tried=tuple(tried))


def _by_rule(rule: RoutingRule, matter: Matter, tried: list[Tried]) -> Decision:
    """What one rule says: to whom, or what is to be done if nobody can. What was tried is written down."""
    for first in former.firsts(rule, matter):
        decision = _to(first, rule, matter, (*tried, Tried(rule, CHOSEN, first.team)))
        if decision is not None:
            return decision
    teams = [rule.team]
    if rule.if_nobody == RoutingRule.IfNobody.FALLBACK and rule.fallback_team is not None:
        teams.append(rule.fallback_team)
    opens: list[datetime] = []
    nobody = Decision(
        matter.now, Ends.NOBODY, NOBODY, policy_version=matter.version, passes_capacity=matter.passes_capacity
    )
    for team in teams:
        roster = choosing.roster(matter, team, rule)
        nobody = replace(nobody, rule=rule, team=team, roster=roster)
        if roster is not None:
            found = _in_turn(replace(nobody, tried=(*tried, Tried(rule, CHOSEN, team))), rule, roster, matter)
            if found is not None:
                return found
            opens += [each.opens_at for each in roster.candidates if each.opens_at is not None]
        tried.append(Tried(rule, NOBODY, team, roster.counted() if roster is not None else None))
    if rule.if_nobody == RoutingRule.IfNobody.POOL:
        return replace(nobody, ends=Ends.POOL, why="nobody can; in the pool by the rule")
    if opens or rule.if_nobody == RoutingRule.IfNobody.HOLD:
        return replace(nobody, ends=Ends.HELD, why="held until somebody can", held_until=min(opens, default=None))
    return nobody


def _in_turn(decision: Decision, rule: RoutingRule | None, roster: Roster, matter: Matter) -> Decision | None:
    """By the rule's strategy within this team; without a rule, by turn."""
    turn = choosing.in_turn(matter, rule, roster)
    if turn.chosen is None:
        return None
    why = BY[RoutingRule.Strategy(rule.strategy)] if rule is not None else ROUND_ROBIN
    override = HAND_RAISE if turn.chosen.is_full else None
    return replace(
        decision, ends=Ends.OFFER, why=why, chosen=turn.chosen, roster=turn.roster, override=override, turn=turn
    )
