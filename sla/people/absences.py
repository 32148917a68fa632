"""Absences: told, changed, ended early, cancelled. A rep is never away twice at once, and what is over is history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from leads.errors import Invalid, Refused
from leads.models import User
from leads.transactions import business
from leads.wake import wake
from leads.words import one_line
from sla.models import Absence, AbsenceChange, CalendarFeed, Rep
from sla.people import spans
from sla.people.keeping import NotYourRep, check_keeps

What = AbsenceChange.What

LONGEST = timedelta(days=366)
LONGEST_WHY = 120


class Overlaps(Refused):
    """The rep is already away in that time; the sentence names the other absence."""

    code = "overlaps"


class IsHistory(Refused):
    """What has happened of an absence can't be changed any more."""

    code = "is_history"


def away(*, now: datetime) -> set[int]:
    """Ids of the reps who are away at this moment."""
    return set(Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).values_list("rep_id", flat=True))


def is_away(rep_id: int, *, at: datetime) -> bool:
    """Whether this rep is away at an instant."""
    return Absence.objects.filter(rep=rep_id, starts_at__lte=at, ends_at__gt=at).exists()


def said(absence: Absence) -> str:
    """From when to when, in the rep's zone, with why: "Tue 10 to Fri 13 Mar 2026 (vacation)"."""
    told = spans.said(absence.starts_at, absence.ends_at, spans.zone_of(absence.rep.user.time_zone))
    return f"{told} ({absence.why})" if absence.why else told


def check(
    rep: Rep,
    *,
    starts_at: datetime,
    ends_at: datetime,
    cover: Rep | None,
    besides: Absence | None = None,
    now: datetime,
) -> None:
    """Raise what would stand in the way of this absence, `besides` the one that is changed: Invalid, Overlaps."""
    _check_span(starts_at, ends_at, now=now)
    _check_cover(rep, cover)
    _check_free(rep, starts_at, ends_at, besides=besides, now=now)


@business
def add(
    rep_id: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    why: str = "",
    cover: Rep | None = None,
    now: datetime,
    by: User | None,
) -> Absence:
    """Somebody will be away. What has begun already is marked so and counts from now on; what is over is refused.

    Raises NotYourRep, Invalid, Overlaps.
    """
    rep = _lock(rep_id, by)
    if not rep.is_active:
        raise Invalid(f"{rep} receives no leads any more, so there is nothing to be away from.", field="rep")
    check(rep, starts_at=starts_at, ends_at=ends_at, cover=cover, now=now)
    _make_room(rep, starts_at, ends_at, now=now, by=by)
    absence = Absence.objects.create(
        rep=rep,
        starts_at=starts_at,
        ends_at=ends_at,
        why=one_line(why, at_most=LONGEST_WHY),
        cover=cover,
        told_at=now if starts_at < now else None,
    )
    record(absence, What.ADDED, now=now, by=by)
    return absence


@business
def change(
    absence_id: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    why: str,
    cover: Rep | None,
    now: datetime,
    by: User | None,
) -> Absence:
    """Another time, reason or cover. What has begun keeps its beginning; what is over stays as it was.

    Raises NotYourRep, Invalid, Overlaps, IsHistory.
    """
    absence = _lock_absence(absence_id, by)
    _check_not_over(absence, now=now)
    _check_by_hand(absence)
    if absence.starts_at <= now and starts_at != absence.starts_at:
        raise IsHistory("This absence has begun, so its beginning stays. Change its end, or end it early.")
    check(absence.rep, starts_at=starts_at, ends_at=ends_at, cover=cover, besides=absence, now=now)
    _make_room(absence.rep, starts_at, ends_at, now=now, by=by)
    if starts_at < now and absence.told_at is None and starts_at != absence.starts_at:
        absence.told_at = now
    absence.starts_at, absence.ends_at, absence.cover = starts_at, ends_at, cover
    absence.why = one_line(why, at_most=LONGEST_WHY)
    absence.save()
    record(absence, What.CHANGED, now=now, by=by)
    wake("route")
    return absence


@business
def end_early(absence_id: int, *, now: datetime, by: User | None) -> Absence:
    """The rep is back before time and receives leads again from now on. Raises NotYourRep, IsHistory."""
    absence = _lock_absence(absence_id, by)
    _check_not_over(absence, now=now)
    _check_by_hand(absence)
    if absence.starts_at >= now:
        raise IsHistory("This absence has not begun. Cancel it instead.")
    absence.ends_at = now
    absence.save(update_fields=["ends_at"])
    record(absence, What.ENDED, now=now, by=by)
    wake("route")
    return absence


