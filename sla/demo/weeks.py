"""Some weeks at the demo company, lived through the real verbs with the time passed in.

Visitors act, Baton scores, routes and counts, reps answer in their working hours: soon, late, or not at all. What is
open when the weeks are over is what a person finds in the desk.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from leads import intake, nurture, outbox, outcomes, wire
from leads.errors import Refused
from leads.locks import lock_lead
from leads.models import Lead, Source, User
from leads.transactions import business
from scoring import qualification
from scoring.assessment import assess
from scoring.models import Episode, Lane, Phase
from sla import routing, touches
from sla.clocks import escalation, policies
from sla.demo import between
from sla.demo.people import DEMO, Visitor, colleagues, golden, imported, visitors
from sla.handoffs import verdicts
from sla.models import Clock, Handoff, Leg, Reason, Rep, State, Target, Touch
from sla.people import calendars
from sla.routing import assigning
from sla.worktime import due_at

WEEKS = timedelta(weeks=6)
STRANGERS = 80
SWEEP = timedelta(hours=1)
POOL = timedelta(hours=20)
CLOSER_TAKES = timedelta(minutes=20)  # to read what is known before they say that they take it
SEED = 20

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

Act = Callable[[datetime], None]
EVIDENCE: dict[str, str] = {
    Reason.Evidence.NONE: "",
    Reason.Evidence.TEXT: "A tool they had in house",
    Reason.Evidence.LINK: "https://crm.example/records/4711",
}


@dataclass
class Weeks:
    """A run through the past: a queue of acts in time order, and the house between them."""

    end: datetime
    source: Source
    say: Callable[[str], None]
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311  (a story, not a secret)
    queue: list[tuple[datetime, int, Act]] = field(default_factory=list)
    order: Any = field(default_factory=itertools.count)
    planned: set[int] = field(default_factory=set)
    swept: datetime = EARLIEST
    converted: int = 0
    reasons: list[Reason] = field(default_factory=list)
    reps: list[Rep] = field(
        default_factory=lambda: list(Rep.objects.filter(closes=False).select_related("user").order_by("pk"))
    )
    manager: User = field(
        default_factory=lambda: User.objects.get(memberships__is_manager=True, memberships__team__name="Europe")
    )

    def live(self) -> None:
        """Live through all of it, telling the progress."""
        self.reasons = list(Reason.objects.filter(is_active=True))
        self._invite()
        between.plan(self)
        total, done, told = len(self.queue), 0, 0
        while self.queue:
            at, _, act = heapq.heappop(self.queue)
            self._clocks_until(at)
            act(at)
            self._house(at)
            done += 1
            total = max(total, done + len(self.queue))
            if done * 10 // total > told:
                told = done * 10 // total
                self.say(f"  {at:%d %b}: {told * 10} % of {WEEKS.days} days lived")
        self._clocks_until(self.end)
        self._house(self.end)
        outbox.cancel("", now=self.end, why="Nobody was there to read the mails of the past.")

    def at(self, when: datetime, act: Act) -> None:
        """Plan an act; what lies beyond the end never happens."""
        if when < self.end:
            heapq.heappush(self.queue, (when, next(self.order), act))

    # Visitors

    def _invite(self) -> None:
        start = self.end - WEEKS
        cast = list(visitors(self.rng, STRANGERS))
        for number, visitor in enumerate(cast):
            share = number / len(cast)
            begins = start + (WEEKS - timedelta(hours=8)) * share + timedelta(minutes=self.rng.randint(0, 600))
            self._script(visitor, begins)
        for visitor in imported():
            self._script(visitor, self.end - timedelta(days=4))
        for number, visitor in enumerate(golden()):
            self._script(visitor, self.end - timedelta(days=2, hours=3 * number))
        for number, visitor in enumerate(visitors(random.Random(SEED + 1), 7)):  # noqa: S311
            visitor.key += "-today"
            visitor.traits["email"] = "new." + visitor.traits["email"]
            self._script(visitor, self.end - timedelta(hours=7) + timedelta(minutes=50 * number), hurried=True)

        for number, visitor in enumerate(colleagues()):
            self._script(visitor, self.end - timedelta(minutes=50 - 20 * number), hurried=True)
        self.at(self.end - timedelta(minutes=6), self._ask_again)

    def _ask_again(self, at: datetime) -> None:
        """Somebody whom a rep has won already asks for a demo: a signal."""
        won = Lead.objects.live().filter(stage__in=["SQL", "OPPORTUNITY", "CUSTOMER"], holder__isnull=False)
        won = won.exclude(pk__in=Episode.objects.filter(closed_at=None).values("lead"))
        key = won.filter(identities__kind="user_id").order_by("pk").values_list("identities__value", flat=True).last()
        if key is not None:
            self._send(Visitor(key, {}, ()), at, {"type": "track", "event": DEMO})

    def _script(self, visitor: Visitor, begins: datetime, *, hurried: bool = False) -> None:
        self.at(begins, lambda at: self._send(visitor, at, {"type": "identify", "traits": visitor.traits}))
        moment = begins
        for wait, name in visitor.steps:
            jitter = timedelta(seconds=self.rng.randint(20, 3600))
            moment += timedelta(minutes=3) if hurried else wait + jitter
            self.at(moment, lambda at, name=name: self._send(visitor, at, {"type": "track", "event": name}))  # type: ignore[misc]

    def _send(self, visitor: Visitor, at: datetime, event: dict[str, Any]) -> None:
        """One event through the same doors' code as any client's."""
        source, campaign = visitor.campaign
        body = event | {"userId": visitor.key, "messageId": f"demo-{next(self.order)}", "timestamp": at.isoformat()}
        if source:
            body["context"] = {"campaign": {"source": source, "name": campaign}}
        envelope = wire.split_batch(json.dumps({"batch": [body]}).encode())
        read = [wire.read_item(None, item, envelope, received_at=at) for item in envelope.items]
        intake.take_in(read, source=self.source, now=at, origin=visitor.origin)

    # The house between two acts

    def _house(self, at: datetime) -> None:
        if at - self.swept >= SWEEP:
            self.swept = at
            nurture.mark_ended_rests(now=at)
            for lead_id in nurture.due_callbacks(now=at, limit=20):
                qualification.open_on_date(lead_id, now=at)
            for episode in Episode.objects.filter(phase=Phase.WAITING, waiting_since__lt=at - POOL).order_by("pk"):
                self._give(episode, at)
        while assess(now=at):
            pass
        if Episode.objects.filter(phase=Phase.WAITING).exists():
            for episode_id in routing.waiting_page(now=at, limit=100):
                routing.route(episode_id, now=at)
        for handoff in Handoff.objects.open().exclude(pk__in=self.planned):
            self.planned.add(handoff.pk)
            self._plan(handoff)

    def _give(self, episode: Episode, at: datetime) -> None:
        """The manager looks at the board once a day, and finds somebody for what waits in the pool."""
        with contextlib.suppress(Refused):
            assigning.give(episode.pk, rep=self.rng.choice(self.reps).user, by=self.manager, now=at)

    def _clocks_until(self, at: datetime) -> None:
        """Fire what is due before `at`, each step at its own time."""
        while True:
            due = Clock.objects.filter(verdict="", next_step_at__lt=at).order_by("next_step_at", "id").first()
            if due is None or due.next_step_at is None:
                return
            instant = due.next_step_at + timedelta(seconds=1)
            escalation.fire(due.pk, now=instant)
            self._house(instant)

    # Reps

    def _plan(self, handoff: Handoff) -> None:
        """When this rep will look at it: mostly in time, sometimes at the last moment, sometimes too late."""
        target = policies.target_for(handoff.policy_version, Target.FIRST_TOUCH, policies.heat_of(handoff))
        if target is None:
            return
        hours, _ = calendars.hours_for(handoff, target)
        budget = target.seconds or 8 * 3600
        luck = self.rng.random()
        share = self.rng.uniform(0.05, 0.45) if luck < 0.8 else self.rng.uniform(0.5, 0.95)
        if luck > 0.92:
            share = self.rng.uniform(1.1, 2.2)
        answers_at = due_at(hours, handoff.offered_at, seconds=int(budget * share))
        if handoff.leg == Leg.CLOSING:
            answers_at = max(answers_at, handoff.offered_at + CLOSER_TAKES)
        self.at(answers_at, lambda at: self._answer(handoff.pk, at))
        ends_at = due_at(hours, answers_at, seconds=self.rng.randint(4, 30) * 3600)
        self.at(ends_at, lambda at: self._end(handoff.pk, at))

    def _answer(self, handoff_id: int, at: datetime) -> None:
        """Reach out, accept, or say no."""
        handoff = Handoff.objects.select_related("user", "episode").get(pk=handoff_id)
        if not handoff.is_open or handoff.first_touched_at is not None:
            return
        luck = self.rng.random()
        try:
            if handoff.state == State.OFFERED and luck < 0.14 and handoff.leg == Leg.SALES:
                reason = self._reason(on_reject=True)
                verdicts.reject(handoff.pk, reason=reason, evidence=EVIDENCE[reason.evidence], by=handoff.user, now=at)
                return
            if handoff.state == State.OFFERED and (luck < 0.4 or handoff.leg == Leg.CLOSING):
                verdicts.accept(handoff.pk, by=handoff.user, now=at)
                later = at + timedelta(minutes=self.rng.randint(5, 25))
                self.at(later, lambda moment: self._touch(handoff_id, moment))
                return
            self._touch(handoff_id, at)
        except Refused:
            return  # somebody or something was there first, as in life

    def _touch(self, handoff_id: int, at: datetime) -> None:
        handoff = Handoff.objects.select_related("user", "episode").get(pk=handoff_id)
        if not handoff.is_open:
            return
        means, outcome = self.rng.choice(
            [
                (Touch.Means.CALL, Touch.Outcome.REACHED),
                (Touch.Means.CALL, Touch.Outcome.NO_ANSWER),
                (Touch.Means.EMAIL, Touch.Outcome.SENT),
                (Touch.Means.CALL, Touch.Outcome.LEFT_MESSAGE),
            ]
        )
        touches.record(
            handoff.episode.lead_id,
            means=means,
            direction=Touch.Direction.OUTBOUND,
            outcome=outcome,
            performed_by=handoff.user,
            recorded_by=handoff.user,
            occurred_at=at,
            now=at,
        )

    def _end(self, handoff_id: int, at: datetime) -> None:
        """How it ends: sales-qualified, returned with a reason, or still open for a while."""
        handoff = Handoff.objects.select_related("user", "episode").get(pk=handoff_id)
        if handoff.state != State.ACCEPTED or handoff.first_touched_at is None:
            return
        luck = self.rng.random()
        chance = 0.6 if handoff.lane == Lane.FAST else 0.42
        try:
            if luck < chance:
                verdicts.convert(
                    handoff.pk,
                    bant={"need": "Replaces spreadsheets", "timing": "This quarter"},
                    to=self._next_owner(handoff),
                    by=handoff.user,
                    now=at,
                )
                self._deal(handoff.episode.lead_id, at)
            elif luck < 0.85:
                reason = self._reason(on_return=True)
                named = at + timedelta(days=self.rng.randint(3, 20)) if reason.follows == Reason.Follows.DATE else None
                verdicts.return_(
                    handoff.pk,
                    reason=reason,
                    evidence=EVIDENCE[reason.evidence],
                    named_date=named,
                    by=handoff.user,
                    now=at,
                )
        except Refused:
            return

    def _next_owner(self, handoff: Handoff) -> User | None:
        """Of what is converted, one in three goes to who closes; a signal is dealt with by whoever has it."""
        self.converted += 1
        return between.closer() if self.converted % 3 == 0 and handoff.lane != Lane.SIGNAL else None

    def _reason(self, **where: bool) -> Reason:
        fitting = [
            reason for reason in self.reasons if all(getattr(reason, name) == value for name, value in where.items())
        ]
        light = [reason for reason in fitting if reason.needs != Reason.Needs.DEPTH] or fitting
        return self.rng.choice(light)

    def _deal(self, lead_id: int, at: datetime) -> None:
        """What the opportunity came to, some days later."""
        amount = Decimal(self.rng.randint(8, 60) * 1000)
        self.at(at + timedelta(days=2), lambda moment: record_outcome(lead_id, "opened", moment, amount))
        if self.rng.random() < 0.5:
            kind = self.rng.choice(["won", "lost"])
            self.at(
                at + timedelta(days=self.rng.randint(6, 16)),
                lambda moment: record_outcome(lead_id, kind, moment, amount),
            )


@business
def record_outcome(lead_id: int, kind: str, at: datetime, amount: Decimal) -> None:
    """What the CRM would report."""
    lead: Lead = lock_lead(lead_id)
    outcomes.record(lead, kind, at=at, now=at, via="api", amount=amount)
