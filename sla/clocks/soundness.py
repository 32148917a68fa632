"""Whether the ladders of a policy can be climbed: asked before it is published, answered with the way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from leads.errors import Invalid
from leads.models import User
from sla.clocks.audience import takes_leads
from sla.models import Desk, LadderStep, PolicyTarget, PolicyVersion, RoutingRule, Target

Action = LadderStep.Action


class LadderRefused(Invalid):
    """A step of a ladder could never do what it says; the sentence says what to change."""

    title = "Not published"
    code = "not_publishable"


def check_ladders(version: PolicyVersion) -> None:
    """Raise LadderRefused for a step that has no target, comes too early or too late, or hands over to nobody."""
    lines = list(version.targets.all())
    steps = list(version.steps.select_related("team", "endpoint"))
    for target in Target:
        own = [step for step in steps if step.target == target]
        promised = [line for line in lines if line.target == target]
        if own and not promised:
            raise _refused(
                target,
                f"The ladder has a step for {target.label.lower()}, but nothing is promised there. "
                "Add the target or remove the step.",
            )
        _check_order(target, own, promised)
        _check_starts(target, own, promised)
    _check_takers(version, steps)


def _check_order(target: Target, steps: Sequence[LadderStep], lines: Iterable[PolicyTarget]) -> None:
    """Nothing comes after the step that takes the lead away: the clock has ended by then."""
    for line in lines:
        for one, other in combinations(steps, 2):
            for mover, late in ((one, other), (other, one)):
                if mover.moves and target != Target.ASSIGN and _is_later(late, mover, line):
                    raise _refused(
                        target,
                        f"{target.label}: “{late}” never happens, since “{mover}” takes the lead away before. "
                        "Let it come earlier, or remove it.",
                    )


def _check_starts(target: Target, steps: Iterable[LadderStep], lines: Sequence[PolicyTarget]) -> None:
    """A length before the due time fits into the target, for one lane or tier at least."""
    longest = max((line.seconds for line in lines if line.seconds is not None), default=0)
    if any(line.seconds is None for line in lines):
        return
    for step in steps:
        if step.from_due is not None and not step.round_the_clock and -step.from_due >= longest > 0:
            raise _refused(
                target,
                f"{target.label}: “{step}” would come before the clock starts, since nobody has that long. "
                "Take a shorter length, or a share such as 75 %.",
            )


def _check_takers(version: PolicyVersion, steps: Iterable[LadderStep]) -> None:
    """Whoever is to take the lead next is there."""
    for step in steps:
        target = Target(step.target)
        if step.action == Action.HOP:
            if version.max_hops < 2:
                raise _refused(
                    target,
                    f"{target.label}: “{step}” offers to nobody, since the policy allows one offer. "
                    "Allow at least two, or put the lead into the pool.",
                    field="max_hops",
                )
            if _reps() == 1:
                raise _refused(
                    target,
                    f"{target.label}: “{step}” offers to nobody, since only one rep gets leads by the routing rules. "
                    "Add a second rep, or put the lead into the pool.",
                )
        elif step.endpoint is not None and not step.endpoint.is_active:
            raise _refused(
                target,
                f"{target.label}: “{step}” tells nobody, since the endpoint {step.endpoint} is switched off. "
                "Switch it on, or name another.",
            )
        elif step.action == Action.TEAM and step.team is not None and not takes_leads(step.team):
            raise _refused(
                target,
                f"{target.label}: “{step}” asks nobody, since {step.team} has no desk or no active rep. "
                "Give it both, or name another team.",
            )


def _reps() -> int:
    """How many people the active routing rules can offer leads to; a house that has none yet is still being set up."""
    teams = Desk.objects.filter(team__in=RoutingRule.objects.filter(is_active=True).values("team")).values("team")
    return User.objects.filter(is_active=True, rep__is_active=True, memberships__team__in=teams).distinct().count()


def _is_later(one: LadderStep, other: LadderStep, line: PolicyTarget) -> bool:
    """Whether one step comes after another for certain; lengths and shares compare where the target is a length."""
    if one.share is not None and other.share is not None:
        return one.share > other.share
    if one.round_the_clock != other.round_the_clock:
        return False
    if line.seconds is None and (one.share is None) != (other.share is None):
        return False
    return _from_due(one, line) > _from_due(other, line)


def _from_due(step: LadderStep, line: PolicyTarget) -> float:
    """Working seconds after the due time."""
    if step.from_due is not None:
        return step.from_due
    return (line.seconds or 0) * ((step.share or 0) - 100) / 100


def _refused(target: Target, sentence: str, field: str = "ladder") -> LadderRefused:
    return LadderRefused(sentence, field=field, target=target.value)