@business
def cancel(absence_id: int, *, now: datetime, by: User | None) -> None:
    """It will not take place: it goes, its history stays. Raises NotYourRep, IsHistory once it has begun."""
    absence = _lock_absence(absence_id, by)
    _check_not_over(absence, now=now)
    _check_by_hand(absence)
    if absence.starts_at < now or absence.begun_at is not None:
        raise IsHistory("This absence has begun, and leads may have moved on because of it. End it early instead.")
    record(absence, What.CANCELLED, now=now, by=by)
    absence.delete()


def record(absence: Absence, what: str, *, now: datetime, by: User | None, **detail: Any) -> None:
    """Write the history row of one change of an absence, as it stands afterwards."""
    last = AbsenceChange.objects.filter(absence=absence.public_id).aggregate(at=Max("at"))["at"]
    AbsenceChange.objects.create(
        rep_id=absence.rep_id,
        absence=absence.public_id,
        what=what,
        at=max(now, last) if last is not None else now,
        by=by,
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
        why=absence.why,
        detail=detail,
    )


def _lock(rep_id: int, by: User | None) -> Rep:
    rep = Rep.objects.select_for_update(of=("self",)).select_related("user").filter(pk=rep_id).first()
    if rep is None:
        raise NotYourRep("There is no such rep, or their time isn't yours to keep.")
    check_keeps(rep, by)
    return rep


def _lock_absence(absence_id: int, by: User | None) -> Absence:
    """The absence under its rep's lock; one that was cancelled meanwhile sounds like none."""
    rep_id = Absence.objects.filter(pk=absence_id).values_list("rep_id", flat=True).first()
    rep = _lock(rep_id or 0, by)
    absence = Absence.objects.select_for_update(of=("self",)).filter(pk=absence_id).first()
    if absence is None:
        raise NotYourRep("This absence was cancelled meanwhile.")
    absence.rep = rep
    return absence


def _check_span(starts_at: datetime, ends_at: datetime, *, now: datetime) -> None:
    if ends_at <= starts_at:
        raise Invalid("It ends before it begins. Choose a later end.", field="ends_at")
    if ends_at <= now:
        raise Invalid(
            "That time is over: nothing that happened in it changes any more. Give an end that is still to come.",
            field="ends_at",
        )
    if ends_at.year > spans.YEARS[1]:
        raise Invalid(f"Give a year up to {spans.YEARS[1]}.", field="ends_at")
    if ends_at - starts_at > LONGEST:
        raise Invalid(
            "That is more than a year. Check the dates, or have a manager take the rep out instead.", field="ends_at"
        )


def _check_cover(rep: Rep, cover: Rep | None) -> None:
    if cover is None:
        return
    if cover.pk == rep.pk:
        raise Invalid("Nobody covers for themself. Choose somebody else, or leave it empty.", field="cover")
    if not cover.is_active:
        raise Invalid(f"{cover} receives no leads any more. Choose somebody else, or leave it empty.", field="cover")


def _check_free(
    rep: Rep, starts_at: datetime, ends_at: datetime, *, besides: Absence | None = None, now: datetime
) -> None:
    others = Absence.objects.filter(rep=rep, starts_at__lt=ends_at, ends_at__gt=starts_at)
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    # What a calendar says is ahead gives way to what a person tells.
    other = others.exclude(feed__isnull=False, starts_at__gt=now).order_by("starts_at").first()
    if other is not None:
        other.rep = rep
        raise Overlaps(
            f"{rep} is already away {said(other)}. Change or cancel that one, or choose a time outside it.",
            absence=str(other.public_id),
        )


def _make_room(rep: Rep, starts_at: datetime, ends_at: datetime, *, now: datetime, by: User | None) -> None:
    """What the rep's calendar says is ahead in that time goes; what of it lies outside comes with the next reading."""
    ahead = Absence.objects.filter(rep=rep, feed__isnull=False, starts_at__gt=now)
    for row in ahead.filter(starts_at__lt=ends_at, ends_at__gt=starts_at):
        record(row, What.CANCELLED, now=now, by=by, told_by_hand=True)
        row.delete()
        CalendarFeed.objects.filter(rep=rep).update(next_at=now, whole_at=None)


def _check_by_hand(absence: Absence) -> None:
    if absence.feed_id is not None:
        raise IsHistory(
            f"{said(absence)} comes from the calendar of {absence.rep}. Change it there; it is read every 15 minutes."
        )


def _check_not_over(absence: Absence, *, now: datetime) -> None:
    if absence.ends_at <= now:
        raise IsHistory(f"{said(absence)} is over and stays as it was. Tell a new absence instead.")
