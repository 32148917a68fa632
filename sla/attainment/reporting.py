"""Everything that a page of the manager's numbers shows of one week, in a fixed number of questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from leads.models import Organization, Team, User
from scoring.models import Definition, Tier
from sla.attainment import counting
from sla.attainment.asking import Asked
from sla.attainment.counting import Counted
from sla.attainment.speed import Speed, speed
from sla.attainment.weeks import Week, week_of, weeks_until
from sla.models import Desk, Target

WEEKS: Final = 12
SHOWN: Final = 200
# How the address says that nobody knows where it came from.
UNKNOWN: Final = "(none)"


@dataclass(frozen=True)
class Group:
    """One team, rep, tier, source or definition: how the address says it, and its promises."""

    value: str
    label: str
    counted: Counted


@dataclass(frozen=True)
class Report:
    """One week, and the weeks until it, the oldest first. `target` is the promise that is broken down."""

    asked: Asked
    week: Week
    target: str
    now: datetime
    targets: Mapping[str, Counted]
    weeks: Sequence[Week]
    by_week: Mapping[str, Sequence[Counted]]
    groups: Mapping[str, Sequence[Group]]
    speed: Speed
    paused_by: Sequence[tuple[str, int]]
    goal: int | None

    @property
    def is_running(self) -> bool:
        """Whether the week has not ended yet."""
        return self.now < self.week.until_at


def this_week(*, now: datetime) -> Week:
    """The organization's week of now."""
    zone, first = _organization()
    return week_of(now.astimezone(ZoneInfo(zone)).date(), zone=zone, first_weekday=first)


def the_week(day: date) -> Week:
    """The organization's week in which a day lies; raises ValueError for days before 1971 and from 9000 on."""
    if not 1971 <= day.year < 9000:
        raise ValueError(f"{day} lies beyond what is counted.")
    zone, first = _organization()
    return week_of(day, zone=zone, first_weekday=first)


def report(asked: Asked, week: Week, *, target: str, now: datetime) -> Report:
    """The numbers of this week, as far as they may be read."""
    zone, _ = _organization()
    weeks = weeks_until(week, WEEKS, zone=zone)
    told = speed(asked, week, now=now)
    found = counting.by_week(asked, weeks, now=now)
    groups = counting.by_each(asked, week, target=target, now=now)
    people = User.objects.in_bulk(told.paused_by) if asked.by_people else {}
    return Report(
        asked,
        week,
        target,
        now,
        {each: counted[-1] for each, counted in found.items()},
        weeks,
        found,
        {name: _groups(name, each) for name, each in groups.items() if name != "rep" or asked.by_people},
        told,
        sorted((str(people[who]), spent) for who, spent in told.paused_by.items() if who in people),
        goal_of(asked) if target == Target.FIRST_TOUCH else None,
    )


def goal_of(asked: Asked) -> int | None:
    """The goal of first touches in percent, where the teams that are asked for have one and the same."""
    if asked.only is not None:
        return None
    desks = Desk.objects.all()
    if asked.team is not None:
        desks = desks.filter(team=asked.team)
    elif asked.teams is not None:
        desks = desks.filter(team__in=asked.teams)
    goals = set(desks.values_list("goal", flat=True))
    return goals.pop() if len(goals) == 1 else None


def _groups(dimension: str, counted: Mapping[Any, Counted]) -> list[Group]:
    shown = dict(list(counted.items())[:SHOWN])
    keys = [key for key in shown if key is not None]
    named: dict[Any, tuple[str, str]]
    if dimension == "team":
        named = {pk: (str(pk), name) for pk, name in Team.objects.filter(pk__in=keys).values_list("pk", "name")}
    elif dimension == "rep":
        named = {user.pk: (str(user.public_id), str(user)) for user in User.objects.filter(pk__in=keys)}
    elif dimension == "definition":
        named = {each.pk: (str(each.public_id), str(each)) for each in Definition.objects.filter(pk__in=keys)}
    elif dimension == "tier":
        named = {value: (value, label) for value, label in Tier.choices}
    else:
        named = {key: (key or UNKNOWN, key or "unknown") for key in keys}
    return [Group(*named.get(key, ("", "nobody yet")), each) for key, each in shown.items()]


def _organization() -> tuple[str, int]:
    row = Organization.objects.get(pk=1)
    return row.time_zone, row.first_weekday
