"""Standing leads go to sales by order: all of a part, or so many per rep and day, best first."""

from sla.releasing.choosing import Part, part_of, standing_in
from sla.releasing.orders import CannotOrder, give, resume, stop
from sla.releasing.previewing import Load, preview
from sla.releasing.running import run_all

__all__ = [
    "CannotOrder",
    "Load",
    "Part",
    "give",
    "part_of",
    "preview",
    "resume",
    "run_all",
    "standing_in",
    "stop",
]
