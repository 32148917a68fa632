"""Routing: which rep gets a waiting episode, why this one, and why an episode still waits."""

from sla.routing.deciding import Decision, Ends, Tried, decide
from sla.routing.rounds import route, route_waiting
from sla.routing.waiting import Waiting, waiting_page, why_waiting

__all__ = [
    "Decision",
    "Ends",
    "Tried",
    "Waiting",
    "decide",
    "route",
    "route_waiting",
    "waiting_page",
    "why_waiting",
]
