"""Promises and routing to begin with: by when a person reaches out, and who gets the next lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leads.errors import Invalid
from leads.lengths import say_budget
from leads.models import Team, User
from leads.transactions import business
from sla import publishing
from sla.models import Heat, Policy, PolicyTarget, PolicyVersion, RoutingRule, Target
from sla.shipped import POLICY

MINUTE, HOUR = 60, 3600
WHY: Final = "Chosen on the first day."


@dataclass(frozen=True)
class Pace:
    """By when a person has reached out, in seconds of working time by heat; accepting takes half of it at most."""

    key: str
    name: str
    about: str
    first_touch: dict[Heat, int]
    accept: dict[Heat, int]

    def says(self) -> list[tuple[str, str]]:
        """Each heat with its length."""
        return [(heat.label, say_budget(self.first_touch[heat], None)) for heat in Heat]


def _pace(key: str, name: str, about: str, *lengths: int) -> Pace:
    touch = dict(zip(Heat, lengths, strict=True))
    return Pace(key, name, about, touch, {heat: touch[heat] // 2 for heat in Heat if heat != Heat.HAND_RAISE})


PACES: Final = (
    _pace("standard", "Standard", "What most teams keep.", 15 * MINUTE, HOUR, 4 * HOUR, 8 * HOUR),
    _pace("fast", "Fast", "For inbound teams with cover all day.", 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 4 * HOUR),
    _pace("calm", "Calm", "For small teams with other work.", HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR),
)
ROUTES: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "turns": ("By turn", "One after the other, each as often as the others.", {}),
    "owner": (
        "Who knows them first",
        "The account's owner, then who had the person before, then by turn.",
        {"owner_first": True, "previous": RoutingRule.Previous.FIRST},
    ),
    "load": (
        "Who has least",
        "Whoever has the fewest open leads.",
        {"strategy": RoutingRule.Strategy.LEAST_LOADED},
    ),
}


@business
def choose(pace: str, route: str, team: Team, *, now: datetime, by: User) -> RoutingRule:
    """Put these promises in force, and send everybody to this team in this way. Can be chosen again.

    Raises Invalid naming the field; NotPublishable where somebody's draft of the policy stands in the way.
    """
    chosen = next((each for each in PACES if each.key == pace), None)
    if chosen is None:
        raise Invalid("Choose by when you reach out.", field="pace")
    if route not in ROUTES:
        raise Invalid("Choose who gets the next lead.", field="route")
    _promise(chosen, now=now, by=by)
    return _send_to(team, route, now=now, by=by)


def _promise(pace: Pace, *, now: datetime, by: User) -> None:
    policy, _ = Policy.objects.get_or_create(name=POLICY, defaults={"position": 1000})
    if policy.versions.filter(state=PolicyVersion.VersionState.DRAFT).exists():
        raise publishing.NotPublishable(
            f"Somebody is changing {policy} in the admin. Publish or discard that draft first.", field="pace"
        )
    version = publishing.draft_policy(policy)
    lines = {Target.FIRST_TOUCH: pace.first_touch, Target.ACCEPT: pace.accept}
    if _stands(policy, lines):
        version.delete()
        return
    version.targets.filter(target__in=list(lines)).delete()
    PolicyTarget.objects.bulk_create(
        PolicyTarget(version=version, target=target, heat=heat, seconds=seconds)
        for target, lengths in lines.items()
        for heat, seconds in lengths.items()
    )
    if not version.targets.filter(target=Target.ASSIGN).exists():
        always = PolicyTarget.Hours.ROUND_THE_CLOCK
        PolicyTarget.objects.bulk_create(
            PolicyTarget(version=version, target=Target.ASSIGN, heat=heat, seconds=5 * MINUTE, hours=always)
            for heat in Heat
        )
    publishing.publish_policy(version, why=f"{pace.name}: {WHY.lower()}", now=now, by=by)


def _stands(policy: Policy, lines: dict[Target, dict[Heat, int]]) -> bool:
    """Whether what is in force says the same."""
    wanted = {(target, heat): seconds for target, lengths in lines.items() for heat, seconds in lengths.items()}
    live = PolicyTarget.objects.filter(version__policy=policy, version__state=PolicyVersion.VersionState.PUBLISHED)
    stands = live.filter(target__in=list(lines)).values_list("target", "heat", "seconds")
    return {(target, heat): seconds for target, heat, seconds in stands} == wanted


def _send_to(team: Team, route: str, *, now: datetime, by: User) -> RoutingRule:
    name = f"Everyone to {team}"[:120]
    rule = RoutingRule.objects.filter(name=name).first() or RoutingRule(name=name, position=1000, condition={})
    plain: dict[str, Any] = {
        "owner_first": False,
        "previous": RoutingRule.Previous.ANYONE,
        "strategy": RoutingRule.Strategy.ROUND_ROBIN,
    }
    for field, value in (plain | ROUTES[route][2] | {"team": team, "is_active": True}).items():
        setattr(rule, field, value)
    return publishing.put(rule, why=f"{ROUTES[route][0]}: {WHY.lower()}", now=now, by=by)
