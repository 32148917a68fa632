"""Routing: which rep gets a waiting episode, why this one, and why an episode still waits."""

from sla.routing.deciding import Decision, Tried, decide
from sla.routing.ends import Ends
from sla.routing.looks import PAPER, Waiting, look_again, why_all_wait, why_waiting
from sla.routing.pulling import CannotPull, take_next, waits_for
from sla.routing.rounds import route, route_waiting
from sla.routing.waiting import waiting_page

__all__ = [
    "CannotPull",
    "Decision",
    "Ends",
    "PAPER",
    "Tried",
    "Waiting",
    "decide",
    "look_again",
    "route",
    "route_waiting",
    "take_next",
    "waiting_page",
    "waits_for",
    "why_all_wait",
    "why_waiting",
]
