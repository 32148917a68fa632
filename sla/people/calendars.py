"""Whose hours a target counts in, and the compiled hours of stored calendar versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from django.db.models import Max

from leads.models import Team, User
from scoring.models import Episode
from sla import matching
from sla.models import CalendarVersion, Desk, Handoff, PolicyTarget, Rep
from sla.worktime import Calendar, Hours, NeverOpen, next_open


def hours_for(subject: Handoff | Episode, policy_target: PolicyTarget) -> tuple[Hours, list[int]]:
    """The hours in which this target is counted, and the ids of the calendar versions that say so.

    A rep without hours of their own has the team's. An episode that waits for a rep has no team yet: it counts in the
    hours of the first team that its routing rules name. Where nobody's hours are known, time counts round the clock.
    Where team and rep have no hour in common, the team's count: an answer is due all the same.
    """
    ids = _versions(subject, policy_target.hours)
    return hours_of_versions(ids), ids


class Known:
    """The calendars of some teams and people, and the versions of them in force: read once for many hand-offs."""

    def __init__(self, handoffs: Collection[Handoff]) -> None:
        desks = Desk.objects.filter(team__in={handoff.team_id for handoff in handoffs})
        reps = Rep.objects.filter(user__in={handoff.user_id for handoff in handoffs}, calendar__isnull=False)
        of_teams: dict[int, int] = dict(desks.values_list("team", "calendar"))
        of_reps: dict[int, int] = dict(reps.values_list("user", "calendar"))
        force = in_force({*of_teams.values(), *of_reps.values()})
        self._of_teams = {team: force.get(calendar) for team, calendar in of_teams.items()}
        self._of_reps = {user: force.get(calendar) for user, calendar in of_reps.items()}

    def versions(self, handoff: Handoff, hours: str) -> list[int]:
        """The calendar versions in which a target of these hours counts for this hand-off."""
        return which(hours, of_team=self._of_teams.get(handoff.team_id), own=self._of_reps.get(handoff.user_id))

    def hours_of_rep(self, handoff: Handoff) -> Hours:
        """As `hours_of_rep`, for whom it was offered to."""
        own = self._of_reps.get(handoff.user_id) or self._of_teams.get(handoff.team_id)
        return hours_of_versions([own] if own is not None else [])


def hours_of_rep(user: User, team: Team) -> Hours:
    """The hours in which this person works in this team: their own, else the team's."""
    own = _of_rep(user) or _of_team(team)
    return hours_of_versions([own] if own is not None else [])


def hours_of_versions(ids: Iterable[int]) -> Hours:
    """The time that is open in all of these calendar versions; of none, round the clock."""
    return _hours(tuple(ids))


def team_hours(team: Team) -> Hours:
    """The team's working time as it stands now; round the clock for a team without a calendar."""
    version = _of_team(team)
    return hours_of_versions([version] if version is not None else [])


def hours_of_calendars(calendar_ids: Iterable[int]) -> dict[int, Hours]:
    """The hours in force of each of these calendars that has any, in one question."""
    newest = CalendarVersion.objects.filter(calendar__in=list(calendar_ids)).order_by("calendar_id", "-number")
    rows = newest.distinct("calendar_id").values_list("calendar_id", "pk")
    return {calendar_id: hours_of_versions([version_id]) for calendar_id, version_id in rows}


def _versions(subject: Handoff | Episode, hours: str) -> list[int]:
    if hours == PolicyTarget.Hours.ROUND_THE_CLOCK:
        return []
    if isinstance(subject, Handoff):
        team: Team | None = subject.team
        own = _of_rep(subject.user)
    else:
        team = matching.team_of(subject)
        own = None
    return which(hours, of_team=_of_team(team), own=own)


def which(hours: str, *, of_team: int | None, own: int | None) -> list[int]:
    """Of the calendar versions of a team and a rep, those that a target counts in."""
    if hours == PolicyTarget.Hours.ROUND_THE_CLOCK:
        chosen: list[int | None] = []
    elif hours == PolicyTarget.Hours.TEAM:
        chosen = [of_team]
    elif hours == PolicyTarget.Hours.REP:
        chosen = [own or of_team]
    elif of_team is not None and own is not None and not _meet(of_team, own):
        chosen = [of_team]
    else:
        chosen = [of_team, own]
    return list(dict.fromkeys(each for each in chosen if each is not None))


def in_force(calendar_ids: Collection[int] | None = None) -> dict[int, int]:
    """The version in force of every calendar, or of these: calendar id to version id."""
    newest = CalendarVersion.objects.order_by("calendar_id", "-number").distinct("calendar_id")
    newest = newest if calendar_ids is None else newest.filter(calendar__in=calendar_ids)
    return dict(newest.values_list("calendar_id", "id"))


def _of_team(team: Team | None) -> int | None:
    desk = Desk.objects.filter(team=team).first() if team is not None else None
    return _in_force(desk.calendar_id) if desk is not None else None


def _of_rep(user: User) -> int | None:
    rep = Rep.objects.filter(user=user, calendar__isnull=False).first()
    return _in_force(rep.calendar_id) if rep is not None and rep.calendar_id is not None else None


def _in_force(calendar_id: int) -> int | None:
    return CalendarVersion.objects.filter(calendar=calendar_id).order_by("-number").values_list("id", flat=True).first()


@lru_cache(maxsize=512)
def _meet(one_id: int, other_id: int) -> bool:
    """Whether two calendars are ever open together, in the year after the later one was made."""
    made = CalendarVersion.objects.filter(pk__in=[one_id, other_id]).aggregate(last=Max("created_at"))["last"]
    try:
        next_open(hours_of_versions([one_id, other_id]), made)
    except NeverOpen:
        return False
    return True


@lru_cache(maxsize=512)
def _hours(ids: tuple[int, ...]) -> Hours:
    return Hours.of(*(_calendar(each) for each in ids))


@lru_cache(maxsize=512)
def _calendar(version_id: int) -> Calendar:
    """A version never changes, so what was read of it holds for as long as the process lives."""
    return Calendar.from_spec(CalendarVersion.objects.values_list("spec", flat=True).get(pk=version_id))
