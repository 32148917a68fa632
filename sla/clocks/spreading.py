"""Spreading: one person does one thing at a time, so promises to many are due one after another. Pure.

Moments are seconds of the rep's working time from now; what is past due is negative. Every promise takes the same
time, and whoever keeps as many as can be kept works by the earliest due time first (EDF; Jackson's rule), which is how
feasibility is counted: a promise can be kept iff all that is due no later fits before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


def can_be_kept(queue: Sequence[float], due: float, each: float) -> bool:
    """Whether the promises due no later than this one, itself included, fit before it. The queue is in order."""
    return bisect_right(queue, due) * each <= due


def earliest(queue: Sequence[float], wanted: float, each: float) -> float:
    """The first due moment, not before the wanted one, at which one more promise can be kept and harms no other.

    Those that could be kept still can be; those that can't any more are work that comes first, as they are due first.
    """
    made = sorted(queue)
    due = wanted
    while True:
        needed = (bisect_right(made, due) + 1) * each
        if due < needed:
            due = needed
            continue
        harmed = [
            other
            for other in made
            if other > due and can_be_kept(made, other, each) and (bisect_right(made, other) + 1) * each > other
        ]
        if not harmed:
            return due
        due = max(harmed)
