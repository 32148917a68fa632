"""Whose turn it is in a team's rotation, as the database keeps it, and the ledger of the turns taken.

A rotation is that of one team for hand-raises or one tier. It is written under the lock of the team's desk.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sla.handoffs.moves import UNDO_FOR
from sla.models import Desk, FairnessPool, FairnessSpan, FairnessTurn, GivenBack, Handoff, PaperOffer, Rep, Shadow
from sla.routing import fairness
from sla.routing.fairness import Balances, Span

Weights = Mapping[int, int]


class Rotation:
    """A rotation as it stands, with the turns that are being taken. Nothing is written before `write`."""

    def __init__(
        self,
        desk: Desk,
        heat: str,
        pool: FairnessPool | None,
        shadow: Shadow | None = None,
        *,
        back: Sequence[tuple[int, int]] = (),
    ) -> None:
        self._pool = pool or FairnessPool(desk=desk, heat=heat, shadow=shadow)
        # The span that goes on, as it was written and as it stands; what was given back since it began.
        self._row, self._going = self._pool.span, span_of(pool)
        self._back = list(back)
        self._owed: Balances | None = None
        self._begun: list[tuple[FairnessSpan, list[int]]] = []
        self._taken: list[tuple[FairnessSpan, int, Rep, int]] = []

    def span(self, weights: Weights) -> Span:
        """The span that goes on, or the next one, where other people or weights are in the line."""
        if self._going is not None and not self._back and self._going.weights == weights:
            return self._going
        return fairness.begin(weights, self.owed())

    def owed(self) -> Balances:
        """What everybody of this rotation is owed now, in millionths of a lead."""
        if self._owed is None:
            owed: Balances = {}
            if self._row is not None and self._going is not None:
                owed = fairness.settle(numbered(self._row.owed), self._going)
            for _, rep_id in self._back:
                owed = fairness.give_back(owed, rep_id)
            self._owed = owed
        return self._owed

    def take(self, span: Span, rep: Rep, *, episode_id: int, now: datetime) -> None:
        """This lead is the rep's turn in this span. The desk is locked by the caller."""
        if self._row is None or span.turns == 0:
            self._row = FairnessSpan(
                pool=self._pool,
                number=self._row.number + 1 if self._row is not None else 1,
                began_at=now,
                weights=keyed(span.weights),
                owed=keyed(self.owed()),
                carry=keyed(span.carry),
            )
            self._begun.append((self._row, [turn for turn, _ in self._back]))
            self._back = []
        self._taken.append((self._row, span.turns + 1, rep, episode_id))
        self._going, self._owed = span.give(rep.pk), None

    @property
    def is_moved(self) -> bool:
        """Whether turns were taken that are not written yet."""
        return bool(self._taken)


def write(rotations: Iterable[Rotation], made: Mapping[int, Handoff | PaperOffer]) -> None:
    """Write the turns that were taken, now that their offers are made, for real or on paper: by episode."""
    moved = [rotation for rotation in rotations if rotation.is_moved]
    FairnessPool.objects.bulk_create(rotation._pool for rotation in moved if rotation._pool.pk is None)
    begun = [each for rotation in moved for each in rotation._begun]
    FairnessSpan.objects.bulk_create(span for span, _ in begun)
    for span, back in begun:
        if back:
            GivenBack.objects.filter(pk__in=back).update(span=span)
    taken = [each for rotation in moved for each in rotation._taken]
    FairnessTurn.objects.bulk_create(
        _turn(span, number, rep, made[episode_id]) for span, number, rep, episode_id in taken
    )
    for rotation in moved:
        pool, going = rotation._pool, rotation._going
        pool.span, pool.given = rotation._row, keyed(going.given) if going is not None else {}
        rotation._begun, rotation._taken = [], []
    FairnessPool.objects.bulk_update([rotation._pool for rotation in moved], ["span", "given"])


def _turn(span: FairnessSpan, number: int, rep: Rep, offer: Handoff | PaperOffer) -> FairnessTurn:
    if isinstance(offer, Handoff):
        return FairnessTurn(span=span, number=number, rep=rep, handoff=offer, at=offer.offered_at)
    return FairnessTurn(span=span, number=number, rep=rep, paper_offer=offer, at=offer.decided_at)


def on_paper(desk: Desk, heat: str, shadow: Shadow) -> Rotation:
    """The rotation of this team in shadow, for hand-raises or a tier. On paper no turn is given back."""
    pool = FairnessPool.objects.select_related("span").filter(desk=desk, heat=heat, shadow=shadow).first()
    return Rotation(desk, heat, pool, shadow)


def of_desks(desks: Collection[Desk], *, now: datetime) -> dict[tuple[int, str], Rotation]:
    """The rotations of these teams by desk and heat, those that have ever turned.

    A turn given back counts once its verdict can't be undone.
    """
    by_key = {desk.pk: desk for desk in desks}
    pools = list(FairnessPool.objects.select_related("span").filter(desk__in=by_key, shadow=None))
    given_back = GivenBack.objects.filter(pool__in=pools, span=None, at__lte=now - UNDO_FOR).order_by("pk")
    back: dict[int, list[tuple[int, int]]] = {}
    for pool_id, turn, rep in given_back.values_list("pool", "pk", "turn__rep_id"):
        back.setdefault(pool_id, []).append((turn, rep))
    return {
        (pool.desk_id, pool.heat): Rotation(by_key[pool.desk_id], pool.heat, pool, back=back.get(pool.pk, ()))
        for pool in pools
    }


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
