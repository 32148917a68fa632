"""Where a lead goes: the decision, which writes nothing. Routing acts on it, a simulator shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from leads.models import Lead, Team
from scoring.models import Episode, Lane
from sla import matching
from sla.clocks import deadlines, ladder, policies, promising
from sla.models import Handoff, PolicyVersion, RoutingRule, Target
from sla.routing import candidates, former, waiting
from sla.routing.candidates import Candidate, Roster

ROUND_ROBIN: Final = "round robin"
HAND_RAISE: Final = "hand-raise"


class Ends(StrEnum):
    """How a decision ends."""

    OFFER = "offer"
    HELD = "held"
    POOL = "pool"
    NO_RULE = "no_rule"
    NOBODY = "nobody"
    NO_POLICY = "no_policy"


@dataclass(frozen=True)
class Tried:
    """One rule in the order in which it was asked, and what came of it."""

    rule: RoutingRule
    result: str

    def as_trace(self) -> dict[str, Any]:
        """What the trace keeps of it."""
        return {"rule": self.rule.pk, "version": self.rule.version, "name": self.rule.name, "result": self.result}


class Offer(NamedTuple):
    """The parts of a decision that chose somebody."""

    chosen: Candidate
    team: Team
    roster: Roster
    policy_version: PolicyVersion


@dataclass(frozen=True)
class Decision:
    """Who is to be offered a lead at an instant, or what happens instead; with everything that led to it.

    `roster` holds every rep of the team that was looked at last, each with their numbers and one code. `promised` maps
    accept and first touch to their due instants, if the offer were made at `at`.
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


def decide(episode: Episode, lead: Lead, *, now: datetime) -> Decision:
    """Where this lead would go if it were offered at `now`, with the due instants it would be promised.

    Locks and writes nothing. Both may be on paper only: an episode and a lead that were never saved are judged by
    what stands in them, as if nobody had been offered the lead before.
    """
    decision = _held(episode, lead, now=now) or look(episode, lead, now=now)
    return replace(decision, promised=promises(decision, episode))


def look(episode: Episode, lead: Lead, *, now: datetime) -> Decision:
    """The decision for an episode that may be offered: by its policy, to the former rep, else by the rules."""
    try:
        version = policies.choose(episode, lead)
    except policies.NoPolicy as refused:
        return Decision(now, Ends.NO_POLICY, str(refused))
    return _to_former_rep(episode, lead, version, now=now) or _by_rules(episode, lead, version, now=now)


def look_again(decision: Decision, episode: Episode) -> Decision | None:
    """The same decision within its team, counted again under the locks of the rotation and its reps.

    None where the last room was taken in between; the next round looks at all teams again.
    """
    chosen, team, *_ = decision.offer
    roster = candidates.roster(team, episode, now=decision.at, lock=True)
    if roster is None:
        return None
    if decision.why != ROUND_ROBIN:
        return _given_back(decision, roster.of(chosen.rep), roster, episode)
    return _in_turn(decision, roster)


def promises(decision: Decision, episode: Episode) -> dict[str, datetime]:
    """When accept and first touch would be due for the chosen rep; what can't be counted or isn't promised is out."""
    return {target: made.due_at for target, made in promised(decision, episode).items()}


def promised(decision: Decision, episode: Episode) -> dict[str, promising.Promise]:
    """The same promises, with all that they are counted from."""
    if decision.chosen is None:
        return {}
    chosen, team, _, version = decision.offer
    offer = Handoff(user=chosen.rep.user, team=team)
    due = {}
    for target in (Target.FIRST_TOUCH,) if episode.lane == Lane.FAST else (Target.ACCEPT, Target.FIRST_TOUCH):
        line = policies.target_for(version, target, policies.heat_of(episode))
        if line is None:
            continue
        try:
            due[target.value] = promising.promise(offer, line, start_at=decision.at, arrived_at=episode.opened_at)
        except deadlines.NotCountable:
            continue
    made = promising.one_by_one(offer, list(due.values()), now=decision.at)
    return dict(zip(due, made, strict=True))


def _held(episode: Episode, lead: Lead, *, now: datetime) -> Decision | None:
    """Why a waiting episode may not be offered at all now."""
    if episode.route_not_before is not None and episode.route_not_before > now:
        return Decision(now, Ends.HELD, "undo", held_until=episode.route_not_before)
    if waiting.is_pooled(episode):
        return Decision(now, Ends.POOL, "unanswered")
    return None


def _to_former_rep(episode: Episode, lead: Lead, version: PolicyVersion, *, now: datetime) -> Decision | None:
    """To the rep of the named date, or of the time before nurture, while they are there; they may be full."""
    found = former.rep_of(episode, lead)
    if found is None:
        return None
    roster = candidates.roster(found.team, episode, now=now)
    if roster is None:
        return None
    decision = Decision(
        now, Ends.OFFER, found.why, team=found.team, passes_capacity=True, policy_version=version, roster=roster
    )
    return _given_back(decision, roster.of(found.rep), roster, episode)


def _given_back(decision: Decision, here: Candidate | None, roster: Roster, episode: Episode) -> Decision | None:
    if here is None or here.code in (candidates.INACTIVE, candidates.AWAY):
        return None
    override = (HAND_RAISE if episode.lane == Lane.FAST else decision.why) if here.is_full else None
    return replace(decision, chosen=here, roster=roster, override=override)


def _by_rules(episode: Episode, lead: Lead, version: PolicyVersion, *, now: datetime) -> Decision:
    """By the first rule that holds and whose team can; else to a team that the ladder has asked as well."""
    passes = episode.lane == Lane.FAST
    tried: list[Tried] = []
    decision = Decision(now, Ends.NO_RULE, "no rule holds", policy_version=version, passes_capacity=passes)
    for rule, holds in matching.rules_for(episode, lead):
        if not holds:
            tried.append(Tried(rule, "does not hold"))
            continue
        roster = candidates.roster(rule.team, episode, now=now)
        decision = replace(decision, ends=Ends.NOBODY, why="nobody eligible", team=rule.team, roster=roster)
        if roster is not None and (found := _in_turn(replace(decision, rule=rule), roster)) is not None:
            return replace(found, tried=(*tried, Tried(rule, "chosen")))
        tried.append(Tried(rule, "nobody eligible"))
    for team in ladder.other_teams(episode):
        roster = candidates.roster(team, episode, now=now)
        if roster is not None and (found := _in_turn(replace(decision, team=team), roster)) is not None:
            return replace(found, tried=tuple(tried))
    return replace(decision, tried=tuple(tried))


def _in_turn(decision: Decision, roster: Roster) -> Decision | None:
    """The rep whose turn it is in this team."""
    chosen = roster.best(passes_capacity=decision.passes_capacity)
    if chosen is None:
        return None
    override = HAND_RAISE if chosen.is_full else None
    return replace(decision, ends=Ends.OFFER, why=ROUND_ROBIN, chosen=chosen, roster=roster, override=override)
