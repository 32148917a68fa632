"""Who holds a lead: written here by the verbs that route and hand over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Max

from leads import bulk
from leads.models import HolderChange, Lead, Team, User
from leads.transactions import business


class Holding(NamedTuple):
    """Who is to hold a lead, and from when on."""

    lead: Lead
    user: User | None
    team: Team | None
    at: datetime


@business
def hold(lead: Lead, *, user: User | None, team: Team | None, now: datetime) -> bool:
    """Write who holds the lead from now on, nobody included, with its history row; False if nothing changes.

    The lead is locked by the caller. The person may read the lead from then on, also after giving it away.
    """
    lead.refresh_from_db(fields=["holder", "holder_team"])
    return bool(hold_all([Holding(lead, user, team, now)]))


@business
def hold_all(wanted: Sequence[Holding]) -> int:
    """`hold` for many leads, each once and just read under its lock; returns for how many it changes."""
    changing = [each for each in wanted if _changes(each)]
    if not changing:
        return 0
    newest = HolderChange.objects.filter(lead__in=[each.lead.pk for each in changing]).order_by()
    last: dict[int, datetime] = dict(newest.values_list("lead").annotate(Max("at")))
    for each in changing:
        each.lead.holder, each.lead.holder_team = each.user, each.team
    bulk.update(
        "leads_lead",
        {
            "id": ("bigint", [each.lead.pk for each in changing]),
            "holder_id": ("bigint", [each.lead.holder_id for each in changing]),
            "holder_team_id": ("bigint", [each.lead.holder_team_id for each in changing]),
        },
    )
    HolderChange.objects.bulk_create(
        HolderChange(lead=lead, holder=user, team=team, at=max(at, last.get(lead.pk, at)))
        for lead, user, team, at in changing
    )
    return len(changing)


def _changes(wanted: Holding) -> bool:
    lead, user, team, _ = wanted
    return (lead.holder_id, lead.holder_team_id) != (user and user.pk, team and team.pk)
