"""What must hold of the leads that weights decided, and of daily caps: counted again from the ledger, by anyone."""

from __future__ import annotations

from collections.abc import Iterable

from leads.invariants import Check, ask
from sla.models import FairnessPool, FairnessSpan, GivenBack
from sla.routing import fairness
from sla.routing.fairness import Balances, Span
from sla.routing.turns import keyed, numbered

OVER_THE_DAY = """
SELECT handoff.id, trace.trace #>> '{chosen,today}' AS today, trace.trace #>> '{chosen,daily_cap}' AS cap
FROM sla_handoff AS handoff JOIN sla_routingtrace AS trace ON trace.handoff_id = handoff.id
WHERE (trace.trace #>> '{chosen,today}')::int >= (trace.trace #>> '{chosen,daily_cap}')::int
  AND NOT EXISTS (SELECT 1 FROM sla_capacityoverride AS override WHERE override.handoff_id = handoff.id)
"""
OTHERS_TURN = """
SELECT turn.id, turn.handoff_id, turn.paper_offer_id FROM sla_fairnessturn AS turn
LEFT JOIN sla_handoff AS handoff ON handoff.id = turn.handoff_id
LEFT JOIN sla_paperoffer AS paper ON paper.id = turn.paper_offer_id
JOIN sla_rep AS rep ON rep.id = turn.rep_id WHERE rep.user_id <> coalesce(handoff.user_id, paper.user_id)
"""


def recount(pool: FairnessPool, *, since: int = 1) -> Iterable[str]:
    """Every span and turn of one rotation, counted again from its first: what differs, in a sentence each.

    From the span of number `since` on, what was owed at its beginning is taken as it stands there.
    """
    owed: Balances = {}
    last: Span | None = None
    for row in pool.spans.filter(number__gte=since).order_by("number").prefetch_related("turns"):
        if last is not None:
            owed = fairness.settle(owed, last)
        for rep_id in GivenBack.objects.filter(span=row).order_by("pk").values_list("turn__rep_id", flat=True):
            owed = fairness.give_back(owed, rep_id)
        if row.number == since > 1:
            owed = numbered(row.owed)
        if keyed(owed) != row.owed:
            yield f"{row} began with other balances than its turns leave."
        span = fairness.begin(numbered(row.weights), numbered(row.owed))
        if keyed(span.carry) != row.carry:
            yield f"{row} carries other balances than its weights allow."
        owed, last = numbered(row.owed), span
        for turn in row.turns.all():
            if turn.number != last.turns + 1:
                yield f"{row}: turn {turn.number} comes after {last.turns}."
            if turn.rep_id != last.next():
                yield f"{row}: turn {turn.number} went to rep {turn.rep_id}, and was rep {last.next()}'s."
            last = last.give(turn.rep_id)
            if not last.is_within_a_lead():
                yield f"{row}: after turn {turn.number} somebody is a whole lead from their share."
    newest = FairnessSpan.objects.filter(pool=pool).order_by("number").last()
    if pool.span != newest or (last is not None and numbered(pool.given) != dict(last.given)):
        yield f"{pool} stands elsewhere than its ledger ends."


def _unfair() -> Iterable[str]:
    for pool in FairnessPool.objects.select_related("desk__team", "span").order_by("pk"):
        yield from recount(pool)


def _turns_without_end() -> Iterable[str]:
    """Turns given back in a span that came before them."""
    for back in GivenBack.objects.exclude(span=None).select_related("turn__span", "span"):
        if back.span is not None and back.span.number <= back.turn.span.number:
            yield f"Turn {back.turn_id} was given back before it was taken."


CHECKS: list[Check] = [
    Check(
        8,
        "turns count again",
        "Within a span nobody is ever a whole lead from their share, and the ledger counts to what stands.",
        _unfair,
    ),
    Check(
        8,
        "turns are their hand-off's",
        "A turn is that of the rep who got the lead.",
        ask(OTHERS_TURN, "Turn {id} is not that of the rep of hand-off {handoff_id} (on paper {paper_offer_id})."),
    ),
    Check(8, "turns come back later", "A turn is given back after it was taken.", _turns_without_end),
    Check(
        8,
        "daily caps hold",
        "Nobody is offered more in a day than their cap without a row that says why.",
        ask(OVER_THE_DAY, "Hand-off {id} was offered after {today} of {cap} that day without an override."),
    ),
]

__all__ = ["CHECKS", "recount"]
