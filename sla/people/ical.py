"""When a calendar file says somebody is busy. Run as a program of its own, so that a hostile file harms nobody else.

Pure: no model, no settings. Instants come out in UTC; the file is whatever somebody else's server sent.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

OUT_OF_OFFICE: Final = "out"
ALL_BUSY: Final = "busy"

MOST_EVENTS: Final = 20_000
MOST_OCCURRENCES: Final = 5_000
CPU_SECONDS: Final = 20
MEMORY: Final = 1024 * 1024 * 1024

# Busy by Microsoft's word; what is free, tentative or working elsewhere is none.
NOT_BUSY: Final = frozenset({"FREE", "TENTATIVE", "WORKINGELSEWHERE"})
# What a file of free and busy hours calls them (RFC 5545, 3.2.9); a word it does not know is busy, as it asks.
FREE_HOURS: Final = frozenset({"FREE", "BUSY-TENTATIVE"})
OUT_HOURS: Final = "BUSY-UNAVAILABLE"
# What programs without that word call it in the title.
_SAYS_OUT: Final = re.compile(r"\b(out of (the )?office|ooo)\b", re.IGNORECASE)
_OFTEN: Final = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})


class Busy(NamedTuple):
    """A stretch in which somebody is busy, with the title the file gave it."""

    start: datetime
    end: datetime
    title: str


class Unreadable(ValueError):
    """The file is no calendar that can be read; the sentence says why."""


def read(
    raw: bytes, *, since: datetime, until: datetime, zone: str, person: str = "", takes: str = ALL_BUSY
) -> tuple[list[Busy], int]:
    """What is busy within a window, merged where it overlaps, in order; and how many series were passed over.

    Whole days and times without a zone are those of the calendar's own zone, else of `zone`. Passed over are
    repetitions within a day and what can't be read; cancelled, free, tentative and declined events are not busy.
    Hours that a file tells without events (VFREEBUSY) are read alike: free and tentative ones are not busy, and of
    the others "unavailable" is out of office. Raises Unreadable.
    """
    import icalendar
    import recurring_ical_events

    try:
        calendars = icalendar.Calendar.from_ical(raw, multiple=True)
    except Exception as error:
        raise Unreadable(f"This is no calendar file: {str(error)[:120]}") from error
    if not calendars:
        raise Unreadable("This is no calendar file: it is empty.")
    found: list[Busy] = []
    passed = 0
    for calendar in calendars:
        here = _zone(str(calendar.get("X-WR-TIMEZONE", "")), zone)
        passed += _prune(calendar, person)
        events = recurring_ical_events.of(calendar, skip_bad_series=True)
        for event in events.between(since - timedelta(days=1), until + timedelta(days=1)):
            if len(found) >= MOST_OCCURRENCES:
                raise Unreadable(f"It has more than {MOST_OCCURRENCES:,} events in {(until - since).days} days.")
            stretch = _stretch(event, here)
            if stretch is not None and (takes == ALL_BUSY or _is_out(event)):
                found.append(stretch)
        found += _hours(calendar, here, takes)
    return merged(found, since, until), passed


def merged(stretches: Iterable[Busy], since: datetime, until: datetime) -> list[Busy]:
    """In order, cut to the window, with what overlaps or touches as one; of titles the first."""
    joined: list[Busy] = []
    for each in sorted(stretches):
        start, end = max(each.start, since), min(each.end, until)
        if each.end <= since or each.start >= until:
            continue
        # Its own beginning stays, also before the window: it is what tells one absence from another.
        if joined and start <= joined[-1].end:
            joined[-1] = joined[-1]._replace(end=max(joined[-1].end, end))
        else:
            joined.append(Busy(each.start, end, each.title))
    return joined


def _prune(calendar: Any, person: str) -> int:
    """Take out what is not busy, and what repeats within a day or can't be expanded; returns how many of the latter."""
    passed, kept = 0, []
    events = 0
    for component in calendar.subcomponents:
        if component.name != "VEVENT":
            kept.append(component)
            continue
        events += 1
        if events > MOST_EVENTS:
            raise Unreadable(f"It has more than {MOST_EVENTS:,} entries.")
        if not _is_expandable(component):
            passed += 1
        elif _is_busy(component, person) or component.get("RECURRENCE-ID") is not None:
            kept.append(component)
    calendar.subcomponents[:] = kept
    return passed


