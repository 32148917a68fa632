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

from leads import erasing, merging, nurture, outcomes
from leads.errors import Refused
from leads.models import Lead, Outcome, User
from scoring import assessment, qualification
from scoring.models import Episode, Phase
from sla import clocks, handoffs, routing, touches
from sla.clocks import escalation
from sla.models import Handoff
from sla.routing import waiting
from tests import desk
from tests.desk import act, learn
from tests.sound import assert_sound
from tests.thorough import THOROUGH

pytestmark = pytest.mark.django_db
SEEDS, STEPS = (40, 60) if THOROUGH else (2, 12)
ACTS = ["Visited Pricing Page"] * 4 + ["Requested Demo"] * 2 + ["Started Free Trial", "Visited Careers Page"]
REASONS = ["bad_contact", "competitor", "wrong_territory", "outside_market"]


class Walk:
    """A house, three colleagues, and one thing after the other."""

    def __init__(self, seed: int, now: datetime) -> None:
        self.rng, self.now = random.Random(seed), now  # noqa: S311  (a walk, not a secret)
        self.house = desk.company(now)
        first = self.house.lead(now=now)
        self.ids = [first.pk, *(self.house.colleague(first, now=now).pk for _ in range(2))]
        self.said: list[str] = []

    def step(self) -> None:
        """Something happens, or is refused; then Baton does what follows from it."""
        self.now += timedelta(minutes=self.rng.choice([0, 1, 1, 5, 60, 60 * 24]))
        name, do = self.rng.choice(self.choices())
        self.said.append(f"{self.now:%d %H:%M} {name}")
        with suppress(Refused):
            do()
        for lead_id in nurture.due_callbacks(now=self.now, limit=9):
            qualification.open_on_date(lead_id, now=self.now)
        nurture.mark_ended_rests(now=self.now)
        assessment.assess(now=self.now)
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
        handoff = self.rng.choice(list(Handoff.objects.order_by("pk")) or [None])  # type: ignore[list-item]
        if handoff is not None:
            by: User = self.rng.choice([handoff.user, self.house.manager])
            found += [(f"{each} {handoff.pk}", self.verdict(each, handoff, by)) for each in self.VERDICTS]
            if someone is not None:
                found += [("split", lambda: handoffs.split(handoff.pk, someone.pk, by=by, now=self.now))] * 2
        if self.rng.random() < 0.15 and someone is not None:
            other = self.someone() or someone
            found += [(f"merge {someone.pk} {other.pk}", lambda: self.merge(someone, other))]
            found += [(f"erase {someone.pk}", lambda: erasing.erase(someone.pk, now=self.now, by=None))]
        return found or [("nothing", lambda: None)]

    VERDICTS = ("accept", "accept", "reject", "return", "date", "convert", "undo", "undo", "reopen", "touch", "touch")

    def verdict(self, name: str, handoff: Handoff, by: User) -> Callable[[], Any]:
        """One thing a rep or a manager may do with a hand-off."""
        reason, now = self.rng.choice(REASONS), self.now
        date = now + timedelta(days=3)
        return {
            "accept": lambda: handoffs.accept(handoff.pk, by=by, now=now),
            "reject": lambda: handoffs.reject(handoff.pk, reason=reason, by=by, now=now),
            "return": lambda: handoffs.return_(handoff.pk, reason=reason, by=by, now=now),
            "date": lambda: handoffs.return_(handoff.pk, reason="timing", named_date=date, by=by, now=now),
            "convert": lambda: handoffs.convert(handoff.pk, by=by, now=now),
            "undo": lambda: handoffs.undo(handoff.pk, by=by, now=now),
            "reopen": lambda: handoffs.reopen(handoff.pk, by=self.house.manager, why="Again.", now=now),
            "touch": lambda: touches.record(
                handoff.episode.lead_id,
                means="call",
                outcome="reached",
                performed_by=handoff.user,
                recorded_by=None,
                occurred_at=now,
                now=now,
            ),
        }[name]

    def someone(self) -> Lead | None:
        living = list(Lead.objects.live().filter(pk__in=self.ids).order_by("pk"))
        return self.rng.choice(living) if living else None

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
            assert_sound(leaving_out=("canaries are told of",))
        except AssertionError as broken:
            raise AssertionError("\n".join([*walk.said[-12:], str(broken)])) from broken
    assert Episode.objects.exclude(phase=Phase.WAITING).exists()
