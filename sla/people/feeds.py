"""Absences out of a calendar elsewhere: read on a schedule, kept in step; if that fails, the last good state stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from leads.errors import Invalid, Refused
from leads.models import User
from leads.transactions import business
from leads.wake import wake
from leads.words import one_line
from sla.models import Absence, AbsenceChange, CalendarFeed, Rep
from sla.people import absences
from sla.people.ical import Busy
from sla.people.keeping import NotYourRep, check_keeps

What = AbsenceChange.What

EVERY = timedelta(minutes=15)
LEASE = timedelta(minutes=5)
WHOLE_EVERY = timedelta(hours=12)
LONGEST_WAIT = timedelta(hours=6)
BEFORE, AHEAD = timedelta(days=1), timedelta(days=90)
BUSY = "Busy, by their calendar"


class NoFeed(Refused):
    """There is no calendar to read any more."""

    status = 404
    code = "no_feed"


FRESH = {"etag": "", "last_modified": "", "whole_at": None, "failures": 0, "failing_since": None, "failed_why": ""}


@business
def give(rep_id: int, *, address: str, takes: str, keeps_titles: bool, now: datetime, by: User | None) -> CalendarFeed:
    """A rep's iCal address, new or changed, or what counts of it; read within a minute. Raises NotYourRep, Invalid."""
    rep = _lock(rep_id, by)
    if takes not in CalendarFeed.Takes.values:
        raise Invalid("Say what counts: out of office only, or everything that is busy.", field="takes")
    told = {"address": address, "takes": takes, "keeps_titles": keeps_titles, "added_by": by, "next_at": now}
    feed, _ = CalendarFeed.objects.update_or_create(
        rep=rep, defaults=told | FRESH, create_defaults=told | {"added_at": now}
    )
    wake("calendars")
    return feed


@business
def forget(rep_id: int, *, now: datetime, by: User | None) -> None:
    """The calendar is read no more: what was ahead by it goes, what has begun ends now. Raises NotYourRep, NoFeed."""
    rep = _lock(rep_id, by)
    feed = CalendarFeed.objects.select_for_update(of=("self",)).filter(rep=rep).first()
    if feed is None:
        raise NoFeed(f"No calendar of {rep} is read.")
    _keep_in_step(feed, rep, [], now=now)
    feed.delete()


@business
def claim(*, now: datetime) -> CalendarFeed | None:
    """One feed that is due, for the next minutes nobody else's; None where nothing is due."""
    due = CalendarFeed.objects.select_for_update(of=("self",), skip_locked=True).filter(
        next_at__lte=now, rep__is_active=True
    )
    feed = due.select_related("rep__user").order_by("next_at", "pk").first()
    if feed is not None:
        feed.next_at = now + LEASE
        feed.save(update_fields=["next_at"])
    return feed


def wants_whole(feed: CalendarFeed, *, now: datetime) -> bool:
    """Whether the text is wanted though it may be unchanged: the window moves on."""
    return feed.whole_at is None or now - feed.whole_at > WHOLE_EVERY


@business
def unchanged(feed_id: int, *, now: datetime) -> None:
    """The server said that nothing has changed."""
    CalendarFeed.objects.filter(pk=feed_id).update(
        next_at=now + EVERY, read_at=now, failures=0, failing_since=None, failed_why=""
    )


@business
def failed(feed_id: int, *, why: str, now: datetime) -> None:
    """Reading failed: what was known stays, it is tried again later and later, and people see since when and why."""
    feed = CalendarFeed.objects.select_for_update(of=("self",)).filter(pk=feed_id).first()
    if feed is None:
        return
    feed.failures += 1
    feed.failing_since = feed.failing_since or now
    feed.failed_why = why[:300]
    feed.next_at = now + min(EVERY * 2 ** min(feed.failures - 1, 8), LONGEST_WAIT)
    feed.save(update_fields=["failures", "failing_since", "failed_why", "next_at"])


