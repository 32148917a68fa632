"""A letter to a rep: their manager waits for one of their leads."""

from __future__ import annotations

from datetime import datetime

from leads import outbox
from leads.letters import inert
from leads.models import Topic
from sla.models import Handoff, ManagerAct
from sla.telling import mails


def nudge(act: ManagerAct, handoff: Handoff, *, now: datetime) -> None:
    """Ask the rep to look at it now; once per act."""
    about = mails.about(handoff.episode.lead, act.rep)
    message = f"{inert(str(act.by))} asks you to look at this one next. Its clocks go on as before."
    outbox.enqueue(
        f"nudge:{act.public_id}",
        kind="nudge",
        topic=Topic.NEWS,
        is_urgent=mails.asked_for_them(handoff, act.rep),
        recipient=act.rep,
        subject=f"Nudge · {about['lead_name']}",
        template=f"{mails.LETTERS}/news",
        data=about | {"headline": "Nudge", "message": message, "touch": None},
        lead=handoff.episode.lead,
        now=now,
    )
