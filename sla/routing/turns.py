"""Whose turn it is in a team's rotation, as the database keeps it, and the ledger of the turns taken.

A rotation is that of one team for hand-raises or one tier. It is written under the lock of the team's desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sla.handoffs.moves import UNDO_FOR
from sla.models import Desk, FairnessPool, FairnessSpan, FairnessTurn, GivenBack, Handoff, PaperOffer, Rep, Shadow
from sla.routing import fairness
from sla.routing.fairness import Balances, Span

Weights = Mapping[int, int]


@dataclass(frozen=True)
class Rotation:
    """A rotation as it stands; `back` are the turns given back since its span began."""

    desk: Desk
    heat: str
    pool: FairnessPool | None
    shadow: Shadow | None = None
    back: tuple[tuple[int, int], ...] = ()

    def span(self, weights: Weights) -> Span:
        """The span that goes on, or the next one, where other people or weights are in the line."""
        going = span_of(self.pool)
        if going is not None and not self.back and going.weights == weights:
            return going
        return fairness.begin(weights, self.owed())

    def owed(self) -> Balances:
        """What everybody of this rotation is owed now, in millionths of a lead."""
        going = span_of(self.pool)
        if self.pool is None or self.pool.span is None or going is None:
            return {}
        owed = fairness.settle(numbered(self.pool.span.owed), going)
        for _, rep_id in self.back:
            owed = fairness.give_back(owed, rep_id)
        return owed

    def take(self, span: Span, rep: Rep, offer: Handoff | PaperOffer, *, now: datetime) -> FairnessTurn:
        """Write that this lead was the rep's turn in this span. The desk is locked by the caller."""
        pool = self.pool or FairnessPool(desk=self.desk, heat=self.heat, shadow=self.shadow)
        if pool.pk is None:
            pool.save()
        if pool.span is None or span.turns == 0:
            pool.span = self._begin(pool, span, now=now)
        turn = FairnessTurn(span=pool.span, number=span.turns + 1, rep=rep)
        if isinstance(offer, Handoff):
            turn.handoff, turn.at = offer, offer.offered_at
        else:
            turn.paper_offer, turn.at = offer, offer.decided_at
        turn.save(force_insert=True)
        pool.given = {**keyed(span.given), str(rep.pk): span.given.get(rep.pk, 0) + 1}
        pool.save(update_fields=["span", "given"])
        return turn

    def _begin(self, pool: FairnessPool, span: Span, *, now: datetime) -> FairnessSpan:
        made = FairnessSpan.objects.create(
            pool=pool,
            number=pool.span.number + 1 if pool.span is not None else 1,
            began_at=now,
            weights=keyed(span.weights),
            owed=keyed(self.owed()),
            carry=keyed(span.carry),
        )
        GivenBack.objects.filter(pk__in=[turn for turn, _ in self.back]).update(span=made)
        return made


def rotation(desk: Desk, heat: str, *, now: datetime, shadow: Shadow | None = None) -> Rotation:
    """This team's rotation for hand-raises or a tier, in shadow the one on paper.

    A turn given back counts once its verdict can't be undone.
    """
    pool = FairnessPool.objects.select_related("span").filter(desk=desk, heat=heat, shadow=shadow).first()
    if pool is None or shadow is not None:
        return Rotation(desk, heat, pool, shadow)
    back = GivenBack.objects.filter(pool=pool, span=None, at__lte=now - UNDO_FOR).order_by("pk")
    return Rotation(desk, heat, pool, back=tuple(back.values_list("pk", "turn__rep_id")))


def span_of(pool: FairnessPool | None) -> Span | None:
    """The span of a rotation with what was given in it."""
    if pool is None or pool.span is None:
        return None
    return Span(numbered(pool.span.weights), numbered(pool.span.carry), numbered(pool.given))


def keyed(values: Mapping[int, int]) -> dict[str, int]:
    """As JSON keeps it."""
    return {str(who): value for who, value in values.items()}


def numbered(values: Mapping[str, int]) -> dict[int, int]:
    """As it was before JSON kept it."""
    return {int(who): value for who, value in values.items()}
