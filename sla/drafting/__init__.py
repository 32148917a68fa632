"""First-touch drafts: templates filled with what the lead really did."""

from sla.drafting.choosing import Draft, draft_of, templates_for
from sla.drafting.placeholders import PLACEHOLDERS, check, fill

__all__ = ["PLACEHOLDERS", "Draft", "check", "draft_of", "fill", "templates_for"]
