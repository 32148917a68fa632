"""How much working time a promise grants: seconds as given, or what business days are worth."""

import math

from sla.worktime.errors import BudgetError, NeverOpen, TooFar
from sla.worktime.hours import FAR, NEVER, Hours, years
from sla.worktime.zones import DAY, SECOND, instants_of_day, local_day


def budget_of(hours: Hours, start: int, seconds: float | None, business_days: int | None, far: int = FAR) -> int:
    """The budget in microseconds; raises BudgetError, and TooFar for what can't be spent within `far`."""
    if business_days is not None:
        if seconds is not None:
            raise BudgetError("seconds: give seconds or business_days, not both.", field="seconds")
        return business_days_of(hours, start, business_days, far)
    if type(seconds) not in (int, float):
        raise BudgetError("seconds: give a number of seconds, 0 or more, or business_days.", field="seconds")
    assert seconds is not None  # noqa: S101 (a number, as just seen)
    if not math.isfinite(seconds) or seconds < 0:
        raise BudgetError("seconds: a budget is a number of seconds, 0 or more.", field="seconds")
    if seconds > far // SECOND:
        raise TooFar(f"seconds: is more than {years(far)}. Give less.", field="seconds")
    return round(seconds * SECOND)


def business_days_of(hours: Hours, start: int, days: int, far: int = FAR) -> int:
    """What the next n local dates with open time are worth, in microseconds, strictly after the date of the start."""
    if type(days) is not int or days < 0:
        raise BudgetError("business_days: give a whole number of days, 0 or more.", field="business_days")
    if days > far // DAY:
        raise _too_many(far)
    if not hours.calendars:
        return days * DAY
    budget, found, day = 0, 0, local_day(hours.time_zone, start)
    last_open = day
    while found < days:
        day += 1
        worth = sum(hours.open_between(a, b) for a, b in instants_of_day(hours.time_zone, day))
        if worth:
            budget, found, last_open = budget + worth, found + 1, day
        elif (day - last_open) * DAY > NEVER:
            raise NeverOpen(
                "No date within 366 days is open, so business days cannot be counted. Check the weekly hours.",
                field="business_days",
            )
        if day * DAY - start > far:
            raise _too_many(far)
    return budget


def _too_many(far: int) -> TooFar:
    return TooFar(f"business_days: end more than {years(far)} away. Give fewer.", field="business_days")
