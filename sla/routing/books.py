"""What routing reads once for many leads: rules, policies, calendars in force, the organization's day.

Whoever keeps a book over several leads throws it away after `LASTS`: a rule changed meanwhile counts from then on.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from leads.models import Organization
from sla.clocks import deadlines, policies
from sla.models import Desk, PolicyTarget, PolicyVersion, Rep, RoutingRule
from sla.people import calendars
from sla.shadow import standing
from sla.shadow.standing import Shadows
from sla.worktime import Hours, WorktimeError, due_at, is_open, next_open

LASTS: Final = timedelta(seconds=1)


class Books:
    """One reading, as of `at`. Each part is read when it is first asked for."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._due: dict[tuple[int, datetime, tuple[int, ...]], datetime | None] = {}
        self._opens: dict[tuple[datetime, tuple[int, ...]], datetime | None] = {}

    @cached_property
    def rules(self) -> list[RoutingRule]:
        """The active routing rules in their order."""
        rules = RoutingRule.objects.filter(is_active=True).select_related("team", "fallback_team")
        return list(rules.order_by("position", "id"))

    @cached_property
    def shadows(self) -> Shadows:
        """What runs on paper only."""
        return standing.read()

    @cached_property
    def policies(self) -> list[PolicyVersion]:
        """The published policies in their order."""
        return policies.published()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The organization's time zone."""
        name = Organization.objects.values_list("time_zone", flat=True).first()
        return ZoneInfo(name or "UTC")

    @cached_property
    def in_force(self) -> dict[int, int]:
        """The calendar versions in force."""
        return calendars.in_force()

    def midnight(self, now: datetime) -> datetime:
        """When the organization's day of this instant began."""
        return now.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)

    def versions(self, hours: str, desk: Desk, rep: Rep) -> tuple[int, ...]:
        """The calendar versions in which a target of these hours counts for this rep of this desk."""
        of_team = self.in_force.get(desk.calendar_id)
        own = self.in_force.get(rep.calendar_id) if rep.calendar_id is not None else None
        return tuple(calendars.which(hours, of_team=of_team, own=own))

    def due(self, target: PolicyTarget, desk: Desk, rep: Rep, *, now: datetime) -> datetime | None:
        """When this target would be due for this rep, counted from now; None where it can't be counted.

        What else the rep has promised is not looked at: that is counted for the one who gets it.
        """
        versions = self.versions(target.hours, desk, rep)
        key = (target.pk, now, versions)
        if key not in self._due:
            hours = calendars.hours_of_versions(versions)
            try:
                with deadlines.countable():
                    if target.outside_seconds is not None and hours.calendars and not is_open(hours, now):
                        due = due_at(hours, now, seconds=target.outside_seconds)
                    else:
                        due = due_at(hours, now, seconds=target.seconds, business_days=target.business_days)
            except deadlines.NotCountable:
                due = None
            self._due[key] = due
        return self._due[key]

    def opens(self, desk: Desk, rep: Rep, *, now: datetime) -> datetime | None:
        """When the rep is at work next, `now` if they are; None where their hours never open."""
        versions = self.versions(PolicyTarget.Hours.REP, desk, rep)
        if not versions:
            return now
        key = (now, versions)
        if key not in self._opens:
            hours: Hours = calendars.hours_of_versions(versions)
            try:
                self._opens[key] = next_open(hours, now)
            except WorktimeError:
                self._opens[key] = None
        return self._opens[key]
