"""From when to when somebody is away: dates and wall times of their zone, read into instants and said in words.

Pure: no model, no clock. A whole day runs from its first instant to the first of the next, whatever a clock change
made of it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leads.errors import Invalid

MIDNIGHT = time(0)
DAY = timedelta(days=1)
YEARS = (2000, 2099)


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name; UTC where there is none such."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def whole_days(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first instant of one date to the end of another, both included. Raises Invalid."""
    _check_years(first_date=first, last_date=last)
    if last < first:
        raise Invalid(
            f"The last day, {_day(last)}, lies before the first, {_day(first)}. Swap them.", field="last_date"
        )
    return _instant(first, MIDNIGHT, zone), _instant(last + DAY, MIDNIGHT, zone)


def hours(first: date, since: time, last: date, until: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From one wall time to another; until 00:00 is the end of that date. Raises Invalid naming the field."""
    _check_years(first_date=first, last_date=last)
    start = _wall(first, since, zone, "from_time")
    end = _instant(last + DAY, MIDNIGHT, zone) if until == MIDNIGHT else _wall(last, until, zone, "until_time")
    if end <= start:
        raise Invalid(
            f"It ends at {_day(last)}, {until:%H:%M}, not after it begins at {_day(first)}, {since:%H:%M}. "
            "Choose a later end.",
            field="until_time",
        )
    return start, end


def _check_years(**dates: date) -> None:
    for field, each in dates.items():
        if not YEARS[0] <= each.year <= YEARS[1]:
            raise Invalid(f"Give a year from {YEARS[0]} to {YEARS[1]}.", field=field)


def is_whole_days(start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Whether it begins with a date of the zone and ends with one."""
    return all(_instant(at.astimezone(zone).date(), MIDNIGHT, zone) == at for at in (start, end))


def last_date(end: datetime, zone: ZoneInfo) -> date:
    """The last date that any of it lies on."""
    return (end - timedelta(microseconds=1)).astimezone(zone).date()


def said(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """In words: "Tue 10 Mar 2026", "Tue 10 to Fri 13 Mar 2026", "Tue 10 Mar 2026, 09:00 to 12:30"."""
    since, last = start.astimezone(zone), last_date(end, zone)
    if is_whole_days(start, end, zone):
        if since.date() == last:
            return _day(last)
        return f"{_short(since.date(), last)} to {_day(last)}"
    until = end.astimezone(zone)
    if since.date() == last:
        return f"{_day(last)}, {since:%H:%M} to {'24:00' if until.time() == MIDNIGHT else f'{until:%H:%M}'}"
    return f"{_day(since.date())}, {since:%H:%M} to {_day(until.date())}, {until:%H:%M}"


def _instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The instant of a wall time; one that a clock change skips is the moment of the change."""
    return datetime.combine(day, wall, zone).astimezone(UTC)


def _wall(day: date, wall: time, zone: ZoneInfo, field: str) -> datetime:
    at = _instant(day, wall, zone)
    if at.astimezone(zone).replace(tzinfo=None) != datetime.combine(day, wall):
        raise Invalid(
            f"{wall:%H:%M} does not exist on {_day(day)} in {zone.key}: the clocks go forward. Choose another time.",
            field=field,
        )
    return at


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _short(day: date, last: date) -> str:
    if (day.year, day.month) == (last.year, last.month):
        return f"{day:%a} {day.day}"
    return f"{day:%a} {day.day} {day:%b}" if day.year == last.year else _day(day)
