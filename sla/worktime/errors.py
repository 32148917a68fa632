"""What working time refuses, in sentences a person may read."""


class WorktimeError(ValueError):
    """A question or a calendar that has no answer. `field` names the input at fault."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class CalendarError(WorktimeError):
    """A calendar that cannot be meant. `field` is the part of the spec, `day` the weekday or date inside it, if any."""

    def __init__(self, field: str, message: str, *, day: str = "") -> None:
        place = f"{field}, {day}" if day else field
        super().__init__(f"{place}: {message}", field=field)
        self.day = day


class InstantError(WorktimeError):
    """A moment without a UTC offset, outside the years that are counted, or out of order."""


class BudgetError(WorktimeError):
    """A budget that is not a length of time."""


class PauseError(WorktimeError):
    """A pause without an end where an answer is due, or one that ends before it starts."""


class NeverOpen(WorktimeError):
    """Nothing is open within 366 days."""


class TooFar(WorktimeError):
    """The answer lies further away than anybody could mean."""
