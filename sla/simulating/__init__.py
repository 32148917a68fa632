"""The simulator: where a lead would go at an instant, with everything that led to it; it writes and locks nothing."""

from sla.simulating.paper import YEARS, Asked, asked_of, on_paper, read_attributes, read_instant
from sla.simulating.run import Promise, RuleSeen, Simulation, simulate
from sla.simulating.saying import as_json

__all__ = [
    "YEARS",
    "Asked",
    "Promise",
    "RuleSeen",
    "Simulation",
    "as_json",
    "asked_of",
    "on_paper",
    "read_attributes",
    "read_instant",
    "simulate",
]