def _is_expandable(event: Any) -> bool:
    try:
        start = event.decoded("DTSTART")
        if start.year < 1970 or start.year > 2100:
            return False
        for rule in _listed(event.get("RRULE")):
            if _OFTEN.intersection(str(each).upper() for each in rule.get("FREQ", [])):
                return False
            if any(len(rule.get(part, [])) > 1 for part in ("BYHOUR", "BYMINUTE", "BYSECOND")):
                return False
        return len(_listed(event.get("RDATE"))) <= 1000
    except Exception:
        return False


def _is_busy(event: Any, person: str) -> bool:
    if str(event.get("STATUS", "")).upper() in ("CANCELLED", "TENTATIVE"):
        return False
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return False
    return _status(event) not in NOT_BUSY and not _declined(event, person)


def _status(event: Any) -> str:
    said = event.get("X-MICROSOFT-CDO-BUSYSTATUS") or event.get("X-MICROSOFT-CDO-INTENDEDSTATUS") or ""
    return str(said).strip().upper()


def _declined(event: Any, person: str) -> bool:
    """Whether this person has said no to the invitation."""
    if not person:
        return False
    for attendee in _listed(event.get("ATTENDEE")):
        address = str(attendee).lower().removeprefix("mailto:")
        if address == person.lower():
            return str(getattr(attendee, "params", {}).get("PARTSTAT", "")).upper() == "DECLINED"
    return False


def _is_out(event: Any) -> bool:
    """Out of office: by Microsoft's word, else a whole day that blocks, or a title that says so."""
    status = _status(event)
    if status:
        return status == "OOF"
    start = event.decoded("DTSTART")
    return not isinstance(start, datetime) or bool(_SAYS_OUT.search(str(event.get("SUMMARY", ""))))


def _stretch(event: Any, zone: ZoneInfo) -> Busy | None:
    """One occurrence in UTC; None where it is not busy after all, or has no length."""
    if not _is_busy(event, ""):
        return None
    start = event.decoded("DTSTART")
    end = event.decoded("DTEND", None)
    if end is None:
        length = event.decoded("DURATION", None)
        end = start + (length or (timedelta(days=1) if not isinstance(start, datetime) else timedelta(0)))
    since, until = _instant(start, zone), _instant(end, zone)
    return Busy(since, until, str(event.get("SUMMARY", ""))[:120]) if until > since else None


def _hours(calendar: Any, zone: ZoneInfo, takes: str) -> list[Busy]:
    """What a calendar tells as busy hours, without events and without titles."""
    found: list[Busy] = []
    for component in calendar.subcomponents:
        if component.name != "VFREEBUSY":
            continue
        for period in _listed(component.get("FREEBUSY")):
            kind = str(period.params.get("FBTYPE", "BUSY")).upper()
            if kind in FREE_HOURS or (takes != ALL_BUSY and kind != OUT_HOURS):
                continue
            if period.start.year < 1970 or period.end.year > 2100 or period.end <= period.start:
                continue
            if len(found) >= MOST_EVENTS:
                raise Unreadable(f"It has more than {MOST_EVENTS:,} entries.")
            found.append(Busy(_instant(period.start, zone), _instant(period.end, zone), ""))
    return found


def _instant(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(0), zone).astimezone(UTC)
    return (value if value.tzinfo is not None else value.replace(tzinfo=zone)).astimezone(UTC)


def _zone(name: str, otherwise: str) -> ZoneInfo:
    for each in (name, otherwise):
        try:
            return ZoneInfo(each)
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return ZoneInfo("UTC")


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _answers(asked: dict[str, Any], raw: bytes) -> Iterator[str]:
    try:
        busy, passed = read(
            raw,
            since=datetime.fromisoformat(asked["since"]),
            until=datetime.fromisoformat(asked["until"]),
            zone=asked["zone"],
            person=asked["person"],
            takes=asked["takes"],
        )
    except Unreadable as error:
        yield json.dumps({"refused": str(error)})
    else:
        rows = [[each.start.isoformat(), each.end.isoformat(), each.title] for each in busy]
        yield json.dumps({"busy": rows, "passed": passed})


def main() -> None:
    """Read what is asked (one line of JSON) and the file from standard input, and answer with one line of JSON."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked, _, raw = sys.stdin.buffer.read().partition(b"\n")
    for answer in _answers(json.loads(asked), raw):
        sys.stdout.write(answer + "\n")


if __name__ == "__main__":
    main()
