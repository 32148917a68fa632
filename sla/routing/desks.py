"""How the teams stand: their reps with what they have to do, and whose turn it is; every offer made is counted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import F, QuerySet

from leads.models import Team
from sla.handoffs import room
from sla.models import Desk, Rep, Shadow
from sla.routing import turns
from sla.routing.candidates import ELIGIBLE, Asked, Numbers, Roster, judge, reps_at
from sla.routing.turns import Rotation
from sla.shadow import standing

NOTHING_ASKED = Asked()


class Busy(Exception):
    """Somebody else is at one of these desks at this moment."""


class Beyond(Exception):
    """A decision looks further than to the desks that were locked for it."""


class Desks:
    """Desks, reps, loads and rotations as of one instant, each read when it is first asked for.

    Who is going to offer locks the desks first: then the rotations stand still until the transaction ends, so that two
    offers of a team never count the same room.
    """

    def __init__(self, now: datetime, *, midnight: datetime | None = None) -> None:
        self.now = now
        self._midnight = midnight
        self._desks: dict[int, Desk | None] = {}
        self._is_locked = False
        self._reps: dict[int, list[Rep]] = {}
        self._loads: dict[int, int] = {}
        self._today: dict[int, int] = {}
        self._given: Counter[int] = Counter()
        self._rotations: dict[tuple[int, str, int | None], Rotation] = {}
        self._turning: dict[tuple[int, str], Rotation] = {}
        self._turned: set[int] = set()
        self._people: dict[int, Rep | None] = {}
        self._teams: dict[int, list[Team]] = {}

    def lock(self, teams: Collection[int], *, wait: bool = True) -> None:
        """Lock the desks of these teams, in key order. Raises Busy where it is not to wait and somebody has one."""
        desks = Desk.objects.filter(team__in=teams).order_by("pk")
        found = list(desks.select_for_update(of=("self",), skip_locked=not wait))
        if not wait and len(found) < desks.count():
            raise Busy
        self._desks |= dict.fromkeys(teams) | {desk.team_id: desk for desk in found}
        self._is_locked = True

    def desk(self, team: Team) -> Desk | None:
        """The team's desk, if it has one. Raises Beyond where others were locked and this was not."""
        if team.pk not in self._desks:
            if self._is_locked:
                raise Beyond
            self._desks[team.pk] = Desk.objects.filter(team=team).first()
        return self._desks[team.pk]

    def roster(
        self, team: Team, offers: Sequence[tuple[int, str]], asked: Asked = NOTHING_ASKED, *, on_paper: bool = False
    ) -> Roster | None:
        """The team's reps, by key, for a matter that was offered to these before; None where it has no desk.

        In shadow what they have on paper counts beside what they have.
        """
        desk = self.desk(team)
        if desk is None:
            return None
        if team.pk not in self._reps:
            self._read()
        loads: Mapping[int, int] = self._loads
        today: Mapping[int, int] = self._today
        if on_paper:
            users = [rep.user_id for rep in self._reps[team.pk]]
            loads = Counter(loads) + Counter(standing.loads(users, now=self.now))
            today = Counter(today) + Counter(standing.offered_since(self._day(), users))
        numbers = Numbers(loads, today, offers)
        return Roster(desk, [judge(rep, numbers, asked) for rep in self._reps[team.pk]])

    def rotation(self, desk: Desk, heat: str, *, shadow: Shadow | None = None) -> Rotation:
        """The team's rotation for hand-raises or a tier, in shadow the one on paper, with the turns taken since."""
        key = (desk.pk, heat, shadow.pk if shadow is not None else None)
        if key not in self._rotations:
            if shadow is not None:
                self._rotations[key] = turns.on_paper(desk, heat, shadow)
            else:
                self._turn(desk)
                self._rotations[key] = self._turning.get((desk.pk, heat)) or Rotation(desk, heat, None)
        return self._rotations[key]

    def _turn(self, desk: Desk) -> None:
        """Read the rotations of all desks that were asked for, where this one's were not read yet."""
        if desk.pk not in self._turned:
            unread = [each for each in self._desks.values() if each is not None and each.pk not in self._turned]
            self._turning |= turns.of_desks(unread, now=self.now)
            self._turned |= {each.pk for each in unread}

    def count(self, rep: Rep) -> None:
        """One more was offered to this rep."""
        self._given[rep.user_id] += 1
        self._loads[rep.user_id] = self._loads.get(rep.user_id, 0) + 1
        self._today[rep.user_id] = self._today.get(rep.user_id, 0) + 1

    def know(self, user_ids: Collection[int]) -> None:
        """Read all these people in one go."""
        new = [user_id for user_id in user_ids if user_id not in self._people]
        if not new:
            return
        self._people |= dict.fromkeys(new) | {rep.user_id: rep for rep in _active().filter(user__in=new)}
        self._teams |= {user_id: [] for user_id in new}
        member = Team.objects.filter(memberships__user__in=new, desk__isnull=False).annotate(
            of_user=F("memberships__user")
        )
        for team in member.order_by("pk"):
            self._teams[team.of_user].append(team)

    def rep_of(self, user_id: int) -> Rep | None:
        """This person as a rep, if they are one and active."""
        self.know([user_id])
        return self._people[user_id]

    def teams_of(self, user_id: int) -> list[Team]:
        """The teams with a desk in which they are, by key."""
        self.know([user_id])
        return self._teams[user_id]

    def have_room_for(self, many: Mapping[int, int]) -> set[int]:
        """Of these teams those whose reps, as many as are there, have room for so many leads. Locks nothing."""
        self._desks |= {desk.team_id: desk for desk in Desk.objects.filter(team__in=many)}
        self._read()
        free: Counter[int] = Counter()
        for team in many:
            there = (
                rep for rep in self._reps.get(team, ()) if judge(rep, self._numbers(), NOTHING_ASKED).code == ELIGIBLE
            )
            for rep in there:
                left = rep.capacity - self._loads.get(rep.user_id, 0)
                cap = rep.daily_cap
                free[team] += left if cap is None else min(left, cap - self._today.get(rep.user_id, 0))
        return {team for team, leads in many.items() if free[team] >= leads}

    def _numbers(self) -> Numbers:
        return Numbers(self._loads, self._today)

    def rotations(self) -> list[Rotation]:
        """Those that were asked for."""
        return list(self._rotations.values())

    def _day(self) -> datetime:
        self._midnight = self._midnight or room.midnight(self.now)
        return self._midnight

    def _read(self) -> None:
        """The reps of all desks that were asked for and not read yet, and what they have to do."""
        teams = [team for team in self._desks if team not in self._reps]
        self._reps |= {team: [] for team in teams}
        reps = reps_at(self.now).filter(user__memberships__team__in=teams)
        found = list(reps.annotate(of_team=F("user__memberships__team")).order_by("pk"))
        for rep in found:
            self._reps[rep.of_team].append(rep)
        users = {rep.user_id for rep in found}
        # Only who has a daily cap is counted: the others have no limit.
        capped = {rep.user_id for rep in found if rep.daily_cap is not None}
        loads = room.loads(users)
        self._loads |= {user: loads.get(user, 0) + self._given[user] for user in users}
        if capped:
            today = room.offered_since(self._day(), capped)
            self._today |= {user: today.get(user, 0) + self._given[user] for user in capped}


def _active() -> QuerySet[Rep]:
    return Rep.objects.select_related("user").filter(is_active=True, user__is_active=True)
