"""Working time, exactly: calendars, and the questions when, how much, and how it was counted.

Pure: no model, no clock, no settings. An instant is open iff its wall time, in the calendar's zone, lies in the hours
of its local date; everything else follows from counting open instants in UTC.
"""

from sla.worktime.calendars import Calendar
from sla.worktime.deadlines import (
    Counted,
    Deadline,
    Elapsed,
    Limits,
    Uncounted,
    business_days_budget,
    due,
    due_at,
    elapsed,
    is_open,
    next_close,
    next_open,
    remaining,
)
from sla.worktime.errors import (
    BudgetError,
    CalendarError,
    InstantError,
    NeverOpen,
    PauseError,
    QuestionError,
    TooFar,
    WorktimeError,
)
from sla.worktime.hours import Hours
from sla.worktime.words import sentence

__all__ = [
    "BudgetError",
    "Calendar",
    "CalendarError",
    "Counted",
    "Deadline",
    "Elapsed",
    "Hours",
    "InstantError",
    "Limits",
    "NeverOpen",
    "PauseError",
    "QuestionError",
    "TooFar",
    "Uncounted",
    "WorktimeError",
    "business_days_budget",
    "due",
    "due_at",
    "elapsed",
    "is_open",
    "next_close",
    "next_open",
    "remaining",
    "sentence",
]
