"""Episodes that wait for a rep: who is next in line, and who waits in the pool."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

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

from scoring.models import Episode, EpisodeChange, Lane, OpenedBy, Phase, Tier
from sla.clocks import ladder
from sla.models import Handoff, HandoffChange, LastLook, State
from sla.querysets import left_to_a_manager
from sla.shadow import standing

NO_WAIT = timedelta(0)


def ready(*, now: datetime) -> QuerySet[Episode]:
    """Waiting episodes that may be offered now: not held back by an undo time, and not in the pool."""
    return _with_hops(_unheld(now=now)).exclude(_in_pool())


def waiting_page(
    *, now: datetime, limit: int, skip: int = 0, waited_for: timedelta = NO_WAIT, only: Collection[int] | None = None
) -> list[int]:
    """Ids of the episodes next in line, read without locks.

    Hand-raises first, then the hottest, then the longest waiting. `skip` passes over those whom nobody could take in
    this round, so that they never stand in the way of the others. Whom nobody could take is asked for again when
    somebody of that team has room, or after a minute.
    """
    line = ready(now=now).filter(waiting_since__lte=now - waited_for).exclude(_looked_at_lately(now=now))
    if only is not None:
        line = line.filter(pk__in=only)
    return list(line.order_by(*_line()).values_list("id", flat=True)[skip : skip + limit])


def which_are_ready(episode_ids: Collection[int], *, now: datetime) -> set[int]:
    """Which of these episodes may be offered now."""
    return set(ready(now=now).filter(pk__in=episode_ids).values_list("pk", flat=True))


def is_pooled(episode: Episode) -> bool:
    """Whether it is in the pool, so that a person decides."""
    return unanswered(episode) is not None


def unanswered(episode: Episode) -> int | None:
    """How many offers of an episode in the pool went by unanswered; None where it is not there.

    It is there after as many as its policy allows, or where its ladder says so.
    """
    if episode.pk is None:
        return None
    return pooled([episode.pk]).get(episode.pk)


def pooled(episode_ids: Sequence[int]) -> dict[int, int]:
    """Of these episodes those in the pool, each with how many offers went by unanswered."""
    found = _with_hops(Episode.objects.filter(pk__in=episode_ids)).filter(_in_pool())
    return {pk: hops or 0 for pk, hops in found.values_list(F("pk"), F("breached_hops"))}


def left(episode_ids: Sequence[int]) -> set[int]:
    """Of these episodes those whose rep has left, so that a manager decides where they go."""
    found = Episode.objects.filter(left_to_a_manager(), pk__in=episode_ids)
    return set(found.values_list("pk", flat=True))


def pool(*, now: datetime) -> QuerySet[Episode]:
    """What is in the pool, in the order of the line: what went by unanswered, and what a rule or a ladder puts there.

    A signal is not: it is for somebody known, or a manager. Nor is who rests, save after a hand-raise or on a date.
    """
    by_rule = Q(last_look__ends=LastLook.Ends.POOL, last_look__looked_at__gte=F("waiting_since"))
    rests = Q(lead__rest_until__gt=now) & ~Q(lane=Lane.FAST) & ~Q(opened_by=OpenedBy.DATE)
    pooled = _with_hops(_unheld(now=now)).filter(_in_pool() | by_rule).exclude(standing.on_paper())
    return pooled.exclude(lane=Lane.SIGNAL).exclude(rests).order_by(*_line())


def _unheld(*, now: datetime) -> QuerySet[Episode]:
    """Waiting, with no undo time to pass and no manager to decide, and not decided on paper."""
    waiting = Episode.objects.filter(phase=Phase.WAITING)
    return waiting.exclude(route_not_before__gt=now).exclude(left_to_a_manager()).exclude(standing.out_of_line())


def _looked_at_lately(*, now: datetime) -> Exists:
    """Nobody could take it a moment ago, and nobody of that team has made room since."""
    room = Handoff.objects.filter(
        Q(closed_at__gt=OuterRef("looked_at")) | Q(first_touched_at__gt=OuterRef("looked_at")), team=OuterRef("team")
    )
    looks = LastLook.objects.filter(
        episode=OuterRef("pk"), looked_at__gte=OuterRef("waiting_since"), looked_at__lte=now, again_at__gt=now
    )
    return Exists(looks.filter(Q(ends=LastLook.Ends.POOL) | ~Exists(room)))


def _line() -> tuple[Case, Case, str, str]:
    """Hand-raises first, then the hottest, then the longest waiting; of equals the older one."""
    lane = Case(When(lane=Lane.FAST, then=Value(0)), default=Value(1), output_field=IntegerField())
    heat = Case(
        When(tier=Tier.HOT, then=Value(0)),
        When(tier=Tier.WARM, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return lane, heat, "waiting_since", "id"


def _with_hops(episodes: QuerySet[Episode]) -> QuerySet[Episode]:
    """Each episode with how often a missed clock moved it on, how often it may, and when it last did."""
    moved = HandoffChange.objects.filter(handoff__episode=OuterRef("pk"), to_state=State.MOVED, why="breach").order_by()
    offers = Handoff.objects.filter(episode=OuterRef("pk")).last_in_play()
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
