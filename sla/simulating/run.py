"""One simulation: the decision that routing would take, why each rule held or not, and the promises with their sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from leads.conditions import ConditionError, sentence
from scoring.models import Lane
from sla.clocks import NotCountable, deadlines, ladder, policies, promising
from sla.models import CalendarVersion, ClockTiming, PolicyVersion, RoutingRule, Target
from sla.routing import deciding
from sla.routing.candidates import Candidate
from sla.routing.deciding import UNDO, Decision
from sla.routing.ends import Ends
from sla.routing.signaling import Person
from sla.simulating import signals
from sla.simulating.paper import Asked
from sla.simulating.reasons import why_not
from sla.why.sentences import CHOSEN, NEXT, Told, why
from sla.worktime import Deadline

ENDS = {
    Ends.OFFER: "It would be offered.",
    Ends.HELD: "It would wait for a moment, so that the last verdict can still be undone.",
    Ends.POOL: "It would wait in the pool for whoever asks for the next one: all its offers went by unanswered.",
    Ends.DECISION: "It would wait: its rep has left, and a manager decides where it goes.",
    Ends.NO_RULE: "It would wait: no routing rule holds. Add one with an empty condition, as the last.",
    Ends.NOBODY: "It would wait: rules hold, and nobody of their teams can take it.",
    Ends.NO_POLICY: "It would wait: nothing can be promised, for no published policy holds.",
}


@dataclass(frozen=True)
class RuleSeen:
    """One rule: whether it was asked, what came of it, and what stood in its way."""

    rule: RoutingRule
    reads: str
    result: str
    why_not: list[str]


@dataclass(frozen=True)
class RepSeen:
    """One rep of the team with their numbers, and in words why it would or would not be them."""

    candidate: Candidate
    is_chosen: bool
    says: str


@dataclass(frozen=True)
class Promise:
    """One target: when it would be due, how that is counted, and what would happen on the way."""

    target: Target
    deadline: Deadline
    hours: str
    ladder: list[tuple[datetime, str]]


@dataclass(frozen=True)
class Simulation:
    """Where it would go, and all that led to it."""

    asked: Asked
    decision: Decision
    says: str
    rules: list[RuleSeen]
    reps: list[RepSeen]
    policy: PolicyVersion | None
    promises: list[Promise]
    told: Person | None = None  # of a signal: whom it goes to


def simulate(asked: Asked, *, zone: str = "UTC") -> Simulation:
    """Where this lead would go at that instant, with the load as it is now, told in `zone`. Writes nothing."""
    episode, lead, at = asked.episode, asked.lead, asked.at
    if episode.lane == Lane.SIGNAL:
        return _signal(asked)
    decision = deciding.decide(episode, lead, now=at)
    return Simulation(
        asked,
        decision,
        _says(decision),
        _rules(asked, decision),
        list(_reps(decision, ZoneInfo(zone))),
        decision.policy_version,
        list(_promises(_promised(asked, decision))),
    )


def _signal(asked: Asked) -> Simulation:
    """Of somebody who is known already: whoever has them is told, whatever the rules say."""
    person = signals.recipient(asked)
    decision = signals.decide(asked, person)
    version, made = decision.policy_version, {}
    if version is not None:
        made = signals.promised(asked, version, person) if person is not None else _to_assign(asked, version)
    rules = _rules(asked, decision)
    return Simulation(
        asked, decision, signals.says(decision, person), rules, [], version, list(_promises(made)), person
    )


def _says(decision: Decision) -> str:
    told = _ends(decision)
    if decision.shadow is not None:
        told += f" All of it on paper: {decision.shadow} runs in shadow, and nobody would be told."
    return told


def _ends(decision: Decision) -> str:
    if decision.ends == Ends.HELD and decision.why != UNDO:
        return "It would be held until somebody can take it, as its rule says."
    if decision.ends == Ends.POOL and decision.unanswered is None:
        return "It would wait in the pool for whoever asks for the next one, as its rule says."
    return ENDS.get(decision.ends, decision.why)


def _rules(asked: Asked, decision: Decision) -> list[RuleSeen]:
    """Every active rule in its order; those behind the chosen one were not asked."""
    tried = {each.rule.pk: each.result for each in decision.tried}
    rules = list(RoutingRule.objects.filter(is_active=True).select_related("team").order_by("position", "id"))
    reasons = why_not(asked.episode, asked.lead, [rule.condition for rule in rules])
    return [
        RuleSeen(rule, _read(rule), tried.get(rule.pk, "not asked"), why if rule.pk in tried else [])
        for rule, why in zip(rules, reasons, strict=True)
    ]


def _read(rule: RoutingRule) -> str:
    try:
        return sentence(rule.condition)
    except ConditionError as error:
        return str(error)


def _reps(decision: Decision, zone: ZoneInfo) -> Iterator[RepSeen]:
    if decision.roster is None:
        return
    told = told_of(decision)
    for each in decision.roster.candidates:
        chosen = decision.chosen is not None and each.rep.pk == decision.chosen.rep.pk
        yield RepSeen(each, chosen, why(each.rep.pk, told, zone=zone))


def told_of(decision: Decision) -> Told:
    """The decision as the sentences about each rep want it; also one that chose nobody."""
    roster, chosen = decision.roster, decision.chosen
    in_line = roster.able(passes_capacity=decision.passes_capacity) if roster is not None else []
    ready = {each.rep.pk for each in in_line}
    lines: dict[int, dict[str, Any]] = {}
    for each in roster.candidates if roster is not None else ():
        code = NEXT if each.rep.pk in ready else each.code
        if chosen is not None and each.rep.pk == chosen.rep.pk:
            code = CHOSEN
        lines[each.rep.pk] = {**each.numbers(), "code": code}
    return Told(
        decision.why,
        lines,
        str(chosen.rep.user) if chosen is not None else "",
        lines[chosen.rep.pk] if chosen is not None and chosen.rep.pk in lines else None,
        decision.team.name if decision.team is not None else "",
        decision.rule.name if decision.rule is not None else "",
        [each.as_trace() for each in decision.tried],
    )


def _promised(asked: Asked, decision: Decision) -> dict[str, promising.Promise]:
    """Accept and first touch of the offer; while it would wait, the time by which somebody must have it."""
    if decision.chosen is None and decision.policy_version is not None:
        return _to_assign(asked, decision.policy_version)
    return deciding.promised(decision, asked.episode)


def _promises(made: dict[str, promising.Promise]) -> Iterator[Promise]:
    for name, each in made.items():
        timing = ClockTiming(**each.inputs())
        target = Target(name)
        hours = ", ".join(part for part in (_hours(each.versions), each.told) if part)
        yield Promise(target, deadlines.counted(timing, ()), hours, _ladder(timing, target))


def _to_assign(asked: Asked, version: PolicyVersion) -> dict[str, promising.Promise]:
    line = policies.target_for(version, Target.ASSIGN, policies.heat_of(asked.episode))
    if line is None:
        return {}
    try:
        return {Target.ASSIGN.value: promising.promise(asked.episode, line, start_at=asked.at)}
    except NotCountable:
        return {}


def _ladder(timing: ClockTiming, target: Target) -> list[tuple[datetime, str]]:
    try:
        steps = ladder.schedule(timing, target, due=timing.due_at)
    except NotCountable:
        return []
    told = [(step.at, "the promise is broken" if step.ladder_step is None else str(step.ladder_step)) for step in steps]
    return sorted(told)


def _hours(ids: list[int]) -> str:
    versions = CalendarVersion.objects.filter(pk__in=ids).select_related("calendar").order_by("pk")
    return " and ".join(map(str, versions)) or "round the clock"
