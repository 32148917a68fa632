"""A calendar's spec, as stored and as posted: its text read into numbers with every refusal in words, and written back.

A shift is two minutes of the wall clock since midnight of the date it starts on; its end may pass 1440. Dates are days
since 1970-01-01. What nobody means is refused by its size, so that reading a hostile spec costs no more than an honest
one.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sized
from datetime import date
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sla.worktime.errors import CalendarError, shown
from sla.worktime.zones import EPOCH_ORDINAL, FIRST_YEAR, LAST_YEAR, zone_names

Shift = tuple[int, int]
Shifts = tuple[Shift, ...]
Key = TypeVar("Key", int, str)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = 1440
MOST_PAIRS = 24  # a day
MOST_DATES = 4_000  # in one part: ten years of single days
LONGEST_NAME = 200
OPENING = ("weekly", "date_overrides")  # breaks may overlap: they cut once
FIELDS = ("time_zone", "weekly", "date_overrides", "breaks", "weekly_breaks", "holidays", "recurring_holidays")

_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH_DAY = re.compile(r"[0-9]{2}-[0-9]{2}")


class Parts(NamedTuple):
    """What a spec says, in numbers."""

    time_zone: str
    weekly: tuple[Shifts, ...]
    weekly_breaks: tuple[Shifts, ...] = ((),) * 7
    date_overrides: tuple[tuple[int, Shifts], ...] = ()
    breaks: tuple[tuple[int, Shifts], ...] = ()
    holidays: tuple[tuple[int, str], ...] = ()
    recurring_holidays: tuple[tuple[str, str], ...] = ()


def read(spec: Mapping[str, Any]) -> Parts:
    """The parts of a spec; raises CalendarError for what is not a time, a date, a zone or a part of a calendar."""
    if not isinstance(spec, Mapping):
        raise CalendarError("calendar", f"give an object with {', '.join(FIELDS)}.")
    for field in spec:
        if field not in FIELDS:
            raise CalendarError(_key(field), f"is not part of a calendar. Its parts are {', '.join(FIELDS)}.")
    recurring = _named("recurring_holidays", spec.get("recurring_holidays"), "12-25", _month_day)
    return Parts(
        time_zone=_zone(spec.get("time_zone")),
        weekly=_week("weekly", spec.get("weekly")),
        weekly_breaks=_week("weekly_breaks", spec.get("weekly_breaks")),
        date_overrides=_dated("date_overrides", spec.get("date_overrides")),
        breaks=tuple((day, cuts) for day, cuts in _dated("breaks", spec.get("breaks")) if cuts),
        holidays=tuple(sorted(_named("holidays", spec.get("holidays"), "2026-12-25", _day).items())),
        recurring_holidays=tuple(sorted(recurring.items())),
    )


def write(parts: Parts) -> dict[str, Any]:
    """The spec in its normal form: sorted, without empty parts, ready for JSON."""
    spec: dict[str, Any] = {"time_zone": parts.time_zone, "weekly": _write_week(parts.weekly)}
    dated = {"date_overrides": parts.date_overrides, "breaks": parts.breaks}
    spec |= {field: {iso(day): _write(shifts) for day, shifts in rows} for field, rows in dated.items() if rows}
    if any(parts.weekly_breaks):
        spec["weekly_breaks"] = _write_week(parts.weekly_breaks)
    if parts.holidays:
        spec["holidays"] = _write_named((iso(day), name) for day, name in parts.holidays)
    if parts.recurring_holidays:
        spec["recurring_holidays"] = _write_named(parts.recurring_holidays)
    return spec


def clock(minute: int) -> str:
    """13:30; an end at midnight is 24:00, one beyond it the hour of the next day."""
    minute = minute if minute <= MIDNIGHT else minute - MIDNIGHT
    return f"{minute // 60:02}:{minute % 60:02}"


def iso(day: int) -> str:
    """2026-12-24."""
    return date.fromordinal(day + EPOCH_ORDINAL).isoformat()


def _write(shifts: Shifts) -> list[list[str]]:
    return [[clock(start), clock(end)] for start, end in shifts]


def _write_week(week: tuple[Shifts, ...]) -> dict[str, list[list[str]]]:
    return {name: _write(shifts) for name, shifts in zip(WEEKDAYS, week, strict=True) if shifts}


def _write_named(rows: Iterable[tuple[str, str]]) -> list[str] | dict[str, str]:
    names = dict(rows)
    return names if any(names.values()) else list(names)


def _zone(value: object) -> str:
    if value is None or value == "":
        raise CalendarError("time_zone", "is missing. Give a name such as America/New_York or Europe/Berlin.")
    if not isinstance(value, str) or value not in zone_names():
        raise CalendarError("time_zone", f"{shown(value)} is not a time zone. Give a name such as America/New_York.")
    return value


def _week(field: str, value: object) -> tuple[Shifts, ...]:
    given = _object(field, value, '{"mon": [["09:00", "17:30"]]}')
    for name in given:
        if name not in WEEKDAYS:
            raise CalendarError(field, f"{shown(name)} is not a weekday. They are {', '.join(WEEKDAYS)}.")
    return tuple(_shifts(field, name, given.get(name, ())) for name in WEEKDAYS)


def _dated(field: str, value: object) -> tuple[tuple[int, Shifts], ...]:
    given = _object(field, value, '{"2026-12-24": [["09:00", "12:00"]]}')
    _refuse_too_many(field, given)
    return tuple(sorted((_day(field, text), _shifts(field, text, shifts)) for text, shifts in given.items()))


def _object(field: str, value: object, example: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CalendarError(field, f"give an object such as {example}.")
    return value


def _shifts(field: str, day: str, value: object) -> Shifts:
    if not isinstance(value, list | tuple):
        raise CalendarError(field, 'give a list of pairs such as [["09:00", "17:30"]], or [] for none.', day=day)
    if len(value) > MOST_PAIRS:
        raise CalendarError(field, f"has {len(value)} pairs. Give at most {MOST_PAIRS} a day.", day=day)
    shifts: list[Shift] = []
    for index, pair in enumerate(value):
        shift = _shift(pair, partial(CalendarError, field, day=day, index=index))
        if field in OPENING:
            refuse_overlap(field, day, ((other, shift) for other in shifts), index=index)
        shifts.append(shift)
    return tuple(sorted(shifts))


def _shift(pair: object, refusal: Callable[[str], CalendarError]) -> Shift:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise refusal(f'{shown(pair)} is not a pair of times. Write ["09:00", "17:30"].')
    start, end = (_minute(text, refusal) for text in pair)
    if start == MIDNIGHT:
        raise refusal("24:00 can only be an end. Write 00:00 of the next day.")
    if start == end:
        way_out = 'For the whole day write ["00:00", "24:00"]; for none leave it out.'
        raise refusal(f"{pair[0]}-{pair[1]} starts and ends at the same time. {way_out}")
    return start, end if end > start else end + MIDNIGHT


def _minute(text: object, refusal: Callable[[str], CalendarError]) -> int:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise refusal(f"{shown(text)} is not a time. Write hours and minutes, such as 09:00 or 17:30.")
    return int(text[:2]) * 60 + int(text[3:])


def refuse_overlap(
    field: str, day: str, pairs: Iterable[tuple[Shift, Shift]], *, of: str = "", index: int | None = None
) -> None:
    """An hour said twice is a slip of the pen, and which of the two days it is off with would be a guess."""
    for first, second in pairs:
        if first[0] < second[1] and second[0] < first[1]:
            told = f"{_told(second)} overlaps {_told(first)}{f' of {of}' if of else ''}."
            raise CalendarError(field, f"{told} End one where the other begins, or join them.", day=day, index=index)


def _told(shift: Shift) -> str:
    start, end = shift
    lift = MIDNIGHT if start < 0 else 0
    return f"{clock(start + lift)}-{clock(end + lift)}"


def _named(field: str, value: object, example: str, key: Callable[[str, object, int | None], Key]) -> dict[Key, str]:
    """Dates with their names; a plain list has none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping | list | tuple):
        raise CalendarError(field, f'give a list such as ["{example}"], or {{"{example}": "its name"}}.')
    _refuse_too_many(field, value)
    if not isinstance(value, Mapping):
        return dict.fromkeys((key(field, text, index) for index, text in enumerate(value)), "")
    found: dict[Key, str] = {}
    for text, name in value.items():
        if not isinstance(name, str) or len(name) > LONGEST_NAME:
            told = f"{shown(name)} is not a name. Write it as text of at most {LONGEST_NAME} characters."
            raise CalendarError(field, told, day=_key(text))
        found[key(field, text, None)] = name.strip()
    return found


