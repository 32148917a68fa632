"""What a deal came to, told by hand after a lead was converted: opened, its amount, won or lost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from leads import outcomes
from leads.errors import Invalid, Refused
from leads.locks import lock_lead
from leads.models import Lead, Outcome, Role, Stage, TeamMembership, User
from leads.transactions import business

Kind = Outcome.Kind
# What may be told, by the stage the lead stands in.
MAY: Final[dict[str, tuple[str, ...]]] = {
    Stage.SQL: (Kind.OPENED, Kind.AMOUNT, Kind.WON, Kind.LOST),
    Stage.OPPORTUNITY: (Kind.AMOUNT, Kind.WON, Kind.LOST),
    Stage.CUSTOMER: (Kind.AMOUNT,),
}


class NotYourDeal(Refused):
    """Only who holds the lead, their managers, RevOps and admins say what became of its deal."""

    title = "Not your deal"
    code = "not_your_deal"


class NoDeal(Refused):
    """The lead's stage has no deal of which this could be told."""

    title = "No deal to tell of"
    code = "no_deal"


def may_tell(lead: Lead, user: User) -> bool:
    """Who holds the lead, a manager of their team, RevOps and admins."""
    if lead.holder_id == user.pk or user.has_role(Role.REVOPS, Role.ADMIN):
        return True
    managed = TeamMembership.objects.filter(user=user, is_manager=True, team=lead.holder_team_id)
    return lead.holder_team_id is not None and managed.exists()


def last_amount(lead: Lead) -> Outcome | None:
    """What was told of the amount last, by whomever; None where nothing was."""
    told = Outcome.objects.filter(lead=lead, withdrawn_at=None, amount__isnull=False)
    return told.order_by("-at", "-pk").first()


@business
def tell(lead_id: int, kind: str, *, amount: Decimal | None, currency: str = "", by: User, now: datetime) -> Outcome:
    """Record that the deal was opened, what it is worth, or that it was won or lost; the stage follows the outcome.

    `amount` is in whole units of `currency`, the organization's by default. Raises LeadGone, NotYourDeal, NoDeal for
    a stage without a deal of which this could be told, Invalid for an amount that is none.
    """
    lead = lock_lead(lead_id)
    if not may_tell(lead, by):
        whose = f"{lead.holder} holds this lead, and says" if lead.holder else "Whoever holds this lead says"
        raise NotYourDeal(f"{whose} what became of the deal; their manager may, too.")
    if kind not in Kind.values:
        raise Invalid(f"{kind!r} is no outcome of a deal.", field="kind")
    if kind not in MAY.get(lead.stage, ()):
        raise NoDeal(f"{lead.get_stage_display()} is no stage in which a deal is {Kind(kind).label.lower()}.")
    return outcomes.record(lead, kind, at=now, now=now, via=Outcome.Via.HAND, by=by, amount=amount, currency=currency)
