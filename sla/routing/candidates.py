"""The reps of one team, each with the numbers that decide who is offered an episode, or the reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery

from leads.conditions import plain
from sla.models import Absence, Desk, Rep, State

ELIGIBLE: Final = "eligible"
INACTIVE: Final = "inactive"
AWAY: Final = "away"
SAID_NO: Final = "said_no"
NO_SKILL: Final = "no_skill"
NO_LANGUAGE: Final = "no_language"
CLOSED: Final = "closed"
FULL: Final = "full"
DAY_FULL: Final = "day_full"
HAD_IT: Final = "had_it"
LATER: Final = "later"

IN_WORDS: Final = {
    INACTIVE: "no longer active",
    AWAY: "away",
    SAID_NO: "said no to this lead",
    NO_SKILL: "without a skill that is needed",
    NO_LANGUAGE: "without a language that is needed",
    CLOSED: "outside their hours",
    FULL: "at capacity",
    DAY_FULL: "at the daily cap",
    HAD_IT: "had it before",
    ELIGIBLE: "can take it",
}
OVER: Final = frozenset({FULL, DAY_FULL})
NEXT_SHOWN: Final = 3
NO_STATES: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Asked:
    """What a rule asks of whoever is to get the lead. Of the users who rejected this person before, `barred` may not
    have them, and `rather_not` get them only where nobody else can.
    """

    skills: frozenset[str] = frozenset()
    rather_skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    rather_languages: frozenset[str] = frozenset()
    barred: frozenset[int] = frozenset()
    rather_not: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Candidate:
    """One rep of the team. `position` counts from the one who is next; `owed` is in leads, where turns decide.

    `due_at` is when the lead would have to be touched first if this rep got it, where that is asked for.
    """

    rep: Rep
    load: int
    today: int
    code: str
    had_it: bool
    fits: int = 0
    position: int = 0
    owed: float | None = None
    due_at: datetime | None = None
    opens_at: datetime | None = None
    away_until: datetime | None = None
    lacks: tuple[str, ...] = ()

    @property
    def is_full(self) -> bool:
        """Whether one more would pass their capacity or their daily cap."""
        cap = self.rep.daily_cap
        return self.load >= self.rep.capacity or (cap is not None and self.today >= cap)

    def counts(self) -> dict[str, Any]:
        """What the trace keeps of every rep."""
        kept: dict[str, Any] = {"rep": self.rep.pk, "load": self.load, "capacity": self.rep.capacity}
        if self.rep.daily_cap is not None:
            kept |= {"today": self.today, "daily_cap": self.rep.daily_cap}
        if self.due_at is not None:
            kept["due_at"] = self.due_at.isoformat()
        if self.code == CLOSED and self.opens_at is not None:
            kept["opens_at"] = self.opens_at.isoformat()
        if self.code == AWAY and self.away_until is not None:
            kept["away_until"] = self.away_until.isoformat()
        if self.code == NO_SKILL:
            kept["lacks"] = list(self.lacks)
        if self.owed is not None:
            kept |= {"owed": self.owed, "weight": self.rep.weight}
        return kept

    def numbers(self) -> dict[str, Any]:
        """What it keeps of the chosen one and the next."""
        return self.counts() | {"user": self.rep.user_id, "position": self.position}


@dataclass(frozen=True)
class Roster:
    """A team's reps: those who could take it, best first, then the others."""

    desk: Desk
    candidates: Sequence[Candidate]

    def able(self, *, passes_capacity: bool = False) -> list[Candidate]:
        """Who can take it. Capacity and daily cap are passed only where they may be."""
        codes = {ELIGIBLE, HAD_IT} | (OVER if passes_capacity else set())
        return [each for each in self.candidates if each.code in codes]

    def of(self, rep: Rep) -> Candidate | None:
        """This rep among them."""
        return next((each for each in self.candidates if each.rep.pk == rep.pk), None)

    def counted(self) -> dict[str, int]:
        """How many reps there are for each reason."""
        return dict(Counter(each.code for each in self.candidates))

    def trace(self, chosen: Rep, *, passes_capacity: bool) -> dict[str, Any]:
        """The chosen rep and the next three with their numbers; for each other one reason code, with the numbers."""
        line = [each for each in self.able(passes_capacity=passes_capacity) if each.rep.pk != chosen.pk]
        following = line[:NEXT_SHOWN]
        shown = {each.rep.pk for each in following} | {chosen.pk}
        in_line = {each.rep.pk for each in line}
        others = [
            {"code": LATER if each.rep.pk in in_line else each.code} | each.counts()
            for each in self.candidates
            if each.rep.pk not in shown
        ]
        here = self.of(chosen)
        return {
            "chosen": here.numbers() if here is not None else None,
            "next": [each.numbers() for each in following],
            "others": others,
        }


@dataclass(frozen=True)
class Numbers:
    """What is counted of a team's reps at one moment."""

    loads: Mapping[int, int]
    today: Mapping[int, int]
    offers: Sequence[tuple[int, str]] = ()

    @cached_property
    def states(self) -> dict[int, set[str]]:
        """How the offers that each got before stand."""
        found: dict[int, set[str]] = {}
        for user, state in self.offers:
            found.setdefault(user, set()).add(state)
        return found


def reps_at(now: datetime) -> QuerySet[Rep]:
    """Reps with until when they are away, if they are at this moment, as `judge` wants them."""
    absent = Absence.objects.filter(rep=OuterRef("pk"), starts_at__lte=now, ends_at__gt=now)
    return Rep.objects.select_related("user").annotate(away_until=Subquery(absent.values("ends_at")[:1]))


def words(listed: Iterable[str]) -> frozenset[str]:
    """Skills or languages as they are compared: trimmed, ASCII letters lower-cased."""
    return _words(tuple(listed))


@lru_cache(maxsize=4096)
def _words(listed: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for word in map(plain, listed) if word)


def judge(rep: Rep, numbers: Numbers, asked: Asked) -> Candidate:
    """One rep of `reps_at`, with their numbers and one code: the first reason against them, if there is any."""
    load, today = numbers.loads.get(rep.user_id, 0), numbers.today.get(rep.user_id, 0)
    states = numbers.states.get(rep.user_id, NO_STATES)
    had_it = bool(states) or rep.user_id in asked.rather_not
    skills, languages = words(rep.skills), words(rep.languages)
    away_until: datetime | None = rep.away_until  # type: ignore[attr-defined]
    code = ELIGIBLE
    if not (rep.is_active and rep.user.is_active):
        code = INACTIVE
    elif away_until is not None:
        code = AWAY
    elif states & {State.REJECTED, State.RETURNED} or rep.user_id in asked.barred:
        code = SAID_NO
    elif not asked.skills <= skills:
        code = NO_SKILL
    elif not asked.languages <= languages:
        code = NO_LANGUAGE
    elif load >= rep.capacity:
        code = FULL
    elif rep.daily_cap is not None and today >= rep.daily_cap:
        code = DAY_FULL
    elif had_it:
        code = HAD_IT
    fits = len(asked.rather_skills & skills) + len(asked.rather_languages & languages)
    lacks = tuple(sorted(asked.skills - skills))
    return Candidate(rep, load, today, code, had_it, fits, away_until=away_until, lacks=lacks)
