"""One lead that stands in one column of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leads import outcomes
from leads.models import Activity, Lead, Notification, Outcome, Stage
from scoring import assessment
from scoring.models import Episode, Score
from sla import clocks, handoffs, routing, touches
from sla.clocks import escalation
from sla.models import Clock, Handoff
from tests.desk import Company, act
from tests.episode.table import ACCEPTED, DONE, RESTING, WAITING

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Matter:
    """One lead that stands in one column of the table."""

    house: Company
    now: datetime
    column: str
    lead: Lead = field(init=False)

    def __post_init__(self) -> None:
        self.lead = self.house.lead(now=self.now)
        act(self.lead, "Visited Pricing Page", at=self.now)
        self.assess()
        if self.column != WAITING:
            self.route()
        if self.column == ACCEPTED:
            handoffs.accept(self.handoff.pk, by=self.rep, now=self.now)
        elif self.column == RESTING:
            handoffs.reject(self.handoff.pk, reason="bad_contact", by=self.rep, now=self.now)
        elif self.column == DONE:
            handoffs.reject(self.handoff.pk, reason="competitor", by=self.rep, now=self.now)
        assert self.stands == self.column
        self.pass_time(MINUTE)
        self.assess()

    def pass_time(self, for_: timedelta) -> None:
        self.now += for_

    def assess(self) -> None:
        assessment.assess(now=self.now)
        self.lead.refresh_from_db()

    def route(self) -> Handoff | None:
        return routing.route(self.episode.pk, now=self.now)

    def act(self, name: str, **fields: Any) -> Activity:
        activity = act(self.lead, name, at=self.now, **fields)
        self.assess()
        return activity

    def touch(self) -> None:
        ben = self.handoff.user if Handoff.objects.filter(episode__lead=self.lead).exists() else self.house.ben.user
        touches.record(
            self.lead.pk,
            means="call",
            outcome="reached",
            performed_by=ben,
            recorded_by=None,
            occurred_at=self.now,
            now=self.now,
        )
        self.lead.refresh_from_db()

    def deal(self, kind: str = "opened") -> None:
        outcomes.record(self.lead, kind, at=self.now, now=self.now, via=Outcome.Via.API)
        self.lead.refresh_from_db()

    @property
    def episode(self) -> Episode:
        """The newest."""
        return Episode.objects.filter(lead=self.lead).latest("pk")

    @property
    def handoff(self) -> Handoff:
        """The newest."""
        return Handoff.objects.filter(episode__lead=self.lead).latest("pk")

    @property
    def rep(self) -> Any:
        return self.handoff.user

    @property
    def score(self) -> Score:
        return Score.objects.get(lead=self.lead, definition=self.house.definition)

    @property
    def stands(self) -> str:
        """In which column the lead stands."""
        episode = Episode.objects.filter(lead=self.lead, closed_at=None).first()
        if episode is not None:
            return str(episode.phase)
        lead = Lead.objects.get(pk=self.lead.pk)
        return RESTING if lead.stage == Stage.NURTURE else DONE

    def told(self, kind: str, user: Any = None) -> int:
        return Notification.objects.filter(kind=kind, recipient=user or self.rep, lead=self.lead).count()

    def picture(self) -> dict[str, Any]:
        """All that a cell with a dash leaves alone."""
        return {
            "lead": Lead.objects.filter(pk=self.lead.pk)
            .values("stage", "rest_until", "evidence_from", "callback_at", "holder")
            .get(),
            "episodes": list(
                Episode.objects.filter(lead=self.lead).order_by("pk").values("pk", "phase", "closed_as", "tier", "lane")
            ),
            "handoffs": list(
                Handoff.objects.filter(episode__lead=self.lead).order_by("pk").values("pk", "state", "version")
            ),
            "clocks": list(
                Clock.objects.filter(episode__lead=self.lead).order_by("pk").values("pk", "due_at", "verdict")
            ),
            "letters": Notification.objects.filter(lead=self.lead).count(),
        }


def let_pass(matter: Matter, target: str) -> Clock:
    """The clock that runs for this target, after its due time has passed and whatever was due was fired."""
    clock = Clock.objects.filter(episode=matter.episode, target=target, verdict="").latest("pk")
    matter.now = clock.due_at + timedelta(seconds=1)
    for clock_id in clocks.due_page(now=matter.now, limit=99):
        escalation.fire(clock_id, now=matter.now)
    return Clock.objects.get(pk=clock.pk)
