"""Cells as people fill them in: yes and no, dates, amounts, stages and ends of deals, read exactly or refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Final

from leads.importing.mapping import plain
from leads.models import Lead, Outcome, Stage
from leads.wire.refusals import Refusal

YES: Final = frozenset({"yes", "y", "true", "t", "1", "x", "on"})
NO: Final = frozenset({"no", "n", "false", "f", "0", "off"})
STAGES: Final = {plain(word): stage for stage in Stage for word in (stage.value, stage.label)} | {
    "salesqualified": Stage.SQL,
    "marketingqualifiedlead": Stage.MQL,
    "salesacceptedlead": Stage.SAL,
    "salesqualifiedlead": Stage.SQL,
    "nurturing": Stage.NURTURE,
    "recycled": Stage.NURTURE,
    "unqualified": Stage.DISQUALIFIED,
    "client": Stage.CUSTOMER,
}
DEALS: Final = {
    **dict.fromkeys(("won", "closedwon", "closewon", "win"), Outcome.Kind.WON),
    **dict.fromkeys(("lost", "closedlost", "closelost", "loss"), Outcome.Kind.LOST),
    **dict.fromkeys(("open", "opened", "opportunity", "opportunityopened", "inprogress"), Outcome.Kind.OPENED),
}
PERMISSIONS: Final = {
    **dict.fromkeys((*YES, "granted", "optedin", "subscribed"), Lead.Permission.GRANTED),
    **dict.fromkeys((*NO, "refused", "optedout", "unsubscribed"), Lead.Permission.REFUSED),
    **dict.fromkeys(("unknown", "notasked"), Lead.Permission.UNKNOWN),
}
SIGNS: Final = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY"}
_DAY: Final = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:[T ,]+(.+))?", re.ASCII | re.IGNORECASE)
_TIME: Final = re.compile(
    r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(AM|PM)?\s*(?:(Z|UTC|GMT)|([+-])(\d{2}):?(\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)
_AMOUNT: Final = re.compile(r"\d+(?:[.,'\u2019 ]\d+)*", re.ASCII)


def yes_or_no(text: str, *, column: str) -> bool:
    """True or False as people write it."""
    word = plain(text)
    if word in YES or word in NO:
        return word in YES
    raise Refusal("not_yes_or_no", f'"{column}" says neither yes nor no.')


def permission(text: str, *, column: str) -> Lead.Permission:
    """Granted, refused or unknown, or yes and no."""
    found = PERMISSIONS.get(plain(text))
    if found is None:
        raise Refusal("bad_permission", f'"{column}" is none of granted, refused, unknown, yes and no.')
    return found


def stage(text: str, *, column: str) -> Stage:
    """A stage by its name or by what other systems call it."""
    found = STAGES.get(plain(text))
    if found is None:
        known = ", ".join(one.value.lower() if one not in (Stage.MQL, Stage.SAL, Stage.SQL) else one for one in Stage)
        raise Refusal(
            "unknown_stage",
            f'"{column}" is no stage Baton knows ({known}). To keep it as text, map the column to a trait.',
        )
    return found


def deal(text: str, *, column: str) -> Outcome.Kind:
    """How a deal stands: won, lost or open."""
    found = DEALS.get(plain(text))
    if found is None:
        raise Refusal(
            "unknown_outcome",
            f'"{column}" is none of won, lost and open. To keep it as text, map the column to a trait.',
        )
    return found


def moment(text: str, *, column: str, zone: tzinfo, day_first: bool | None) -> datetime:
    """A date or a time, in `zone` unless it says its own: 2024-05-31, 31.05.2024, 5/31/2024, with or without a time.

    Where both of a date's first numbers could be the month, `day_first` decides; without it the date is refused.
    """
    bad = Refusal("bad_date", f'"{column}" holds no date. Write it as 2024-05-31, or 2024-05-31 14:30.')
    found = _DAY.fullmatch(text.strip())
    if found is None or len(text) > 64:
        raise bad
    first, sign, second, third, clock = found.groups()
    if len(first) == 4 and len(third) <= 2:
        year, month, day = int(first), int(second), int(third)
    elif len(third) == 4 and len(first) <= 2:
        year = int(third)
        day, month = _day_and_month(int(first), int(second), column, day_first=True if sign == "." else day_first)
    else:
        raise bad
    try:
        at = _at(year, month, day, clock, zone)
    except (ValueError, OverflowError):
        raise bad from None
    if at is None or at.year < 1970:
        raise bad
    return at


def _day_and_month(one: int, other: int, column: str, *, day_first: bool | None) -> tuple[int, int]:
    if day_first is None:
        if one <= 12 and other <= 12 and one != other:
            sentence = f'"{column}" may be read in two ways. Say whether the day or the month stands first.'
            raise Refusal("ambiguous_date", sentence)
        day_first = one > 12
    return (one, other) if day_first else (other, one)


def _at(year: int, month: int, day: int, clock: str | None, zone: tzinfo) -> datetime | None:
    if clock is None:
        return datetime(year, month, day, tzinfo=zone).astimezone(UTC)
    found = _TIME.fullmatch(clock.strip())
    if found is None:
        return None
    hour, minute, second, fraction, half, utc, sign, hours, minutes = found.groups()
    number = int(hour)
    if half:
        if not 1 <= number <= 12:
            return None
        number = number % 12 + (12 if half.upper() == "PM" else 0)
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        zone = timezone(offset if sign == "+" else -offset)
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    at = datetime(year, month, day, number, int(minute), int(second or 0), micro, tzinfo=UTC if utc else zone)
    return at.astimezone(UTC)


def amount(text: str, *, column: str) -> tuple[Decimal, str]:
    """An amount of money and its currency ("" where the cell names none): 1200, 1,200.50, 1.200,50 €, USD 1200.

    A point or comma with exactly three digits after it separates thousands, unless nothing but a zero stands before.
    """
    bad = Refusal("bad_amount", f'"{column}" holds no amount. Write it as 1200.50.')
    rest = text.strip().replace("\u00a0", " ").replace("\u202f", " ")
    currency = ""
    for sign, code in SIGNS.items():
        if sign in rest:
            currency, rest = code, rest.replace(sign, "", 1)
            break
    word = re.fullmatch(r"([A-Za-z]{3})?\s*([^A-Za-z]+?)\s*([A-Za-z]{3})?", rest.strip())
    if word is None or (word[1] and word[3]) or len(rest) > 40:
        raise bad
    currency = (word[1] or word[3] or currency).upper()
    digits = word[2].strip()
    if not _AMOUNT.fullmatch(digits):
        raise bad
    return _number(digits, bad), currency


def _number(digits: str, bad: Refusal) -> Decimal:
    digits = re.sub(r"['\u2019 ]", "", digits)
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return Decimal(digits)
    sign, after = digits[last], digits[last + 1 :]
    before = digits[:last]
    both = {".", ","} <= set(digits)
    is_decimal = both or (before.count(sign) == 0 and (len(after) != 3 or before.strip("0") == ""))
    if is_decimal and (sign in before or len(after) > 6):
        raise bad
    whole = re.split(r"[.,]", before if is_decimal else digits)
    if any(len(group) != 3 for group in whole[1:]):
        raise bad
    return Decimal("".join(whole) + (f".{after}" if is_decimal else ""))
