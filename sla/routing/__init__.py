"""Routing: which rep gets a waiting episode, why this one, and why an episode still waits."""

from sla.routing.rounds import route, route_waiting
from sla.routing.waiting import Waiting, waiting_page, why_waiting

__all__ = ["Waiting", "route", "route_waiting", "waiting_page", "why_waiting"]
