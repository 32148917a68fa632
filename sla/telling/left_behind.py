"""Letters to managers: somebody who is away was in the middle of something, and nobody covers."""

from __future__ import annotations

from datetime import datetime

from leads import outbox
from sla.models import LeftBehind, Rep
from sla.querysets import managers_of
from sla.telling import mails


def to_decide(left: LeftBehind, rep: Rep, *, now: datetime) -> None:
    """Ask the managers of the hand-off's team what is to become of it; once per row and manager."""
    lead = left.handoff.episode.lead
    for manager in managers_of(left.handoff.team):
        about = mails.about(lead, manager)
        message = (
            f"{rep} is away in the middle of this lead. {left.note} Give it to somebody, or let {rep} keep it: "
            "it stands on your board."
        )
        outbox.enqueue(
            f"left:{left.public_id}:{manager.pk}",
            kind="to decide",
            recipient=manager,
            subject=f"To decide · {about['lead_name']}",
            template=f"{mails.LETTERS}/news",
            data=about | {"headline": "To decide", "message": message},
            lead=lead,
            now=now,
        )
