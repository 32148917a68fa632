"""Clocks: what was promised (`policies`, `targets`, `hops`), by when (`deadlines`), how it begins (`starting`) and ends
(`running`), what is to happen on the way (`ladder`), and what follows from a due time that passes (`escalation`).
"""

from sla.clocks.deadlines import NotCountable, explain, recompute
from sla.clocks.ladder import BREACH, Step, unfired
from sla.clocks.running import (
    RETRY_AFTER,
    due_page,
    mark_breach,
    meet,
    meet_all,
    next_step_after,
    tighten,
    unmeet,
    void,
    void_all,
    wind,
)
from sla.clocks.starting import Start, start, start_all

__all__ = [
    "BREACH",
    "NotCountable",
    "RETRY_AFTER",
    "Start",
    "Step",
    "due_page",
    "explain",
    "mark_breach",
    "meet",
    "meet_all",
    "next_step_after",
    "recompute",
    "start",
    "start_all",
    "tighten",
    "unfired",
    "unmeet",
    "void",
    "void_all",
    "wind",
]
