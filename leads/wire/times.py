"""When it happened: the client's stamps, read and set right by the server's clock."""

import re
from datetime import MAXYEAR, UTC, datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

from leads.wire.refusals import Refusal

FUTURE_GRACE: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(MAXYEAR, 12, 31, tzinfo=UTC)
_LONGEST: Final = 64
_STAMP: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?"
    r" ?(?:([Zz])|([+-])(\d{2}):?(\d{2})?)?)?",
    re.ASCII,
)
# `2024-05-01T09:30:00Z`, and with three or six decimals: read by the library, an order of magnitude faster.
_USUAL_LENGTHS: Final = frozenset({20, 24, 27})
# Below the first bound a number is no instant of our days (an uptime, a zero); from the second on it counts
# milliseconds. Both readings begin in 1973, so no number can be read both ways.
_FIRST_SECONDS: Final = 1e8
_FIRST_MILLISECONDS: Final = 1e11


class Occurrence(NamedTuple):
    at: datetime
    clamped: bool


def parse_time(value: Any) -> datetime:
    """The UTC instant a client wrote, or `Refusal("bad_timestamp")`.

    Read are ISO 8601 dates and times, zero-padded or not, with any number of decimals (kept to the microsecond),
    with an offset or, without one, as UTC; and numbers since 1970: seconds below 10^11, milliseconds from there
    on. Refused are instants before 1970, those no calendar holds, numbers below 10^8 and numbers in quotes.
    """
    try:
        if isinstance(value, str):
            instant = _from_text(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and value >= _FIRST_SECONDS:
            instant = _EPOCH + timedelta(seconds=value if value < _FIRST_MILLISECONDS else value / 1000)
        else:
            instant = None
    except (ValueError, OverflowError):
        instant = None
    if instant is None or instant < _EPOCH:
        raise Refusal("bad_timestamp", "A time is not an ISO 8601 instant of 1970 or later.")
    return instant


def _from_text(text: str) -> datetime | None:
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    if len(text) in _USUAL_LENGTHS and text.endswith("Z") and text[4::3][:3] == "--T":
        return datetime.fromisoformat(text)
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, offset_hours, offset_minutes = found.groups()
    zone: timezone = UTC
    if sign:
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes or 0))
        zone = timezone(offset if sign == "+" else -offset)
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    local = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micro, tzinfo=zone
    )
    return local.astimezone(UTC)


def occurred(*, original: datetime | None, sent_at: datetime | None, received_at: datetime) -> Occurrence:
    """`timestamp = receivedAt - (sentAt - originalTimestamp)`: the distance is the client's, the clock is ours.

    Without `original` it happened on receipt; without `sent_at` the client's word stands. What then lies more than
    five minutes after receipt is a wrong clock: it happened on receipt, and is marked clamped. What falls before
    1970 is refused (bad_timestamp). (Segment, common fields, "Timestamps in Segment".)
    """
    if original is None:
        return Occurrence(received_at, clamped=False)
    try:
        at = original if sent_at is None else received_at - (sent_at - original)
    except OverflowError:
        at = _EPOCH - timedelta(days=1) if sent_at is None or original < sent_at else _LAST
    if at > received_at + FUTURE_GRACE:
        return Occurrence(received_at, clamped=True)
    if at < _EPOCH:
        raise Refusal("bad_timestamp", "Set right by the sending clock, the event would have happened before 1970.")
    return Occurrence(at, clamped=False)
