"""Speed to lead: receipt of the qualifying act → first touch by a person, over all hops, and whose time that was.

By matter, in the week it opened. Its team, rep, tier and source are those of the hand-off under which a person reached
out, else of its last one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple

from sla.attainment import owners
from sla.attainment.asking import Asked, matters
from sla.attainment.owners import OWNERS, Hold, Pause
from sla.attainment.weeks import Week
from sla.models import CalendarVersion, ClockPause, Desk, Handoff, LastLook, Rep
from sla.people import calendars
from sla.worktime import Hours
from sla.worktime.zones import to_us

AT_MOST: Final = 5_000
SECOND: Final = 1_000_000


class Matter(NamedTuple):
    """As much of an episode as is needed."""

    pk: int
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class Line:
    """One matter in which a person reached out: microseconds of wall and of working time, and by owner."""

    matter: Matter
    handoff: Handoff
    touched_at: datetime
    wall: int
    working: int
    parts: owners.Parts


@dataclass(frozen=True)
class Speed:
    """The matters of one week. `waiting` are open and nobody has reached out; `ended` ended without."""

    lines: Sequence[Line]
    waiting: int
    ended: int
    is_cut: bool
    longest_since: datetime | None = None
    paused_by: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def of(self) -> dict[str, int]:
        """Microseconds by owner, of all lines; they sum up to the wall time."""
        return {owner: sum(line.parts.of[owner] for line in self.lines) for owner in OWNERS}

    @property
    def wall(self) -> int:
        return sum(line.wall for line in self.lines)

    def wall_at(self, share: float) -> float | None:
        """Seconds of wall time within which this share was reached: the nearest rank."""
        return _seconds(owners.nearest_rank(sorted(line.wall for line in self.lines), share))

    def working_at(self, share: float) -> float | None:
        """The same in working time: the hours of who reached out, never paused."""
        return _seconds(owners.nearest_rank(sorted(line.working for line in self.lines), share))


def speed(asked: Asked, week: Week, *, now: datetime) -> Speed:
    """How fast, of the matters that opened in this week until now: the newest 5,000, in a fixed number of questions."""
    rows = matters(asked).filter(opened_at__gte=week.from_at, opened_at__lt=min(week.until_at, now))
    newest = rows.order_by("-opened_at", "-pk").values_list("pk", "opened_at", "closed_at")[: AT_MOST + 1]
    opened = [Matter(*row) for row in newest]
    found = opened[:AT_MOST]
    offers = _offers(found)
    reached = {pk: _reached(handoffs) for pk, handoffs in offers.items()}
    kept = [matter for matter in found if _is_of(asked, reached.get(matter.pk))]
    untouched = [each for each in kept if (of := reached.get(each.pk)) is None or of.first_touched_at is None]
    open_ones = [each for each in untouched if each.closed_at is None]
    done = {each.pk for each in untouched}
    lines = _lines([matter for matter in kept if matter.pk not in done], offers, reached)
    paused: dict[int, int] = defaultdict(int)
    for line in lines:
        for who, spent in line.parts.paused_by.items():
            paused[who] += spent
    return Speed(
        lines,
        len(open_ones),
        len(untouched) - len(open_ones),
        len(opened) > AT_MOST,
        min((each.opened_at for each in open_ones), default=None),
        dict(paused),
    )


def _offers(found: Iterable[Matter]) -> dict[int, list[Handoff]]:
    rows = Handoff.objects.filter(episode__in=[matter.pk for matter in found]).order_by("episode_id", "hop")
    wanted = ("episode", "hop", "team", "user", "tier", "source", "offered_at", "closed_at", "first_touched_at")
    offers: dict[int, list[Handoff]] = {}
    for handoff in rows.only(*wanted):
        offers.setdefault(handoff.episode_id, []).append(handoff)
    return offers


def _reached(handoffs: Sequence[Handoff]) -> Handoff:
    """The one under which a person reached out first; else the last one."""
    touched = [(each.first_touched_at, each.hop, each) for each in handoffs if each.first_touched_at is not None]
    return min(touched, key=lambda found: found[:2])[2] if touched else handoffs[-1]


def _is_of(asked: Asked, handoff: Handoff | None) -> bool:
    if handoff is None:
        return asked.is_everything
    return (
        (asked.teams is None or handoff.team_id in asked.teams)
        and (asked.only is None or handoff.user_id == asked.only)
        and (asked.team is None or handoff.team_id == asked.team)
        and (asked.rep is None or handoff.user_id == asked.rep)
        and (not asked.tier or handoff.tier == asked.tier)
        and (asked.source is None or handoff.source == asked.source)
    )


def _lines(
    touched: Sequence[Matter], offers: Mapping[int, Sequence[Handoff]], reached: Mapping[int, Handoff]
) -> list[Line]:
    known = Then([handoff for matter in touched for handoff in offers[matter.pk]])
    pauses = _pauses(touched)
    looks = dict(LastLook.objects.filter(episode__in=[m.pk for m in touched]).values_list("episode", "looked_at"))
    made = []
    for matter in touched:
        handoff = reached[matter.pk]
        # A touch that was told of later may have come before the matter opened.
        at = max(handoff.first_touched_at or matter.opened_at, matter.opened_at)
        begun, ended = to_us(matter.opened_at, "opened_at"), to_us(at, "first_touched_at")
        holds = [
            Hold(
                to_us(each.offered_at, "offered_at"),
                to_us(each.closed_at, "closed_at") if each.closed_at is not None else None,
                known.hours(each),
                each.pk == handoff.pk,
                pauses.get(each.pk, ()),
            )
            for each in offers[matter.pk]
        ]
        look = looks.get(matter.pk)
        parts = owners.parts(begun, ended, holds, nobody_until=to_us(look, "looked_at") if look is not None else None)
        working = known.hours(handoff).open_between(begun, ended)
        made.append(Line(matter, handoff, at, ended - begun, working, parts))
    return made


def _pauses(touched: Sequence[Matter]) -> dict[int, list[Pause]]:
    rows = ClockPause.objects.filter(clock__episode__in=[matter.pk for matter in touched]).select_related("clock")
    found: dict[int, list[Pause]] = {}
    for row in rows:
        if row.clock.handoff_id is not None:
            made = Pause(to_us(row.from_at, "from_at"), to_us(row.counts_until, "until_at"), row.by_id)
            found.setdefault(row.clock.handoff_id, []).append(made)
    return found


class Then:
    """The hours in which these hand-offs' people worked when it was offered to them: their own, else the team's."""

    def __init__(self, handoffs: Sequence[Handoff]) -> None:
        desks = Desk.objects.filter(team__in={each.team_id for each in handoffs})
        reps = Rep.objects.filter(user__in={each.user_id for each in handoffs}, calendar__isnull=False)
        self._of_teams: dict[int, int] = dict(desks.values_list("team", "calendar"))
        self._of_reps: dict[int, int | None] = dict(reps.values_list("user", "calendar"))
        wanted = {*self._of_teams.values(), *self._of_reps.values()}
        rows = CalendarVersion.objects.filter(calendar__in=wanted).order_by("calendar_id", "number")
        self._versions: dict[int, list[tuple[datetime, int]]] = {}
        for calendar, made, pk in rows.values_list("calendar_id", "created_at", "pk"):
            self._versions.setdefault(calendar, []).append((made, pk))

    def hours(self, handoff: Handoff) -> Hours:
        """In the version that was in force at the offer; round the clock where nobody's hours are known."""
        calendar = self._of_reps.get(handoff.user_id) or self._of_teams.get(handoff.team_id)
        versions = self._versions.get(calendar, []) if calendar is not None else []
        then = [pk for made, pk in versions if made <= handoff.offered_at] or [pk for _, pk in versions[:1]]
        return calendars.hours_of_versions(then[-1:])


def _seconds(us: int | None) -> float | None:
    return us / SECOND if us is not None else None
