"""What of the floor a manager looks at: their teams, narrowed by team, rep, tier and source, and one of the numbers.

All of it stands in the address, so that a view of the board is a link.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

import django_filters
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from leads.models import Role, Team, User
from scoring.models import Tier
from sla.models import Handoff
from sla.querysets import HandoffQuerySet, is_adrift, managed_teams

QUARTER: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)
LANES: Final = {
    "late": "Late",
    "soon": "Within 15 minutes",
    "next": "Within the hour",
    "later": "Later",
    "none": "No clock running",
}
NUMBERS: Final = {
    "late": "Late now",
    "soon": "Due within 15 min",
    "hour": "Due within the hour",
    "adrift": "Adrift, no next step",
    "waiting": "Waiting for someone",
}
# From when until when after now what is in them is due; None is without an end.
NOW: Final = timedelta(0)
BOUNDS: Final[dict[str, tuple[timedelta | None, timedelta | None]]] = {
    "late": (None, NOW),
    "soon": (NOW, QUARTER),
    "next": (QUARTER, HOUR),
    "hour": (NOW, HOUR),
    "later": (HOUR, None),
}
ADRIFT: Final = "state = 'accepted' AND (next_step_at IS NULL OR next_step_at < %s)"
SHOWS: Final = frozenset(LANES) | frozenset(NUMBERS)


def teams_of(viewer: User) -> QuerySet[Team]:
    """The teams of this viewer's board; to people who manage nothing there is no board."""
    if not viewer.has_role(Role.MANAGER, Role.REVOPS, Role.ADMIN):
        raise Http404
    return managed_teams(viewer)


def within(lane: str, *, now: datetime) -> Q:
    """The hand-offs whose next due instant lies in this lane, or counts to this number."""
    if lane not in BOUNDS:
        return is_adrift(now) if lane == "adrift" else Q(next_due_at=None)
    begins, ends = BOUNDS[lane]
    found = Q() if begins is None else Q(next_due_at__gte=now + begins)
    return found if ends is None else found & Q(next_due_at__lt=now + ends)


def within_sql(lane: str, *, now: datetime) -> tuple[str, list[datetime]]:
    """The same for a question that is put together once for all lanes: a condition, and its moments."""
    if lane not in BOUNDS:
        return (ADRIFT, [now]) if lane == "adrift" else ("next_due_at IS NULL", [])
    bounds = zip((">=", "<"), BOUNDS[lane], strict=True)
    given = [(f"next_due_at {sign} %s", now + bound) for sign, bound in bounds if bound is not None]
    return " AND ".join(sql for sql, _ in given), [moment for _, moment in given]


def _teams(request: Any) -> QuerySet[Team]:
    found: QuerySet[Team] = request.board_teams
    return found


def _people(request: Any) -> QuerySet[User]:
    return User.objects.filter(memberships__team__in=request.board_teams).distinct()


class Narrowed(django_filters.FilterSet):
    """Open hand-offs by team, rep, tier and first-touch source; what can't be read narrows nothing."""

    team = django_filters.ModelChoiceFilter(queryset=_teams)  # type: ignore[arg-type]
    rep = django_filters.ModelChoiceFilter(
        field_name="user",
        to_field_name="public_id",
        queryset=_people,  # type: ignore[arg-type]
    )
    tier = django_filters.ChoiceFilter(choices=Tier.choices)
    source = django_filters.CharFilter(lookup_expr="exact", max_length=120)

    class Meta:
        model = Handoff
        fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """One look at the board: whose teams, narrowed by what, showing what, at which moment."""

    viewer: User
    teams: QuerySet[Team]
    chosen: dict[str, Any]
    show: str
    now: datetime

    @classmethod
    def of(cls, request: HttpRequest, viewer: User, *, now: datetime) -> Look:
        """As the address says. Raises 404 for people who manage nothing."""
        teams = teams_of(viewer)
        chosen: dict[str, Any] = {}
        if not Narrowed.base_filters.keys().isdisjoint(request.GET):
            request.board_teams = teams  # type: ignore[attr-defined]
            narrowed = Narrowed(request.GET, queryset=Handoff.objects.none(), request=request)
            narrowed.is_valid()
            chosen = {name: value for name, value in narrowed.form.cleaned_data.items() if value}
        show = request.GET.get("show", "")
        return cls(viewer, teams, chosen, show if show in SHOWS else "", now)

    @cached_property
    def team_ids(self) -> list[int] | None:
        """The viewer's teams; None for who sees the whole floor."""
        if self.viewer.has_role(Role.REVOPS, Role.ADMIN):
            return None
        return list(self.teams.values_list("pk", flat=True))

    @property
    def floor(self) -> HandoffQuerySet:
        """All that is open in the viewer's teams."""
        opened = Handoff.objects.open()
        return opened if self.team_ids is None else opened.filter(team__in=self.team_ids)

    @cached_property
    def handoffs(self) -> HandoffQuerySet:
        """What of it the narrowing leaves."""
        return self.narrowed()

    def some(self, lane: str, most: int, *, in_order: bool = False) -> tuple[str, list[Any]]:
        """A question for so many of a lane, ids with their due instants; what is due first comes first, if asked.

        Each team is asked by itself and answers off an index of its own: the database can't know that a small team has
        nothing in a long lane, and would walk all of the lane to find out.
        """
        sql, params = self._written
        condition, moments = within_sql(lane, now=self.now)
        order = "ORDER BY next_due_at, id " if in_order else ""
        if self.team_ids is None:
            return f"{sql} AND {condition} {order}LIMIT {most}", [*params, *moments]
        of_team = f"{sql} AND {condition} AND sla_handoff.team_id = of_team.id {order}LIMIT {most}"
        order = "ORDER BY next_due_at, pk " if in_order else ""
        return (
            "SELECT found.pk, found.next_due_at FROM unnest(%s::bigint[]) AS of_team (id) "  # noqa: S608  (words of ours)
            f"CROSS JOIN LATERAL ({of_team}) AS found {order}LIMIT {most}",
            [self.team_ids, *params, *moments],
        )

    @cached_property
    def _written(self) -> tuple[str, list[Any]]:
        """What is open and left by the narrowing, of whichever team, as a statement conditions can be added to."""
        query = self._narrow(Handoff.objects.open()).order_by().values("pk", "next_due_at").query
        sql, params = query.sql_with_params()
        return sql, list(params)

    def narrowed(self, *, but: str = "") -> HandoffQuerySet:
        """What of it the narrowing leaves, one choice left aside."""
        return self._narrow(self.floor, but=but)

    def _narrow(self, handoffs: HandoffQuerySet, *, but: str = "") -> HandoffQuerySet:
        columns = {"rep": "user"}
        return handoffs.filter(**{columns.get(name, name): value for name, value in self.chosen.items() if name != but})

    @property
    def values(self) -> dict[str, str]:
        """What was chosen, as the address says it."""
        found = {name: str(value) for name, value in self.chosen.items()}
        if team := self.chosen.get("team"):
            found["team"] = str(team.pk)
        if rep := self.chosen.get("rep"):
            found["rep"] = str(rep.public_id)
        return found

    @property
    def from_here(self) -> str:
        """What an address adds, so that whoever acts comes back to this look; empty where nothing is chosen."""
        return "&" + urlencode({"from": self.address()}) if self.address() else ""

    def address(self, **other: str) -> str:
        """The query of this look, with something else shown or chosen; an empty value takes it out."""
        asked = {"show": self.show} | self.values | other
        return urlencode({name: value for name, value in asked.items() if value})
