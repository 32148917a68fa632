"""Who holds a lead: written here by the verbs that route and hand over."""

from __future__ import annotations

from datetime import datetime

from leads.models import HolderChange, Lead, Team, User
from leads.transactions import business


@business
def hold(lead: Lead, *, user: User | None, team: Team | None, now: datetime) -> bool:
    """Write who holds the lead from now on, nobody included, with its history row; False if nothing changes.

    The lead is locked by the caller. The person may read the lead from then on, also after giving it away.
    """
    lead.refresh_from_db(fields=["holder", "holder_team"])
    if lead.holder_id == (user and user.pk) and lead.holder_team_id == (team and team.pk):
        return False
    lead.holder, lead.holder_team = user, team
    lead.save(update_fields=["holder", "holder_team"])
    last = lead.holder_changes.order_by("-id").values_list("at", flat=True).first()
    HolderChange.objects.create(lead=lead, holder=user, team=team, at=max(now, last or now))
    return True
