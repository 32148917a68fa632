"""Time zones as what they are for counting: stretches of constant offset between UTC and the wall clock.

All instants here are whole microseconds since 1970-01-01 UTC. Wall time is counted the same way, as if the wall clock
were UTC: `wall = utc + offset`. Within one stretch the two differ by a constant, so hours said in wall time are
mapped stretch by stretch; a repeated hour then comes twice and a missing one not at all, without a special case.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from sla.worktime.errors import InstantError

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

FIRST_YEAR, LAST_YEAR = 1900, 2900
_FIRST = (date(FIRST_YEAR, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY
_LAST = (date(LAST_YEAR, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY

# The closest two changes of any zone, past or announced, are more than six days apart.
_STEP = 2 * 24 * 60 * 60


def to_us(at: datetime, field: str) -> int:
    """The instant in microseconds since 1970 UTC; refuses a naive one, naming the `field` it came in."""
    if not isinstance(at, datetime) or at.tzinfo is None or at.utcoffset() is None:
        raise InstantError(
            f"{field}: needs a date and time with a UTC offset, such as 2026-03-02T09:00:00Z.", field=field
        )
    since = at - EPOCH
    us = (since.days * 86_400 + since.seconds) * SECOND + since.microseconds
    if not _FIRST <= us < _LAST:
        raise InstantError(f"{field}: give a moment between the years {FIRST_YEAR} and {LAST_YEAR}.", field=field)
    return us


def to_datetime(us: int) -> datetime:
    """The UTC datetime of an instant. UTC is not a zone with a wall clock, so this sum is exact."""
    return EPOCH + timedelta(microseconds=us)


def seconds_of(us: int) -> int | float:
    """A length as seconds: whole ones as int, so that people read 3600 and not 3600.0."""
    whole, rest = divmod(us, SECOND)
    return us / SECOND if rest else whole


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The names a calendar may use."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    assert offset is not None  # noqa: S101 (ZoneInfo always knows)
    return offset.days * DAY + offset.seconds * SECOND


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first second in (before, after] whose offset differs from that of `before`."""
    offset = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


@lru_cache(maxsize=4096)
def offset_stretches(zone_name: str, from_us: int, until_us: int) -> tuple[tuple[int, int, int], ...]:
    """[from, until) cut into (from, until, offset) where the zone's offset is constant. Bounds are whole seconds."""
    zone = ZoneInfo(zone_name)
    stretches = []
    begun, at, end = from_us // SECOND, from_us // SECOND, until_us // SECOND
    while at < end:
        ahead = min(at + _STEP, end)
        offset = _offset(zone, at)
        if _offset(zone, ahead) == offset:
            at = ahead
            continue
        at = _change(zone, at, ahead)
        stretches.append((begun * SECOND, at * SECOND, offset))
        begun = at
    if begun < end:
        stretches.append((begun * SECOND, end * SECOND, _offset(zone, begun)))
    return tuple(stretches)


def local_day(zone_name: str, us: int) -> int:
    """The local date of an instant, as days since 1970-01-01."""
    return (us + _offset(ZoneInfo(zone_name), us // SECOND)) // DAY


@lru_cache(maxsize=4096)
def instants_of_day(zone_name: str, day: int) -> tuple[tuple[int, int], ...]:
    """The UTC intervals in which the wall calendar shows this date.

    Several next to each other where the offset changes, apart where midnight comes twice, none for a skipped date.
    """
    midnight = day * DAY
    around = offset_stretches(zone_name, midnight - 2 * DAY, midnight + 3 * DAY)
    found = [(max(a, midnight - offset), min(b, midnight + DAY - offset)) for a, b, offset in around]
    return tuple((a, b) for a, b in found if a < b)
