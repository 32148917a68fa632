"""Taking the lead's lock: the first thing every verb about a lead does."""

from __future__ import annotations

from leads.errors import Refused
from leads.models import Lead


class LeadGone(Refused):
    """The lead was erased, or there never was one."""

    status = 404
    title = "No such lead"
    code = "lead_gone"


def lock_lead(lead_id: int) -> Lead:
    """Lock one lead for this transaction; of a merged-away lead, the one it was merged into.

    Raises LeadGone where it was erased or is not known.
    """
    for _ in range(3):
        lead = Lead.objects.select_for_update().filter(pk=lead_id).first()
        if lead is None or lead.erased_at is not None:
            raise LeadGone("This lead no longer exists.")
        if lead.merged_into_id is None:
            return lead
        # Tombstones are flat; a merge committed in between makes one more step.
        lead_id = lead.merged_into_id
    raise LeadGone("This lead is being merged. Try again.")
