"""The fairness ledger: in one span of a rotation, what everybody was due and given, and what lies beside it.

What the weights decided is quota. Owners, former reps, colleagues, pulls and what a manager gives by hand are load:
shown beside it, and never set off against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db.models import Count, QuerySet

from scoring.models import Lane
from sla.models import FairnessPool, FairnessSpan, FairnessTurn, Handoff, Heat, Rep, Shadow
from sla.routing import fairness
from sla.routing.fairness import Span
from sla.routing.turns import numbered


@dataclass(frozen=True)
class Line:
    """One rep in a span. `quota` and `carried` are leads and parts of leads, exact."""

    rep: Rep
    weight: int
    given: int
    quota: Fraction
    carried: Fraction
    beside: Mapping[str, int]

    @property
    def difference(self) -> Fraction:
        """Given beyond the quota; never a whole lead, either way."""
        return self.given - self.quota


@dataclass(frozen=True)
class Ledger:
    """One span: who was in the line, how many leads the weights decided, and everything given beside them."""

    span: FairnessSpan
    ends_at: datetime | None
    turns: int
    lines: list[Line]
    ways: list[str]
    given_back: int

    @property
    def is_within_a_lead(self) -> bool:
        """Whether everybody is less than a whole lead from their quota."""
        return all(abs(line.difference) < 1 for line in self.lines)


def pools(shadow: Shadow | None = None) -> QuerySet[FairnessPool]:
    """Every rotation that has given a lead, by team, the hottest first; of a shadow, those on paper."""
    found = FairnessPool.objects.filter(shadow=shadow).exclude(span=None).select_related("desk__team", "span")
    return found.order_by("desk__team__name", "pk")


def spans(pool: FairnessPool) -> QuerySet[FairnessSpan]:
    """The spans of a rotation, the newest first."""
    return FairnessSpan.objects.filter(pool=pool).order_by("-number")


def of(span: FairnessSpan) -> Ledger:
    """The ledger of one span, counted from its turns."""
    following = FairnessSpan.objects.filter(pool=span.pool_id, number__gt=span.number).order_by("number").first()
    ends_at = following.began_at if following is not None else None
    counted = FairnessTurn.objects.filter(span=span).order_by().values_list("rep").annotate(Count("pk"))
    told = Span(numbered(span.weights), numbered(span.carry), dict(counted))
    beside = _beside(span, ends_at) if span.pool.shadow_id is None else {}
    reps = {rep.pk: rep for rep in Rep.objects.filter(pk__in=told.weights).select_related("user")}
    lines = [
        Line(
            reps[who],
            weight,
            told.given.get(who, 0),
            Fraction(*told.due(who)),
            Fraction(told.carry.get(who, 0), fairness.LEAD),
            beside.get(reps[who].user_id, Counter()),
        )
        for who, weight in told.weights.items()
        if who in reps
    ]
    lines.sort(key=lambda line: (line.rep.user.full_name, line.rep.pk))
    ways = sorted({way for counter in beside.values() for way in counter})
    given_back = FairnessTurn.objects.filter(span=span, given_back__isnull=False).count()
    return Ledger(span, ends_at, told.turns, lines, ways, given_back)


def _beside(span: FairnessSpan, ends_at: datetime | None) -> dict[int, Counter[str]]:
    """What was offered in this time to people of the team without being anybody's turn, by user and by why."""
    heat = span.pool.heat
    kind = {"lane": Lane.FAST} if heat == Heat.HAND_RAISE else {"lane": Lane.NORMAL, "tier": heat}
    offered = Handoff.objects.filter(
        team=span.pool.desk.team_id, offered_at__gte=span.began_at, turn__isnull=True, **kind
    )
    if ends_at is not None:
        offered = offered.filter(offered_at__lt=ends_at)
    found: dict[int, Counter[str]] = {}
    for user, why, count in offered.order_by().values_list("user", "trace__trace__why").annotate(Count("pk")):
        found.setdefault(user, Counter())[str(why or "reopened")] += count
    return found
