"""Contests: marketing contests a rejection once, with words; a manager of the rep's team upholds or overturns it.

`people` says who may, `contesting` when, `consequences` what overturning would do, `deciding` does it.
"""

from sla.contests.consequences import Consequence, foresee, foresee_all
from sla.contests.contesting import CannotContest, contest, contestable, until, why_not
from sla.contests.deciding import AlreadyContested, overturn, uphold
from sla.contests.people import deciders, may_contest, may_decide

__all__ = [
    "AlreadyContested",
    "CannotContest",
    "Consequence",
    "contest",
    "contestable",
    "deciders",
    "foresee",
    "foresee_all",
    "may_contest",
    "may_decide",
    "overturn",
    "until",
    "uphold",
    "why_not",
]
