"""Looking over a shoulder: a manager sees a member's desk as they see it, and that stays in the record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from leads.models import User
from leads.transactions import business
from sla.models import ManagerAct, Rep
from sla.people.keeping import NotYourRep
from sla.querysets import managed_teams

ONE_LOOK: Final = timedelta(minutes=15)


@business
def look(rep: User, *, by: User, now: datetime) -> ManagerAct:
    """Record that `by` looks at this member's desk; within a quarter of an hour it is one look. Raises NotYourRep."""
    mine = Rep.objects.select_for_update(of=("self",)).filter(
        user=rep, pk__in=Rep.objects.filter(user__memberships__team__in=managed_teams(by)).values("pk")
    )
    if not mine.exists():
        raise NotYourRep("There is no such rep, or they are in no team that you manage.")
    viewed = ManagerAct.objects.filter(what=ManagerAct.What.VIEWED, rep=rep, by=by, at__gt=now - ONE_LOOK)
    last = viewed.order_by("-at").first()
    return last or ManagerAct.objects.create(what=ManagerAct.What.VIEWED, rep=rep, by=by, at=now)
