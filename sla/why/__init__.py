"""Why this rep, and why not another one: the stored answer of routing in sentences."""

from sla.why.not_them import Chooser, ask, choices
from sla.why.reps import WhyRep, why_rep

__all__ = ["Chooser", "WhyRep", "ask", "choices", "why_rep"]
