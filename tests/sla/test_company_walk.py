"""Three people of one company and whatever may happen to them, drawn at random: every invariant holds after each step.

`BATON_THOROUGH=1` walks longer and more often; the seed stands in the name of the test.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from leads import erasing, merging, nurture, outcomes
from leads.errors import Refused
from leads.models import Lead, Outcome, Role, User
from scoring import assessment, qualification
from scoring.models import Episode, Phase
from sla import clocks, contests, handoffs, routing, touches, untouching
from sla.clocks import escalation, pausing
from sla.models import OPEN_STATES, Clock, Contest, Handoff, LeftBehind, State, Touch
from sla.nextsteps import changing
from sla.people import absences, beginning, left_behind
from sla.routing import handing_over, reassigning, waiting
from tests import desk
from tests.desk import act, learn
from tests.sound import assert_sound
from tests.thorough import THOROUGH

pytestmark = pytest.mark.django_db
SEEDS, STEPS = (40, 60) if THOROUGH else (2, 25)
ACTS = ["Visited Pricing Page"] * 4 + ["Requested Demo"] * 2 + ["Started Free Trial", "Visited Careers Page"]
REASONS = ["bad_contact", "competitor", "wrong_territory", "outside_market"]


class Walk:
    """A house, three colleagues, and one thing after the other."""

    def __init__(self, seed: int, now: datetime) -> None:
        self.rng, self.now = random.Random(seed), now  # noqa: S311  (a walk, not a secret)
        self.house = desk.company(now)
        first = self.house.lead(now=now)
        self.ids = [first.pk, *(self.house.colleague(first, now=now).pk for _ in range(2))]
        self.marketer = desk.person(Role.MARKETING, "Theo Marsh")
        self.said: list[str] = []
        self.is_at_once = False

    def step(self) -> None:
        """Something happens, or is refused; then Baton does what follows from it."""
        minutes = self.rng.choice([0, 0, 1, 5, 60, 60 * 24])
        self.now += timedelta(minutes=minutes, microseconds=1)
        self.is_at_once = minutes == 0
        name, do = self.rng.choice(self.choices())
        self.said.append(f"{self.now:%d %H:%M} {name}")
        with suppress(Refused):
            do()
        for lead_id in nurture.due_callbacks(now=self.now, limit=9):
            qualification.open_on_date(lead_id, now=self.now)
        nurture.mark_ended_rests(now=self.now)
        assessment.assess(now=self.now)
        for _, absence_id in beginning.due_page(now=self.now, limit=99):
            beginning.begin(absence_id, now=self.now)
        for _, left_id in left_behind.due_page(now=self.now, limit=99):
            left_behind.act(left_id, now=self.now)
        for clock_id in clocks.due_page(now=self.now, limit=99):
            escalation.fire(clock_id, now=self.now)
        if self.rng.random() < 0.7:
            for episode_id in waiting.waiting_page(now=self.now, limit=99):
                routing.route(episode_id, now=self.now)

    def choices(self) -> list[tuple[str, Callable[[], Any]]]:
        """All that may happen now; what is common stands more than once."""
        someone = self.someone()
        found: list[tuple[str, Callable[[], Any]]] = []
        if someone is not None:
            name = self.rng.choice(ACTS)
            found += [(f"{someone.pk} {name}", lambda: act(someone, name, at=self.now))] * 8
            kind = self.rng.choice(["won", "opened", "lost"])
            found += [(f"{someone.pk} {kind}", lambda: self.deal(someone, kind))]
            found += [(f"{someone.pk} is a student", lambda: learn(someone, "domain_kind", "student", at=self.now))]
            found += [(f"{someone.pk} is none", lambda: learn(someone, "domain_kind", "company", at=self.now))]
        handoff = self.handoff()
        if handoff is not None:
            by: User = self.rng.choice([handoff.user, self.house.manager])
            found += [(f"{each} {handoff.pk}", self.verdict(each, handoff, by)) for each in self.VERDICTS]
            found += [("undo", self.verdict("undo", handoff, by))] * (6 if self.is_at_once else 1)
            found += [("take the touch back", self.take_back)] * (6 if self.is_at_once else 1)
            found += [(f"{name} {handoff.pk}", do) for name, do in self.agreements(handoff, by).items()]
            found += [(f"{name} {handoff.pk}", do) for name, do in self.managing(handoff, by).items()]
            member = self.pick(handoff.episode.members.filter(left_at=None))
            if member is not None:
                found += [("split", lambda: handoffs.split(handoff.pk, member.lead_id, by=by, now=self.now))] * 2
        found += list(self.absences().items())
        if self.rng.random() < 0.15 and someone is not None:
            other = self.someone() or someone
            found += [(f"merge {someone.pk} {other.pk}", lambda: self.merge(someone, other))]
            found += [(f"erase {someone.pk}", lambda: erasing.erase(someone.pk, now=self.now, by=None))]
        return found or [("nothing", lambda: None)]

    VERDICTS = ("accept", "accept", "reject", "return", "date", "convert", "undo", "reopen", "touch", "touch")

    def verdict(self, name: str, handoff: Handoff, by: User) -> Callable[[], Any]:
        """One thing a rep or a manager may do with a hand-off."""
        reason, now = self.rng.choice(REASONS), self.now
        date = now + timedelta(days=3)
        answered = Handoff.objects.filter(changes__isnull=False).latest("changes__pk")
        return {
            "accept": lambda: handoffs.accept(handoff.pk, by=by, now=now),
            "reject": lambda: handoffs.reject(handoff.pk, reason=reason, by=by, now=now),
            "return": lambda: handoffs.return_(handoff.pk, reason=reason, by=by, now=now),
            "date": lambda: handoffs.return_(handoff.pk, reason="timing", named_date=date, by=by, now=now),
            "convert": lambda: handoffs.convert(handoff.pk, by=by, now=now),
            "undo": lambda: handoffs.undo(answered.pk, by=answered.user, now=now),
            "reopen": lambda: handoffs.reopen(handoff.pk, by=self.house.manager, why="Again.", now=now),
            "touch": lambda: touches.record(
                handoff.episode.lead_id,
                means="call",
                outcome="reached",
                performed_by=handoff.user,
                recorded_by=by,
                occurred_at=now,
                now=now,
            ),
        }[name]

    def take_back(self) -> None:
        """Whoever recorded the newest touch takes it back."""
        touch = Touch.objects.exclude(recorded_by=None).order_by("pk").last()
        if touch is not None:
            untouching.take_back(touch.pk, by=touch.recorded_by, now=self.now)

    def agreements(self, handoff: Handoff, by: User) -> dict[str, Callable[[], Any]]:
        """What is agreed upon about its time."""
        now, until = self.now, self.now + timedelta(hours=self.rng.choice([0.2, 1, 30]))
        why, boss = "Agreed", self.house.manager
        found: dict[str, Callable[[], Any]] = {
            "snooze": lambda: changing.snooze(handoff.pk, until=until, by=by, now=now),
            "plan": lambda: changing.set_step(handoff.pk, at=until, what=why, by=by, now=now),
        }
        clock = self.pick(handoff.clocks.filter(met_at=None, voided_at=None))
        if clock is not None:
            found[f"pause {clock.target} of"] = lambda: pausing.pause(
                clock.pk, until_at=until, reason=why, by=by, now=now
            )
            found[f"extend {clock.target} of"] = lambda: pausing.extend(
                clock.pk, seconds=3600, reason=why, by=boss, now=now
            )
        paused = self.pick(Clock.objects.filter(pauses__isnull=False, met_at=None, voided_at=None).distinct())
        if paused is not None:
            found["go on, not with"] = lambda: pausing.end_pause(paused.pk, by=boss, now=now)
        return found

    def managing(self, handoff: Handoff, by: User) -> dict[str, Callable[[], Any]]:
        """What passes it on, or asks whether a verdict was right."""
        now, boss, why = self.now, self.house.manager, "It fits"
        to = self.rng.choice([self.house.ben.user, self.house.ada.user])
        to_them = self.rng.choice([to, None])
        found: dict[str, Callable[[], Any]] = {
            f"reassign to {to_them}:": lambda: reassigning.reassign(
                handoff.pk, to=to_them, reason=why, by=boss, now=now
            ),
            f"hand to {to}": lambda: handing_over.hand_over(handoff.pk, to=to, why=why, by=by, now=now),
        }
        rejected = self.pick(Handoff.objects.filter(state=State.REJECTED, contest=None))
        if rejected is not None:
            found[f"contest {rejected.pk}, not"] = found["contest, not"] = lambda: contests.contest(
                rejected.pk, words=why, by=self.marketer, now=now
            )
        contest = self.pick(Contest.objects.filter(decision=""))
        if contest is not None:
            found["uphold, not"] = lambda: contests.uphold(contest.pk, why=why, by=boss, now=now)
            found["overturn, not"] = found["overturn and not"] = lambda: contests.overturn(
                contest.pk, why=why, to=to_them, by=boss, now=now
            )
        left = self.pick(LeftBehind.objects.filter(settled_at=None))
        if left is not None:
            found["keep, not"] = lambda: left_behind.keep(left.pk, by=boss, now=now)
            found["route, not"] = lambda: left_behind.route(left.pk, by=boss, now=now)
        return found

    def absences(self) -> dict[str, Callable[[], Any]]:
        """A rep will be away, or is back."""
        now, rep = self.now, self.rng.choice([self.house.ben, self.house.ada])
        starts_at = now + timedelta(hours=self.rng.choice([0, 0, 3]))
        ends_at = starts_at + timedelta(hours=self.rng.choice([2, 26]))
        absence = rep.absences.order_by("pk").last()
        found = {
            f"{rep} will be away": lambda: absences.add(rep.pk, starts_at=starts_at, ends_at=ends_at, now=now, by=None)
        }
        if absence is not None:
            found[f"{rep} is back"] = lambda: absences.end_early(absence.pk, now=now, by=None)
        return found

    def pick(self, among: QuerySet[Any]) -> Any:
        """One of these, or None where there are none."""
        return self.rng.choice(list(among.order_by("pk")) or [None])

    def someone(self) -> Lead | None:
        found: Lead | None = self.pick(Lead.objects.live().filter(pk__in=self.ids))
        return found

    def handoff(self) -> Handoff | None:
        """More often one that is open; on what is over anything may be tried as well."""
        found: Handoff | None = self.pick(Handoff.objects.filter(state__in=OPEN_STATES))
        if found is None or self.rng.random() < 0.3:
            found = self.pick(Handoff.objects.all())
        return found

    def deal(self, lead: Lead, kind: str) -> None:
        outcomes.record(lead, kind, at=self.now, now=self.now, via=Outcome.Via.API)

    def merge(self, one: Lead, other: Lead) -> None:
        merging.merge(one.pk, other.pk, now=self.now, prefer=one.pk)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_that_may_happen_breaks_an_invariant(seed: int, now: datetime) -> None:
    walk = Walk(seed, now)
    for _ in range(STEPS):
        walk.step()
        try:
            assert_sound(leaving_out=("canaries are told of", "messages end"))  # nothing sends anything here
        except AssertionError as broken:
            raise AssertionError("\n".join([*walk.said[-12:], str(broken)])) from broken
    assert Episode.objects.exclude(phase=Phase.WAITING).exists()
