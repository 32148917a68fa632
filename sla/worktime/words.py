"""A calendar in one sentence, for the people who choose it from a list."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from sla.worktime.calendars import Calendar
from sla.worktime.spec import MIDNIGHT, Shifts, clock

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WHOLE_DAY = ((0, MIDNIGHT),)
_NOON = (11 * 60, 15 * 60)


def sentence(spec: Mapping[str, Any]) -> str:
    """Such as "Mon–Fri 09:00–17:30, lunch 12:00–13:00, New York time, 9 holidays". Raises CalendarError."""
    parts = Calendar.from_spec(spec).parts
    told = _week(parts.weekly)
    told += _breaks(parts.weekly_breaks, [day for day in range(7) if parts.weekly[day]])
    told.append(_zone(parts.time_zone))
    told += _counted(len(parts.holidays) + len(parts.recurring_holidays), "holiday")
    told += _counted(len(parts.date_overrides), "special date")
    told += _counted(len(parts.breaks), "date with extra breaks", "dates with extra breaks")
    return ", ".join(told)


def _week(week: tuple[Shifts, ...]) -> list[str]:
    if all(shifts == _WHOLE_DAY for shifts in week):
        return ["round the clock"]
    told = [f"{days} {_times(shifts)}" for days, shifts in _grouped(week, list(range(7)))]
    return told or ["no weekly hours"]


def _breaks(week: tuple[Shifts, ...], working: list[int]) -> list[str]:
    told = []
    for days, cuts in _grouped(week, [day for day in range(7) if week[day]]):
        name = "lunch" if len(cuts) == 1 and _NOON[0] <= cuts[0][0] and cuts[0][1] <= _NOON[1] else "break"
        everywhere = all(week[day] == cuts for day in working)
        told.append(f"{name} {_times(cuts)}" if everywhere else f"{name} {days} {_times(cuts)}")
    return told


def _grouped(week: tuple[Shifts, ...], days: list[int]) -> list[tuple[str, Shifts]]:
    """Days with the same shifts together, in the order of the first of them: Mon–Thu, Sat."""
    found: dict[Shifts, list[int]] = {}
    for day in days:
        if week[day]:
            found.setdefault(week[day], []).append(day)
    return [(_days(same), shifts) for shifts, same in found.items()]


def _days(days: list[int]) -> str:
    runs = []
    for _, run in groupby(enumerate(days), key=lambda pair: pair[1] - pair[0]):
        names = [_DAYS[day] for _, day in run]
        runs += [f"{names[0]}–{names[-1]}"] if len(names) > 2 else names
    return " and ".join([", ".join(runs[:-1]), runs[-1]] if len(runs) > 1 else runs)


def _times(shifts: Shifts) -> str:
    told = [f"{clock(start)}–{clock(end)}{' the next day' if end > MIDNIGHT else ''}" for start, end in shifts]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _zone(name: str) -> str:
    return "UTC" if name in ("UTC", "Etc/UTC") else f"{name.rsplit('/', 1)[-1].replace('_', ' ')} time"


def _counted(number: int, one: str, several: str = "") -> list[str]:
    return [f"{number} {one if number == 1 else several or one + 's'}"] if number else []
