"""A manager's teams at a glance: whose hours, today's working time, load, and who will be away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from leads.models import Team
from sla.handoffs.room import loads
from sla.models import Absence, Calendar, Desk, Rep
from sla.people import calendars, days, spans
from sla.people.days import Day
from sla.worktime import Hours

AHEAD = timedelta(days=21)
AHEAD_SHOWN = 3


@dataclass(frozen=True)
class Member:
    """One rep of a team as their manager sees them."""

    rep: Rep
    calendar: Calendar | None
    is_own_calendar: bool
    clock: str
    day: Day
    load: int
    away: Absence | None
    ahead: Sequence[str]


@dataclass(frozen=True)
class Crew:
    """One team with its members; those who receive no leads any more stand apart."""

    team: Team
    calendar: Calendar | None
    members: list[Member] = field(default_factory=list)
    gone: list[Rep] = field(default_factory=list)

    @property
    def load(self) -> int:
        return sum(member.load for member in self.members)

    @property
    def capacity(self) -> int:
        return sum(member.rep.capacity for member in self.members)


def crews(teams: Iterable[Team], *, zone: ZoneInfo, now: datetime) -> list[Crew]:
    """These teams with their reps, each with today as `zone` has it; asked in a fixed number of questions."""
    wanted = list(teams)
    desks = {desk.team_id: desk for desk in Desk.objects.filter(team__in=wanted).select_related("calendar")}
    reps = list(
        Rep.objects.filter(user__memberships__team__in=wanted)
        .select_related("user", "calendar", "cover__user")
        .prefetch_related("user__memberships")
        .distinct()
        .order_by("user__full_name", "pk")
    )
    wanted_calendars = {rep.calendar_id for rep in reps} | {desk.calendar_id for desk in desks.values()}
    hours = calendars.hours_of_calendars(each for each in wanted_calendars if each is not None)
    load = loads([rep.user_id for rep in reps])
    absent = _absences(reps, now=now)
    found = []
    for team in wanted:
        desk = desks.get(team.pk)
        crew = Crew(team, desk.calendar if desk is not None else None)
        for rep in reps:
            if team.pk not in {each.team_id for each in rep.user.memberships.all()}:
                continue
            if rep.is_active:
                crew.members.append(
                    _member(rep, crew.calendar, hours, absent.get(rep.pk, []), load, zone=zone, now=now)
                )
            else:
                crew.gone.append(rep)
        found.append(crew)
    return found


def _member(
    rep: Rep,
    of_team: Calendar | None,
    hours: dict[int, Hours],
    absent: Sequence[Absence],
    load: dict[int, int],
    *,
    zone: ZoneInfo,
    now: datetime,
) -> Member:
    calendar = rep.calendar or of_team
    open_in = hours.get(calendar.pk, Hours.always()) if calendar is not None else Hours.always()
    today = now.astimezone(zone).date()
    own = spans.zone_of(rep.user.time_zone)
    return Member(
        rep,
        calendar,
        rep.calendar is not None,
        f"{now.astimezone(own):%H:%M}",
        days.picture(open_in, [(each.starts_at, each.ends_at) for each in absent], day=today, zone=zone, now=now),
        load.get(rep.user_id, 0),
        next((each for each in absent if each.starts_at <= now < each.ends_at), None),
        [spans.said(each.starts_at, each.ends_at, own) for each in absent if each.starts_at > now][:AHEAD_SHOWN],
    )


def _absences(reps: Sequence[Rep], *, now: datetime) -> dict[int, list[Absence]]:
    """What lies around now, by rep: today's, also what is over, and what is to come."""
    rows = Absence.objects.filter(rep__in=reps, ends_at__gt=now - timedelta(days=1), starts_at__lt=now + AHEAD)
    by_rep: dict[int, list[Absence]] = {}
    for row in rows.order_by("starts_at"):
        by_rep.setdefault(row.rep_id, []).append(row)
    return by_rep
