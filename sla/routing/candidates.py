"""The reps of one team, each with the numbers that decide who is offered an episode, or the reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from leads.models import Team
from scoring.models import Episode, Lane
from sla.models import Desk, Handoff, Rep, State
from sla.people import absences

ELIGIBLE = "eligible"
INACTIVE = "inactive"
AWAY = "away"
SAID_NO = "said_no"
FULL = "full"
HAD_IT = "had_it"
LATER = "later"

IN_WORDS = {
    INACTIVE: "no longer active",
    AWAY: "away",
    SAID_NO: "said no to this lead",
    FULL: "at capacity",
    HAD_IT: "had it before",
    ELIGIBLE: "can take it",
}
NEXT_SHOWN = 3


@dataclass(frozen=True)
class Candidate:
    """One rep of the team. `position` counts from the one whose turn it is."""

    rep: Rep
    load: int
    position: int
    code: str
    had_it: bool

    @property
    def is_full(self) -> bool:
        return self.load >= self.rep.capacity

    def numbers(self) -> dict[str, int]:
        """What the trace keeps of a rep who could take it."""
        return {
            "rep": self.rep.pk,
            "user": self.rep.user_id,
            "load": self.load,
            "capacity": self.rep.capacity,
            "position": self.position,
        }


@dataclass(frozen=True)
class Roster:
    """A team's reps in the order of the rotation."""

    desk: Desk
    candidates: Sequence[Candidate]

    def line(self, *, passes_capacity: bool = False) -> list[Candidate]:
        """Who can take it, best first: those with room who never had it, then those who had it; the full come last.

        Capacity is passed only where it may be, and nobody else can.
        """
        able = [each for each in self.candidates if each.code in (ELIGIBLE, HAD_IT)]
        if passes_capacity:
            able += [each for each in self.candidates if each.code == FULL]
        return sorted(able, key=lambda each: (each.is_full, each.had_it, each.position))

    def best(self, *, passes_capacity: bool = False) -> Candidate | None:
        """The one whose turn it is, or None."""
        return next(iter(self.line(passes_capacity=passes_capacity)), None)

    def of(self, rep: Rep) -> Candidate | None:
        """This rep among them."""
        return next((each for each in self.candidates if each.rep.pk == rep.pk), None)

    def counted(self) -> dict[str, int]:
        """How many reps there are for each reason."""
        return dict(Counter(each.code for each in self.candidates))

    def trace(self, chosen: Rep, *, passes_capacity: bool) -> dict[str, Any]:
        """The chosen rep and the next three with their numbers, and one reason code for each other."""
        line = [each for each in self.line(passes_capacity=passes_capacity) if each.rep.pk != chosen.pk]
        following = line[:NEXT_SHOWN]
        shown = {each.rep.pk for each in following} | {chosen.pk}
        others = [
            {"rep": each.rep.pk, "code": LATER if each in line else each.code}
            for each in self.candidates
            if each.rep.pk not in shown
        ]
        return {
            "chosen": next((each.numbers() for each in self.candidates if each.rep.pk == chosen.pk), None),
            "next": [each.numbers() for each in following],
            "others": others,
        }


def roster(team: Team, episode: Episode, *, now: datetime, lock: bool = False) -> Roster | None:
    """The team's reps for this episode; None where the team has no desk.

    With `lock`, the desk's rotation and then the reps are locked, so that two offers never count the same room.
    """
    desks = Desk.objects.select_for_update(of=("self",)) if lock else Desk.objects.all()
    desk = desks.filter(team=team).first()
    if desk is None:
        return None
    reps = Rep.objects.filter(user__memberships__team=team).select_related("user").order_by("pk")
    found = list(reps.select_for_update(of=("self",)) if lock else reps)
    turn = [rep for rep in found if rep.pk > (desk.last_rep_id or 0)]
    rotation = turn + [rep for rep in found if rep not in turn]
    return Roster(desk, _judged(rotation, episode, now=now))


def loads(user_ids: Sequence[int]) -> dict[int, int]:
    """The open load of these users: hand-offs offered, or accepted and not yet touched. Who has none is left out."""
    open_now = Q(state=State.OFFERED) | Q(state=State.ACCEPTED, first_touched_at=None)
    counted = (
        Handoff.objects.filter(open_now, user__in=user_ids)
        .exclude(lane=Lane.SIGNAL)
        .order_by()
        .values_list("user")
        .annotate(Count("pk"))
    )
    return dict(counted)


def offers_of(episode: Episode) -> list[tuple[int, str]]:
    """To whom this episode was offered before, and how each offer stands; nothing where it is only on paper."""
    if episode.pk is None:
        return []
    return list(Handoff.objects.filter(episode=episode).values_list("user_id", "state"))


def _judged(rotation: Sequence[Rep], episode: Episode, *, now: datetime) -> list[Candidate]:
    away = absences.away(now=now)
    load = loads([rep.user_id for rep in rotation])
    offers = offers_of(episode)
    had = {user for user, _ in offers}
    refused = {user for user, state in offers if state in (State.REJECTED, State.RETURNED)}
    judged = []
    for position, rep in enumerate(rotation, start=1):
        loaded = load.get(rep.user_id, 0)
        code = ELIGIBLE
        if not (rep.is_active and rep.user.is_active):
            code = INACTIVE
        elif rep.pk in away:
            code = AWAY
        elif rep.user_id in refused:
            code = SAID_NO
        elif loaded >= rep.capacity:
            code = FULL
        elif rep.user_id in had:
            code = HAD_IT
        judged.append(Candidate(rep, loaded, position, code, rep.user_id in had))
    return judged
