"""A nudge: a manager asks the rep to look at one lead now. At most once an hour for each lead."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from leads.errors import Refused
from leads.models import User
from leads.transactions import business
from leads.words import ago
from sla.models import ManagerAct
from sla.routing.reassigning import take_from
from sla.telling import nudges

AT_MOST_EVERY: Final = timedelta(hours=1)


class NudgedAlready(Refused):
    """Somebody nudged about this lead within the hour."""

    code = "nudged_already"


@business
def nudge(handoff_id: int, *, by: User, now: datetime, seen_version: int | None = None) -> ManagerAct:
    """Write to the rep of an open hand-off that their manager waits for it; no clock and no state changes.

    Raises NotYours, AlreadyDecided where the page was old, NudgedAlready.
    """
    matter = take_from(handoff_id, by=by, now=now, seen_version=seen_version)
    if matter.handoff.user_id == by.pk:
        raise NudgedAlready("This one is yours: there is nobody to nudge.")
    before = ManagerAct.objects.filter(what=ManagerAct.What.NUDGED, handoff__episode__lead=matter.lead)
    last = before.filter(at__gt=matter.now - AT_MOST_EVERY).select_related("by", "rep").order_by("-at").first()
    if last is not None:
        when = ago(last.at, matter.now)
        raise NudgedAlready(f"{last.by} nudged {last.rep} {when}. Once an hour is enough.")
    act = ManagerAct.objects.create(
        what=ManagerAct.What.NUDGED, handoff=matter.handoff, rep=matter.handoff.user, by=by, at=matter.now
    )
    nudges.nudge(act, matter.handoff, now=matter.now)
    return act
