"""What the OpenAPI document says of questions to working time."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample

Schema = dict[str, Any]


def _answer(required: list[str], /, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _question(required: list[str], /, **properties: Schema) -> Schema:
    """An object that refuses what it does not know."""
    return _answer(required, **properties) | {"additionalProperties": False}


_TIME: Final[Schema] = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", "example": "09:00"}
_INSTANT: Final[Schema] = {"type": "string", "format": "date-time", "description": "ISO 8601 with an offset from UTC."}
_SHIFTS: Final[Schema] = {
    "type": "array",
    "maxItems": 24,
    "items": {"type": "array", "items": _TIME, "minItems": 2, "maxItems": 2},
    "description": "Pairs of wall-clock times. 24:00 may be an end; an end before its start runs past midnight.",
}
_WEEK: Final[Schema] = {
    "type": "object",
    "properties": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), _SHIFTS),
    "additionalProperties": False,
}
_DATED: Final[Schema] = {"type": "object", "additionalProperties": _SHIFTS, "description": "By date: 2026-12-24."}


def _days(example: str) -> Schema:
    names: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
    days: Schema = {"type": "array", "items": {"type": "string"}}
    return {"oneOf": [days, names], "description": f"A list, or an object with names. Written {example}."}


_SPEC: Final[Schema] = _question(
    ["time_zone"],
    time_zone={"type": "string", "example": "America/New_York"},
    weekly=_WEEK,
    weekly_breaks=_WEEK,
    date_overrides=_DATED | {"description": "By date, instead of the week's hours and of a holiday; [] is closed."},
    breaks=_DATED | {"description": "By date, cut out beside the weekly breaks."},
    holidays=_days("2026-12-25"),
    recurring_holidays=_days("12-25, every year; 02-29 in leap years"),
)
_CALENDAR: Final[Schema] = {
    "description": "A stored calendar's id (its version in force counts), a calendar inline, or round the clock.",
    "oneOf": [
        {"type": "string", "format": "uuid"},
        {"type": "integer", "description": "The number in the admin's address."},
        _SPEC,
        {"type": "string", "enum": ["always"], "nullable": True, "description": "Round the clock; so is null."},
    ],
}


def _pauses(instant: Schema, more: str = "") -> Schema:
    return {
        "type": "array",
        "maxItems": 1000,
        "items": {"type": "array", "items": instant, "minItems": 2, "maxItems": 2},
        "description": f"Pairs of instants; overlapping ones count once.{more}",
    }


_STRETCH: Final[dict[str, Schema]] = {"from": _INSTANT, "to": _INSTANT}
_WHY: Final[Schema] = {"type": "string", "example": "outside hours, day off, holiday: Good Friday, break, paused"}
_SUM: Final[dict[str, Schema]] = {
    "counted": {"type": "array", "items": _answer([], **_STRETCH, seconds={"type": "number"})},
    "uncounted": {
        "type": "array",
        "items": _answer([], **_STRETCH, why=_WHY),
        "description": "Together with `counted` gapless from the start to the end.",
    },
    "calendar_version": {"type": "integer", "nullable": True, "description": "Of a stored calendar; else null."},
}
_ASKED: Final[dict[str, Schema]] = {"calendar": _CALENDAR, "start": _INSTANT}

DEADLINE: Final[Schema] = {
    "application/json": {
        **_question(
            ["calendar", "start"],
            **_ASKED,
            pauses=_pauses(_INSTANT),
            seconds={"type": "integer", "minimum": 0},
            business_days={"type": "integer", "minimum": 1},
        ),
        "description": "Exactly one of `seconds` and `business_days`.",
    }
}
_MAY_RUN: Final[Schema] = _pauses(_INSTANT | {"nullable": True}, " An end of null: it still runs.")
ELAPSED: Final[Schema] = {
    "application/json": _question(["calendar", "start", "end"], **_ASKED, end=_INSTANT, pauses=_MAY_RUN)
}

DEADLINE_ANSWER: Final[Schema] = _answer(
    ["due_at", "seconds", "counted", "uncounted"],
    due_at=_INSTANT | {"description": "In UTC."},
    seconds={"type": "number", "description": "The budget: what was counted."},
    **_SUM,
)
ELAPSED_ANSWER: Final[Schema] = _answer(["seconds", "counted", "uncounted"], seconds={"type": "number"}, **_SUM)
PROBLEM: Final[Schema] = _answer(
    ["type", "title", "status", "detail"],
    type={"type": "string"},
    title={"type": "string"},
    status={"type": "integer"},
    detail={"type": "string", "description": "What is wrong with which field, and the way out."},
    code={"type": "string"},
    field={"type": "string", "example": "calendar.weekly.mon[1]"},
)

_LUNCH: Final[list[list[str]]] = [["09:00", "12:30"], ["13:30", "18:00"]]
_OFFICE: Final[Schema] = {
    "time_zone": "Europe/Berlin",
    "weekly": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), _LUNCH),
    "holidays": {"2026-04-03": "Good Friday", "2026-04-06": "Easter Monday"},
}
DEADLINE_EXAMPLES: Final = [
    OpenApiExample(
        "Over Easter",
        request_only=True,
        value={"calendar": _OFFICE, "start": "2026-04-02T17:00:00+02:00", "seconds": 14400},
    ),
]
ELAPSED_EXAMPLES: Final = [
    OpenApiExample(
        "Over Easter",
        request_only=True,
        value={"calendar": _OFFICE, "start": "2026-04-02T17:00:00+02:00", "end": "2026-04-07T12:00:00+02:00"},
    ),
]
