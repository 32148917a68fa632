"""Episodes that wait for a rep: who is next in line, who waits in the pool, and why anyone waits at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from leads.models import Team
from scoring.models import Episode, EpisodeChange, Lane, Phase, Tier
from sla import matching
from sla.clocks import ladder, policies
from sla.models import Handoff, HandoffChange, State
from sla.querysets import left_to_a_manager
from sla.routing import candidates

NO_WAIT = timedelta(0)


class Waiting(NamedTuple):
    """Why an episode waits: held, decision, pool, no_rule, nobody, no_policy or next, and a sentence for people."""

    code: str
    sentence: str


def ready(*, now: datetime) -> QuerySet[Episode]:
    """Waiting episodes that may be offered now: not held back by an undo time, and not in the pool."""
    held = Q(route_not_before__gt=now)
    return _with_hops(Episode.objects.filter(phase=Phase.WAITING).exclude(held).exclude(left_to_a_manager())).exclude(
        _in_pool()
    )


def waiting_page(*, now: datetime, limit: int, skip: int = 0, waited_for: timedelta = NO_WAIT) -> list[int]:
    """Ids of the episodes next in line, read without locks.

    Hand-raises first, then the hottest, then the longest waiting. `skip` passes over those whom nobody could take in
    this round, so that they never stand in the way of the others.
    """
    lane = Case(When(lane=Lane.FAST, then=Value(0)), default=Value(1), output_field=IntegerField())
    heat = Case(
        When(tier=Tier.HOT, then=Value(0)),
        When(tier=Tier.WARM, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    line = ready(now=now).filter(waiting_since__lte=now - waited_for).order_by(lane, heat, "waiting_since", "id")
    return list(line.values_list("id", flat=True)[skip : skip + limit])


def is_ready(episode: Episode, *, now: datetime) -> bool:
    """Whether this episode may be offered now."""
    return ready(now=now).filter(pk=episode.pk).exists()


def is_pooled(episode: Episode) -> bool:
    """Whether it went by unanswered as often as its policy allows, so that a person has to decide."""
    if episode.pk is None:
        return False
    return _with_hops(Episode.objects.filter(pk=episode.pk)).filter(_in_pool()).exists()


def why_waiting(episode: Episode, *, now: datetime) -> Waiting | None:
    """Why this episode waits, as things stand now; None where it does not."""
    if episode.phase != Phase.WAITING:
        return None
    if episode.route_not_before is not None and episode.route_not_before > now:
        return Waiting("held", "Held for a moment, so that the last verdict can still be undone.")
    if Episode.objects.filter(left_to_a_manager(), pk=episode.pk).exists():
        return Waiting("decision", "Its rep has left, and a manager decides where it goes.")
    hops = (
        _with_hops(Episode.objects.filter(pk=episode.pk)).filter(_in_pool()).values_list(F("breached_hops"), flat=True)
    )
    if hops.exists():
        offered = hops.first() or 0
        times = "once" if offered == 1 else f"{offered} times"
        why = f"Offered {times} without an answer" if offered else "The ladder of its policy says so"
        return Waiting("pool", f"{why}. It waits in the pool until a person decides.")
    ruled = [rule.team for rule, holds in matching.rules_for(episode, episode.lead) if holds]
    teams = list(dict.fromkeys([*ruled, *ladder.other_teams(episode)]))
    if not teams:
        return Waiting("no_rule", "No routing rule holds for this lead. Add one with an empty condition, as the last.")
    told = [_nobody(team, episode, now=now) for team in teams]
    if all(told):
        return Waiting("nobody", f"Nobody can take it now. {' '.join(told)}")
    try:
        policies.choose(episode, episode.lead)
    except policies.NoPolicy as refused:
        return Waiting("no_policy", str(refused))
    return Waiting("next", "Next in line; it is offered within seconds.")


def _nobody(team: Team, episode: Episode, *, now: datetime) -> str:
    """Why nobody of a team can take it; empty where somebody can."""
    roster = candidates.roster(team, episode, now=now)
    if roster is None:
        return f"{team} has no desk, so it takes no leads."
    if roster.best() is not None:
        return ""
    if not roster.candidates:
        return f"{team} has no reps."
    counted = ", ".join(f"{count} {candidates.IN_WORDS[code]}" for code, count in roster.counted().items())
    return f"{team}: {counted}."


def _with_hops(episodes: QuerySet[Episode]) -> QuerySet[Episode]:
    """Each episode with how often a missed clock moved it on, how often it may, and when it last did."""
    moved = HandoffChange.objects.filter(handoff__episode=OuterRef("pk"), to_state=State.MOVED, why="breach").order_by()
    offers = Handoff.objects.filter(episode=OuterRef("pk")).order_by("-hop")
    return episodes.annotate(
        breached_hops=Subquery(
            moved.values("handoff__episode").annotate(n=Count("pk")).values("n"), output_field=IntegerField()
        ),
        hops_allowed=Subquery(offers.values("policy_version__max_hops")[:1], output_field=IntegerField()),
        last_breach_at=Subquery(moved.order_by("-at").values("at")[:1], output_field=DateTimeField()),
    ).annotate(
        raised_since=Exists(
            EpisodeChange.objects.filter(episode=OuterRef("pk"), what="hand_raised", at__gte=OuterRef("last_breach_at"))
        ),
        put_into_the_pool=ladder.put_into_the_pool(),
    )


def _in_pool() -> Q:
    """All the offers the policy allows went by unanswered, or a ladder says so, and nobody has raised a hand since."""
    return Q(breached_hops__isnull=False, breached_hops__gte=F("hops_allowed"), raised_since=False) | Q(
        put_into_the_pool=True
    )
