"""Whom the steps of one page of clocks can tell: looked up once for all of them, and only what is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from django.db.models import prefetch_related_objects

from leads import outbox
from leads.models import Endpoint, Team, User
from sla import matching
from sla.models import Clock, Desk, Rep
from sla.querysets import managers_of_each, members_of_each


class Audience:
    """The people and endpoints around some clocks, as they stand in this transaction."""

    def __init__(self, clocks: Iterable[Clock]) -> None:
        self._clocks = list(clocks)
        self._takes_leads: dict[int, bool] = {}

    def team_of(self, clock: Clock) -> Team | None:
        """The team whose promise it is: the one that has the lead, or would get it."""
        return self._teams[clock.pk]

    def managers(self, clock: Clock) -> list[User]:
        """Who is told about the leads of its team."""
        return self._managers[self.team_of(clock)]

    def members(self, clock: Clock) -> list[User]:
        """Everybody in its team."""
        team = self.team_of(clock)
        return self._members.get(team, []) if team is not None else []

    def listeners(self, event: str, clock: Clock) -> list[Endpoint]:
        """The endpoints that are told of this event of a clock."""
        team_id = clock.handoff.team_id if clock.handoff is not None else None
        return outbox.listeners(event, team_id=team_id, among=self._hearing)

    def endpoint(self, endpoint_id: int) -> Endpoint | None:
        """One endpoint, if it is switched on."""
        return next((each for each in self._hearing if each.pk == endpoint_id), None)

    def takes_leads(self, team: Team) -> bool:
        """Whether another team has a desk and somebody at it."""
        if team.pk not in self._takes_leads:
            self._takes_leads[team.pk] = takes_leads(team)
        return self._takes_leads[team.pk]

    @cached_property
    def _hearing(self) -> list[Endpoint]:
        return outbox.hearing()

    @cached_property
    def _teams(self) -> dict[int, Team | None]:
        teams: dict[int, Team | None] = {
            each.pk: each.handoff.team for each in self._clocks if each.handoff is not None
        }
        waiting = [each for each in self._clocks if each.handoff is None]
        if waiting:
            episodes = [each.episode for each in waiting]
            prefetch_related_objects(episodes, "definition")
            teams |= zip([each.pk for each in waiting], matching.teams_of(episodes), strict=True)
        return teams

    @cached_property
    def _managers(self) -> dict[Team | None, list[User]]:
        return managers_of_each(set(self._teams.values()))

    @cached_property
    def _members(self) -> dict[Team, list[User]]:
        return members_of_each({team for team in self._teams.values() if team is not None})


def takes_leads(team: Team) -> bool:
    """Whether a team has a desk and somebody at it."""
    reps = Rep.objects.filter(is_active=True, user__is_active=True, user__memberships__team=team)
    return Desk.objects.filter(team=team).exists() and reps.exists()
