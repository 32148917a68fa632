"""What working time refuses, in sentences a person may read."""

from reprlib import Repr

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlevel = 2


def shown(value: object) -> str:
    """What was given, as a refusal repeats it: never longer than a line."""
    return _SHORT.repr(value)


class WorktimeError(ValueError):
    """A question or a calendar that has no answer. `field` names the input at fault."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class CalendarError(WorktimeError):
    """A calendar that cannot be meant.

    `field` is the part of the spec, `day` the weekday or date inside it, if any, `index` the place in its list, from 0.
    """

    def __init__(self, field: str, message: str, *, day: str = "", index: int | None = None) -> None:
        place = f"{field}, {day}" if day else field
        super().__init__(f"{place}: {message}", field=field)
        self.day, self.index, self.told = day, index, message

    @property
    def path(self) -> str:
        """Where in the spec, as programs say it: weekly.mon[1]."""
        place = f"{self.field}.{self.day}" if self.day else self.field
        return place if self.index is None else f"{place}[{self.index}]"


class QuestionError(WorktimeError):
    """A question as posted that cannot be read. `field` is its place in the body, such as pauses[0][1]."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}", field=field)


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
