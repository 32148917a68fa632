"""A test lead on its way: what it does to qualify, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from leads import trials
from leads.errors import Invalid
from leads.models import AwaitingAssessment, Lead, User
from leads.transactions import business
from scoring.models import Axis, Criterion, DefinitionVersion, Episode, Score
from sla.models import Clock, Handoff, Target
from sla.telling.sums import Sum, sum_of

MOST_OF_ONE: Final = 20


@dataclass(frozen=True)
class Way:
    """How far a test lead has come. `stuck` says where it stands and what to do about it."""

    lead: Lead
    score: Score | None
    episode: Episode | None
    handoff: Handoff | None
    promise: Sum | None
    stuck: str

    @property
    def arrived(self) -> bool:
        return self.handoff is not None


@business
def send(*, now: datetime) -> Lead:
    """Send a test lead that raises its hand by the definition in force; without such a line it does all it asks for.

    Raises Invalid without a published definition.
    """
    version = DefinitionVersion.objects.filter(state=DefinitionVersion.State.PUBLISHED).order_by("pk").first()
    if version is None:
        raise Invalid("Publish a definition first: without one nobody qualifies.", field="definition")
    lines = list(version.criteria.filter(axis=Axis.ENGAGEMENT))
    return trials.send_test(_does(lines), now=now)


def newest(viewer: User, *, now: datetime) -> Way | None:
    """The way of the newest test lead."""
    lead = Lead.objects.live().filter(is_test=True).order_by("-pk").first()
    if lead is None:
        return None
    score = Score.objects.filter(lead=lead).order_by("-total").first()
    episode = Episode.objects.filter(lead=lead).order_by("-pk").first()
    found = Handoff.objects.select_related("user", "team").filter(episode=episode).order_by("-pk")
    handoff = found.first() if episode is not None else None
    clock = (
        Clock.objects.filter(handoff=handoff, verdict="").order_by("due_at").first() if handoff is not None else None
    )
    return Way(
        lead,
        score,
        episode,
        handoff,
        sum_of(clock, viewer) if clock is not None else None,
        _stuck(lead, score, episode),
    )


def _does(lines: list[Criterion]) -> list[str]:
    hand = next((line for line in lines if line.is_hand_raise and line.activities), None)
    if hand is not None:
        return [str(hand.activities[0])]
    asked = [line for line in lines if line.points > 0 and line.activities]
    return [str(line.activities[0]) for line in asked for _ in range(_times(line))]


def _times(line: Criterion) -> int:
    return max(1, min(MOST_OF_ONE, int(line.at_least)))


def _stuck(lead: Lead, score: Score | None, episode: Episode | None) -> str:
    if episode is not None:
        waiting = Clock.objects.filter(episode=episode, target=Target.ASSIGN, verdict="").exists()
        return "It waits for a rep. Is anybody at work, and does a routing rule lead to them?" if waiting else ""
    if score is None or AwaitingAssessment.objects.filter(lead=lead).exists():
        return "It waits to be scored. This takes a second or two while the worker or the clock process runs."
    return "It was scored and does not meet the definition. Look at its criteria."