@business
def sync(
    feed_id: int,
    busy: Sequence[Busy],
    *,
    etag: str = "",
    last_modified: str = "",
    passed_over: int = 0,
    now: datetime,
) -> int:
    """Keep the rep's absences in step with what their calendar says; returns how many changed.

    Unchanged ones keep their row, removed ones go, begun ones end or go on. What the rep told by hand has precedence.
    """
    rep_id = CalendarFeed.objects.filter(pk=feed_id).values_list("rep_id", flat=True).first()
    if rep_id is None:
        return 0
    rep = _lock(rep_id, None)
    feed = CalendarFeed.objects.select_for_update(of=("self",)).filter(pk=feed_id).first()
    if feed is None:
        return 0
    changed = _keep_in_step(feed, rep, busy, now=now)
    feed.etag, feed.last_modified, feed.passed_over = etag[:300], last_modified[:100], passed_over
    feed.stretches, feed.read_at, feed.whole_at, feed.next_at = len(busy), now, now, now + EVERY
    feed.failures, feed.failing_since, feed.failed_why = 0, None, ""
    feed.save()
    return changed


def _keep_in_step(feed: CalendarFeed, rep: Rep, busy: Sequence[Busy], *, now: datetime) -> int:
    known = list(Absence.objects.select_for_update(of=("self",)).filter(rep=rep, ends_at__gt=now - 2 * BEFORE))
    taken = [(each.starts_at, each.ends_at) for each in known if each.feed_id != feed.pk or each.ends_at <= now]
    wanted = [each for each in without(busy, taken) if each.end > now]
    mine = [each for each in known if each.feed_id == feed.pk and each.ends_at > now]
    exact = {(each.start, each.end) for each in wanted} & {(row.starts_at, row.ends_at) for row in mine}
    wanted = [each for each in wanted if (each.start, each.end) not in exact]
    others = [row for row in mine if (row.starts_at, row.ends_at) not in exact]
    changed = sum(_cancel(row, now=now) for row in others if row.starts_at > now)
    for row in others:
        if row.starts_at <= now:
            # Begun: its beginning is history, its end follows the calendar.
            same = next((each for each in wanted if each.start < row.ends_at and each.end > row.starts_at), None)
            changed += _end(row, same.end if same is not None else now, now=now)
    begun = [(row.starts_at, row.ends_at) for row in mine if row.starts_at <= now]
    for each in without(wanted, begun):
        if each.end > now:
            changed += _add(feed, rep, each, now=now)
    return changed


def _cancel(row: Absence, *, now: datetime) -> int:
    absences.record(row, What.CANCELLED, now=now, by=None)
    row.delete()
    return 1


def without(busy: Iterable[Busy], taken: Iterable[tuple[datetime, datetime]]) -> list[Busy]:
    """What of these stretches lies outside of what is taken."""
    left = list(busy)
    for start, end in taken:
        cut: list[Busy] = []
        for each in left:
            if each.end <= start or each.start >= end:
                cut.append(each)
                continue
            if each.start < start:
                cut.append(each._replace(end=start))
            if each.end > end:
                cut.append(each._replace(start=end))
        left = cut
    return left


def _end(row: Absence, end: datetime, *, now: datetime) -> int:
    end = max(end, now)
    if end in (row.ends_at, row.starts_at):
        return 0
    row.ends_at = end
    row.save(update_fields=["ends_at"])
    absences.record(row, What.CHANGED, now=now, by=None)
    wake("route")
    return 1


def _add(feed: CalendarFeed, rep: Rep, each: Busy, *, now: datetime) -> int:
    title = one_line(each.title, at_most=absences.LONGEST_WHY) if feed.keeps_titles else ""
    row = Absence.objects.create(
        rep=rep,
        feed=feed,
        starts_at=each.start,
        ends_at=each.end,
        why=title or BUSY,
        told_at=now if each.start < now else None,
    )
    absences.record(row, What.ADDED, now=now, by=None)
    return 1


def _lock(rep_id: int, by: User | None) -> Rep:
    rep = Rep.objects.select_for_update(of=("self",)).select_related("user").filter(pk=rep_id).first()
    if rep is None:
        raise NotYourRep("There is no such rep, or their time isn't yours to keep.")
    check_keeps(rep, by)
    return rep
