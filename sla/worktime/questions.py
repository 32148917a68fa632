"""A question to working time as posted: read strictly, each refusal naming its place in the body and the way out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sla.worktime.calendars import Calendar
from sla.worktime.errors import CalendarError, QuestionError, shown
from sla.worktime.hours import Hours
from sla.worktime.pauses import Pause
from sla.worktime.zones import to_us

ALWAYS = "always"
MOST_PAUSES = 1_000
_INSTANT = "Write a date, a time and an offset from UTC, such as 2026-03-02T09:00:00-05:00 or 2026-03-02T14:00:00Z."
_PAIR = 'Write where it begins and where it ends, such as ["2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z"].'

# A calendar as asked for: its hours where it came inline, else its id.
CalendarAsked = Hours | str | int


class DeadlineAsked(NamedTuple):
    """When is it due: one of seconds and business_days is None."""

    calendar: CalendarAsked
    start: datetime
    seconds: int | None
    business_days: int | None
    pauses: list[Pause]


class ElapsedAsked(NamedTuple):
    """How much working time lies between."""

    calendar: CalendarAsked
    start: datetime
    end: datetime
    pauses: list[Pause]


def read_deadline(body: object) -> DeadlineAsked:
    """A posted question for a deadline; raises WorktimeError with the field at fault."""
    given = _body(body, ("calendar", "start", "seconds", "business_days", "pauses"))
    calendar, start = _calendar(given), _instant("start", given.get("start"))
    seconds, days = given.get("seconds"), given.get("business_days")
    if (seconds is None) == (days is None):
        told = "give one of seconds and business_days" + ("." if seconds is None else ", not both.")
        raise QuestionError("seconds", told)
    if seconds is not None:
        _whole("seconds", seconds, 0, "Give a whole number of seconds, 0 or more.")
    else:
        way_out = "Give a whole number of days, 1 or more; for the next opening ask for 0 seconds."
        _whole("business_days", days, 1, way_out)
    return DeadlineAsked(calendar, start, seconds, days, _pauses(given.get("pauses"), may_run=False))


def read_elapsed(body: object) -> ElapsedAsked:
    """A posted question for the time between; raises WorktimeError with the field at fault."""
    given = _body(body, ("calendar", "start", "end", "pauses"))
    calendar, start, end = _calendar(given), _instant("start", given.get("start")), _instant("end", given.get("end"))
    return ElapsedAsked(calendar, start, end, _pauses(given.get("pauses"), may_run=True))


def _body(body: object, fields: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise QuestionError("body", f"give an object with {', '.join(fields)}.")
    for name in body:
        if name not in fields:
            place = name if isinstance(name, str) and len(name) <= 60 else shown(name)
            raise QuestionError(place, f"is not asked for here. The fields are {', '.join(fields)}.")
    return body


def _calendar(given: Mapping[str, Any]) -> CalendarAsked:
    if "calendar" not in given:
        raise QuestionError("calendar", f'is missing. Give an id, a calendar, or "{ALWAYS}" for round the clock.')
    calendar = given["calendar"]
    if calendar is None or calendar == ALWAYS:
        return Hours.always()
    if isinstance(calendar, Mapping):
        try:
            return Hours.once(Calendar.from_spec(calendar))
        except CalendarError as error:
            raise QuestionError(f"calendar.{error.path}", error.told) from None
    if isinstance(calendar, str) or type(calendar) is int:
        return calendar
    told = f'{shown(calendar)} is no calendar. Give an id, a calendar, or "{ALWAYS}" for round the clock.'
    raise QuestionError("calendar", told)


def _instant(field: str, value: object) -> datetime:
    if value is None:
        raise QuestionError(field, f"is missing. {_INSTANT}")
    try:
        if not isinstance(value, str):
            raise ValueError
        at = datetime.fromisoformat(value)
    except ValueError:
        raise QuestionError(field, f"{shown(value)} is not a moment. {_INSTANT}") from None
    if at.tzinfo is None:
        raise QuestionError(field, f"{shown(value)} does not say its offset from UTC. {_INSTANT}")
    to_us(at, field)  # refuses years that are not counted
    return at


def _whole(field: str, value: object, least: int, way_out: str) -> None:
    if type(value) is not int or value < least:
        raise QuestionError(field, f"{shown(value)} can't be counted. {way_out}")


def _pauses(value: object, *, may_run: bool) -> list[Pause]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise QuestionError("pauses", f"give a list of pairs. {_PAIR}")
    if len(value) > MOST_PAUSES:
        raise QuestionError("pauses", f"there are {len(value)}. Give at most {MOST_PAUSES}.")
    return [_pause(f"pauses[{index}]", pair, may_run) for index, pair in enumerate(value)]


def _pause(field: str, pair: object, may_run: bool) -> Pause:
    if not isinstance(pair, list) or len(pair) != 2:
        raise QuestionError(field, f"{shown(pair)} is not a pause. {_PAIR}")
    begun = _instant(f"{field}[0]", pair[0])
    if pair[1] is None:
        if may_run:
            return begun, None
        raise QuestionError(f"{field}[1]", "the pause has no end, so no answer is due yet. Give the moment it ends.")
    ended = _instant(f"{field}[1]", pair[1])
    if ended < begun:
        raise QuestionError(field, "ends before it begins. Swap its two moments.")
    return begun, ended
