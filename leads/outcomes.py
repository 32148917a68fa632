"""Outcomes: what became of a lead, by verdict, by the API or by a file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from leads import lifecycle, nurture, signals
from leads.errors import Invalid
from leads.marking import mark
from leads.models import Lead, Organization, Outcome, Stage, User
from leads.transactions import business

Kind = Outcome.Kind
# A sender's clock may be ahead of ours by so much.
AHEAD_AT_MOST: Final = timedelta(minutes=5)
AMOUNT_BELOW: Final = Decimal(10) ** 12


@business
def record(
    lead: Lead,
    kind: str,
    *,
    at: datetime,
    now: datetime,
    via: str,
    by: User | None = None,
    reason_code: str = "",
    reason_label: str = "",
    amount: Decimal | None = None,
    currency: str = "",
    matter: UUID | None = None,
    is_colleague: bool = False,
) -> Outcome:
    """Record what became of a lead that the caller has locked, and move its stage where the outcome says so.

    *opened* moves to OPPORTUNITY what has no deal yet; *won* moves any stage to CUSTOMER; *lost* moves SQL and
    OPPORTUNITY to NURTURE, resting for the organization's `lost_rest_days` from the loss, evidence up to it spent.
    Verdicts move the stage themselves. An outcome that a later one has overtaken moves nothing, save *won*.
    `amount` is in whole units of `currency` (the organization's by default). `matter` is the episode's public id;
    `is_colleague` tells who followed the verdict on somebody else of it, so that figures count the matter once.
    Raises Invalid for an unknown kind, a moment ahead of now, and amounts that are missing, negative or too large.
    """
    organization = Organization.objects.get(pk=1)
    outcome = Outcome(
        lead=lead,
        kind=_kind(kind),
        at=_moment(at, now=now),
        recorded_at=now,
        reason_code=reason_code,
        reason_label=reason_label,
        via=via,
        by=by,
        matter=matter,
        is_colleague=is_colleague,
    )
    outcome.amount = _amount(outcome.kind, amount)
    if outcome.amount is not None:
        outcome.currency = _currency(currency or organization.currency)
    outcome.save(force_insert=True)
    _move(lead, outcome, rest=timedelta(days=organization.lost_rest_days), now=now, by=by)
    mark([lead.pk], now=now)
    signals.outcome_recorded.send(Outcome, outcome=outcome, now=now)
    return outcome


@business
def withdraw(*, matter: UUID, now: datetime, kinds: Iterable[str] | None = None) -> int:
    """Take back the verdict outcomes of one episode: undone, reopened or overturned; returns how many.

    `kinds` narrows it to some, such as only the return, so that the acceptance before it stands.
    """
    found = Outcome.objects.filter(matter=matter, via=Outcome.Via.VERDICT, withdrawn_at=None)
    if kinds is not None:
        found = found.filter(kind__in=list(kinds))
    taken = list(found.select_for_update().order_by("id"))
    Outcome.objects.filter(pk__in=[outcome.pk for outcome in taken]).update(withdrawn_at=now)
    mark([outcome.lead_id for outcome in taken], now=now)
    return len(taken)


@business
def stand_again(ids: Iterable[int], *, now: datetime) -> None:
    """The taking back of these verdict outcomes was undone: they count as before."""
    found = Outcome.objects.filter(pk__in=list(ids), via=Outcome.Via.VERDICT).exclude(withdrawn_at=None)
    again = list(found.select_for_update().order_by("id"))
    Outcome.objects.filter(pk__in=[outcome.pk for outcome in again]).update(withdrawn_at=None)
    mark([outcome.lead_id for outcome in again], now=now)


def _move(lead: Lead, outcome: Outcome, *, rest: timedelta, now: datetime, by: User | None) -> None:
    lead.refresh_from_db(fields=["stage"])
    if outcome.kind == Kind.WON:
        lifecycle.move(lead, Stage.CUSTOMER, cause="purchase", now=now, by=by)
    elif outcome.kind in (Kind.OPENED, Kind.LOST) and _is_overtaken(outcome):
        return
    elif outcome.kind == Kind.OPENED and lifecycle.may_move(lead.stage, Stage.OPPORTUNITY, cause="opened"):
        lifecycle.move(lead, Stage.OPPORTUNITY, cause="opened", now=now, by=by)
    elif outcome.kind == Kind.LOST and lifecycle.may_move(lead.stage, Stage.NURTURE, cause="lost"):
        ends = outcome.at + rest
        rest_until = ends if ends > now else None
        nurture.recycle(lead, rest_until=rest_until, spend=True, spent_to=outcome.at, now=now, by=by, cause="lost")


def _is_overtaken(outcome: Outcome) -> bool:
    """A later turn of the deal is known already: this one arrived late, or out of an old file."""
    turns = [Kind.OPENED, Kind.WON, Kind.LOST]
    return Outcome.objects.filter(
        lead_id=outcome.lead_id, kind__in=turns, at__gt=outcome.at, withdrawn_at=None
    ).exists()


def _kind(kind: str) -> str:
    if kind not in Kind.values:
        raise Invalid(f"{kind!r} is no outcome; one of {', '.join(Kind.values)}.")
    return Kind(kind)


def _moment(at: datetime, *, now: datetime) -> datetime:
    if at > now + AHEAD_AT_MOST:
        raise Invalid("An outcome can't lie in the future.")
    return min(at, now)


def _amount(kind: str, amount: Decimal | None) -> Decimal | None:
    if amount is None:
        if kind == Kind.AMOUNT:
            raise Invalid("An amount needs its number.")
        return None
    amount = Decimal(amount)
    if not amount.is_finite() or not 0 <= amount < AMOUNT_BELOW:
        raise Invalid("An amount is a number from 0 to below 1,000,000,000,000.")
    return amount.quantize(Decimal("0.01"))


def _currency(currency: str) -> str:
    code = currency.strip().upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise Invalid("A currency is its three-letter code, such as USD.")
    return code