def _refuse_too_many(field: str, value: Sized) -> None:
    if len(value) > MOST_DATES:
        raise CalendarError(field, f"has {len(value)} dates. Give at most {MOST_DATES}.")


def _key(text: object) -> str:
    return text if isinstance(text, str) and len(text) <= 60 else shown(text)


def _day(field: str, text: object, index: int | None = None) -> int:
    try:
        if not isinstance(text, str) or not _DATE.fullmatch(text):
            raise ValueError
        found = date.fromisoformat(text)
    except ValueError:
        told = f"{shown(text)} is not a date. Write year, month and day, such as 2026-12-24."
        raise CalendarError(field, told, index=index) from None
    if not FIRST_YEAR <= found.year < LAST_YEAR:
        told = f"{text} is out of reach. Give a year from {FIRST_YEAR} to {LAST_YEAR - 1}."
        raise CalendarError(field, told, index=index)
    return found.toordinal() - EPOCH_ORDINAL


def _month_day(field: str, text: object, index: int | None = None) -> str:
    try:
        if not isinstance(text, str) or not _MONTH_DAY.fullmatch(text):
            raise ValueError
        date.fromisoformat(f"2024-{text}")  # a leap year: 02-29 may recur, in leap years
    except ValueError:
        told = f"{shown(text)} is not a day of the year. Write month and day, such as 12-25."
        raise CalendarError(field, told, index=index) from None
    return text
