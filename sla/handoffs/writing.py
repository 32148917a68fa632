"""What a verdict writes downwards: an Outcome of the lead and of who joined it; scoring learns from nothing else."""

from __future__ import annotations

from leads import outcomes
from leads.models import Lead, Outcome, User
from sla.handoffs.moves import Matter
from sla.models import Reason


def outcome(matter: Matter, lead: Lead, kind: str, *, by: User | None, reason: Reason | None = None) -> None:
    """Write what became of one lead of the matter. A signal has no Outcome."""
    if matter.is_signal:
        return
    if kind == Outcome.Kind.ACCEPTED and _accepted_before(matter, lead):
        return  # by an earlier hop: acceptance is counted by episode
    outcomes.record(
        lead,
        kind,
        at=matter.now,
        now=matter.now,
        via=Outcome.Via.VERDICT,
        by=by,
        reason_code=reason.code if reason else "",
        reason_label=reason.label if reason else "",
        matter=matter.episode.public_id,
        is_colleague=lead.pk != matter.lead.pk,
    )


def _accepted_before(matter: Matter, lead: Lead) -> bool:
    said = Outcome.objects.filter(lead=lead, matter=matter.episode.public_id, kind=Outcome.Kind.ACCEPTED)
    return said.filter(withdrawn_at=None).exists()
