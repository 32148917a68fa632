"""Who works on the floor: teams in several zones, each with its calendar, rules, reps, and policies that change."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leads.models import Team, TeamMembership, User
from scoring import publishing as defining
from scoring.models import Axis, Criterion, Definition
from sla import publishing
from sla.models import (
    Calendar,
    Desk,
    Heat,
    LadderStep,
    Policy,
    PolicyTarget,
    PolicyVersion,
    Rep,
    RoutingRule,
    Target,
)
from tests import desk

ZONES = {
    "US": "America/New_York",
    "DE": "Europe/Berlin",
    "IN": "Asia/Kolkata",
    "AU": "Australia/Lord_Howe",
    "CL": "America/Santiago",
    "EG": "Africa/Cairo",
}
WEEK = ("mon", "tue", "wed", "thu", "fri")
SHIFTS: tuple[list[list[str]], ...] = (
    [["09:00", "17:00"]],
    [["08:30", "12:30"], ["13:15", "17:45"]],
    [["22:00", "06:00"]],
    [["00:00", "24:00"]],
    [["10:00", "19:00"]],
)
MINUTE, HOUR, DAY = 60, 3600, 86400
Hours, Action = PolicyTarget.Hours, LadderStep.Action


@dataclass
class House:
    """The company, as the floor needs it at hand."""

    policy: Policy
    manager: User
    teams: dict[str, Team] = field(default_factory=dict)
    calendars: list[Calendar] = field(default_factory=list)
    reps: list[Rep] = field(default_factory=list)


def found(dice: random.Random, *, reps: int, now: datetime) -> House:
    """Set the company up: reps spread over the zones, some with hours of their own."""
    measure(now=now)
    manager = desk.person("manager", "Maya Lund")
    house = House(Policy.objects.create(name="The floor", position=-1_000), manager)
    for position, (country, zone) in enumerate(list(ZONES.items())[: max(1, min(len(ZONES), reps // 4))]):
        team = house.teams[country] = Team.objects.create(name=f"Desk {country}")
        TeamMembership.objects.create(team=team, user=manager, is_manager=True)
        calendar = hours(f"Hours {country}", zone, dice, now=now)
        house.calendars.append(calendar)
        Desk.objects.create(team=team, calendar=calendar)
        condition = {"field": "lead.country", "op": "is", "value": country}
        RoutingRule.objects.create(name=f"To {country}", position=position, condition=condition, team=team)
    for number in range(reps):
        rep = desk.rep_in(dice.choice(list(house.teams.values())), f"Rep {number}", capacity=dice.randint(2, 8))
        if dice.random() < 0.2:
            rep.calendar = hours(f"Hours of rep {number}", dice.choice(list(ZONES.values())), dice, now=now)
            rep.save(update_fields=["calendar"])
            house.calendars.append(rep.calendar)
        if number % 3 == 0:
            rep.closes = True
            rep.save(update_fields=["closes"])
        house.reps.append(rep)
    promise(house, dice, now=now)
    return house


def measure(*, now: datetime) -> None:
    """What both teams call a qualified lead: who fits and keeps coming back; what people did counts less and less."""
    definition = Definition.objects.create(name="Keeps coming back")
    version = defining.draft(definition, now=now, by=None)
    version.engagement_min, version.total_min, version.warm_min, version.hot_min = 25_000, 45_000, 55_000, 75_000
    version.engagement_leave, version.total_leave, version.step = 10_000, 20_000, 2_000
    version.save()

    def did(key: str, activity: str, points: int, days: int, **more: Any) -> Criterion:
        more = {"within": days * DAY} | more
        return Criterion(version=version, key=key, label=activity, activities=[activity], points=points, **more)

    fading = {"mode": Criterion.Mode.PER_OCCURRENCE, "decay": Criterion.Decay.HALF_LIFE}
    lines = [
        did("article", "Read Article", 3_000, 60, half_life=14 * DAY, cap=12_000, **fading),
        did("pricing", "Visited Pricing Page", 20_000, 90, half_life=21 * DAY, cap=40_000, **fading),
        did("webinar", "Attended Webinar", 12_000, 45, decay=Criterion.Decay.LINEAR),
        did("trial", "Started Free Trial", 30_000, 60),
        did("careers", "Visited Careers Page", -25_000, 60),
        did("demo", "Requested Demo", 25_000, 90, is_hand_raise=True, hand_raise_fit_min=0),
    ]
    for line in lines:
        line.axis = Axis.ENGAGEMENT
    senior = {"field": "lead.seniority", "op": "in", "value": ["owner", "c_level", "vp", "director"]}
    refused = {"field": "lead.email_permission", "op": "is", "value": "refused"}
    fits = {"version": version, "axis": Axis.FIT}
    lines.append(Criterion(key="senior", label="Director or higher", points=20_000, condition=senior, **fits))
    lines.append(Criterion(key="out", label="No mail", disqualifies=True, condition=refused, **fits))
    Criterion.objects.bulk_create(lines)
    defining.publish(version, now=now, by=None)


def hours(name: str, zone: str, dice: random.Random, *, now: datetime) -> Calendar:
    """A calendar with its first version."""
    calendar = Calendar.objects.create(name=name)
    publishing.publish_calendar(calendar, week(zone, dice, now=now), now=now, by=None)
    return calendar


def week(zone: str, dice: random.Random, *, now: datetime) -> dict[str, Any]:
    """Hours somebody might work: lunch, nights, round the clock, holidays, a short day."""
    day = now.date().toordinal()
    holidays = sorted({now.date().fromordinal(day + dice.randint(1, 200)).isoformat() for _ in range(4)})
    return {"time_zone": zone, "weekly": dict.fromkeys(WEEK, dice.choice(SHIFTS)), "holidays": holidays}


def promise(house: House, dice: random.Random, *, now: datetime) -> PolicyVersion:
    """Publish the next version of the floor's policy, with other lengths and another ladder."""
    version = publishing.draft_policy(house.policy)
    version.targets.all().delete()
    version.steps.all().delete()
    version.max_hops = dice.randint(2, 4)
    version.save()
    whose = dice.choice([Hours.TEAM, Hours.REP, Hours.BOTH])
    base = dice.choice([15, 30, 45]) * MINUTE
    for place, heat in enumerate((Heat.HAND_RAISE, Heat.HOT, Heat.WARM, Heat.COOL)):
        touch, assign = base * 2**place, 10 * MINUTE * 2**place
        lines = [
            (Target.ASSIGN, assign, Hours.ROUND_THE_CLOCK, None),
            (Target.FIRST_TOUCH, touch, whose, None),
        ]
        lines += [(Target.DEPTH, 40 * HOUR, whose, 3), (Target.QUALIFY, 80 * HOUR, whose, None)]
        if heat != Heat.HAND_RAISE:
            lines.append((Target.ACCEPT, touch // 2, whose, None))
        for target, seconds, counted_in, touches in lines:
            PolicyTarget.objects.create(
                version=version, target=target, heat=heat, seconds=seconds, hours=counted_in, touches=touches
            )
    ladder = [(Target.ASSIGN, 100, Action.TELL_MANAGER), (Target.ACCEPT, 75, Action.TELL_REP)]
    ladder += [(Target.ACCEPT, dice.choice([100, 120, 150]), Action.HOP), (Target.QUALIFY, 100, Action.TELL_MANAGER)]
    ladder += [(Target.FIRST_TOUCH, 50, Action.TELL_REP), (Target.FIRST_TOUCH, 100, Action.TELL_MANAGER)]
    if dice.random() < 0.5:
        ladder.append((Target.FIRST_TOUCH, 200, Action.HOP))
    for target, share, action in ladder:
        LadderStep.objects.create(version=version, target=target, share=share, action=action)
    return publishing.publish_policy(version, now=now, by=None)
