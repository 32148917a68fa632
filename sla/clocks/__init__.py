"""Clocks: what was promised (`policies`, `targets`), by when (`deadlines`), how it ended (`running`), what is to
happen on the way (`ladder`) and what follows from a due time that passes (`escalation`).
"""

from sla.clocks.deadlines import NotCountable, explain, recompute
from sla.clocks.ladder import BREACH, Step, unfired
from sla.clocks.running import (
    RETRY_AFTER,
    due_page,
    mark_breach,
    meet,
    next_step_after,
    start,
    tighten,
    unmeet,
    void,
    wind,
)

__all__ = [
    "BREACH",
    "NotCountable",
    "RETRY_AFTER",
    "Step",
    "due_page",
    "explain",
    "mark_breach",
    "meet",
    "next_step_after",
    "recompute",
    "start",
    "tighten",
    "unfired",
    "unmeet",
    "void",
    "wind",
]
