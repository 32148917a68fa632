"""Which of the mails that are due to one person leave now, which leave together, and which wait. Pure.

In this order: what they don't want by mail is dropped; what they want in a digest waits for it; in their quiet hours
only what is urgent leaves. Of the rest, as many as STORM leave one by one within WINDOW; more leave together in one
mail, and then at most once per PACE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

STORM: Final = 5
WINDOW: Final = timedelta(minutes=10)
PACE: Final = timedelta(minutes=2)
OPERATIONS: Final = "operations"  # of Baton itself: told in quiet hours, too
AT_ONCE, DIGEST, OFF = "at_once", "digest", "off"


@dataclass(frozen=True)
class Due:
    """One mail that is due. `alone`: it is never put into another (a digest itself, a second try, at most once)."""

    id: int
    topic: str
    is_urgent: bool = False
    for_digest: bool = False
    alone: bool = False


@dataclass(frozen=True)
class Wishes:
    """What one person has chosen, and what they were sent lately."""

    zone: str = "UTC"
    how: Mapping[str, str] = field(default_factory=dict)
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_at: time = time(8, 0)
    sent_lately: int = 0
    last_sent_at: datetime | None = None


@dataclass
class Plan:
    """What becomes of each: ids in their order of leaving, ids that leave together, until when others wait."""

    leave: list[int] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    wait: dict[int, datetime] = field(default_factory=dict)
    drop: list[int] = field(default_factory=list)


def plan(due: Sequence[Due], wishes: Wishes, *, now: datetime) -> Plan:
    """Decide for all that is due to one person, in their order."""
    made = Plan()
    singles: list[Due] = []
    quiet_ends = quiet_end(wishes, now=now)
    for each in due:
        how = wishes.how.get(each.topic, AT_ONCE)
        if each.alone:
            made.leave.append(each.id)
        elif how == OFF:
            made.drop.append(each.id)
        elif how == DIGEST and not each.for_digest and not each.is_urgent:
            made.wait[each.id] = next_at(wishes.digest_at, zone_of(wishes.zone), after=now)
        elif quiet_ends is not None and not each.is_urgent and each.topic != OPERATIONS:
            made.wait[each.id] = quiet_ends
        elif each.for_digest:
            made.together.append(each.id)
        else:
            singles.append(each)
    _pace(made, singles, wishes, now=now)
    order = {each.id: place for place, each in enumerate(due)}
    made.together.sort(key=order.__getitem__)
    if len(made.together) == 1:
        made.leave += made.together
        made.together = []
    return made


def _pace(made: Plan, singles: list[Due], wishes: Wishes, *, now: datetime) -> None:
    """One by one while they are few; together when they are many; and then not more often than the pace."""
    ids = [each.id for each in singles]
    if len(ids) + wishes.sent_lately <= STORM:
        made.leave += ids
    elif wishes.sent_lately >= STORM and wishes.last_sent_at is not None and wishes.last_sent_at + PACE > now:
        made.wait |= dict.fromkeys(ids, wishes.last_sent_at + PACE)
    else:
        made.together += ids


def quiet_end(wishes: Wishes, *, now: datetime) -> datetime | None:
    """When the quiet hours end in which `now` lies; None outside of them."""
    begin, end = wishes.quiet_from, wishes.quiet_until
    if begin is None or end is None:
        return None
    zone = zone_of(wishes.zone)
    at = now.astimezone(zone).time()
    is_quiet = begin <= at < end if begin < end else at >= begin or at < end
    return next_at(end, zone, after=now) if is_quiet else None


def next_at(at: time, zone: ZoneInfo, *, after: datetime) -> datetime:
    """The next moment after this one at which clocks on the wall of that zone show this time."""
    day = after.astimezone(zone).date()
    for offset in range(3):
        candidate = datetime.combine(day + timedelta(days=offset), at, zone)
        if candidate.timestamp() > after.timestamp():
            return candidate.astimezone(after.tzinfo)
    raise AssertionError("unreachable")


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name; UTC where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
