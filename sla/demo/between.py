"""What happens between the demo's people: a lead goes to who closes it, a rejection is contested, the floor counted."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count

from leads.errors import Refused
from leads.models import Role, User
from scoring.models import Lane
from sla import contests
from sla.attainment import moments
from sla.handoffs import verdicts
from sla.models import Contest, Handoff, Leg, Rep, State

if TYPE_CHECKING:
    from sla.demo.weeks import Weeks

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
HALF_AN_HOUR = timedelta(minutes=30)


def plan(story: Weeks) -> None:
    """The floor is counted over the last week, three rejections are contested, and one lead waits for who closes it."""
    at = moments.quarter_of(story.end) - timedelta(weeks=1) - HALF_AN_HOUR
    while at < story.end:
        story.at(at, count)
        at += HALF_AN_HOUR
    story.at(story.end - 10 * DAY, lambda at: _contest(story, at, overturns=True))
    story.at(story.end - 5 * DAY, lambda at: _contest(story, at, overturns=False))
    story.at(story.end - 40 * MINUTE, _say_no)
    story.at(story.end - 3 * MINUTE, lambda at: _contest(story, at))
    story.at(story.end - 4 * MINUTE, _ask_to_close)


def count(at: datetime) -> None:
    """As the clock process does it every quarter of an hour; half of them are enough for the board's comparison."""
    moments.keep(now=at)


def closer() -> User:
    """Who closes what the others have converted."""
    return Rep.objects.select_related("user").get(closes=True).user


def _ask_to_close(at: datetime) -> None:
    mine = Handoff.objects.open().filter(state=State.ACCEPTED, leg=Leg.SALES, first_touched_at__isnull=False)
    ready = mine.exclude(lane=Lane.SIGNAL).select_related("user").order_by("-offered_at", "-pk").first()
    if ready is not None:
        with contextlib.suppress(Refused):
            verdicts.convert(ready.pk, bant={"need": "Wants it this quarter"}, to=closer(), by=ready.user, now=at)


def _say_no(at: datetime) -> None:
    """Where nobody said a no lately that could be contested, one who was asked says it now."""
    if _contestable(at) is not None:
        return
    asked = Handoff.objects.open().filter(state=State.OFFERED, leg=Leg.SALES, lane=Lane.NORMAL)
    first = (
        asked.alias(people=Count("episode__members"))
        .filter(people=1)
        .select_related("user")
        .order_by("offered_at", "pk")
        .first()
    )
    if first is not None:
        with contextlib.suppress(Refused):
            verdicts.reject(first.pk, reason="bad_contact", note="It bounced.", by=first.user, now=at)


def _contestable(at: datetime) -> Handoff | None:
    """The newest rejection that can be contested now."""
    rejected = Handoff.objects.filter(state=State.REJECTED).select_related("episode").order_by("-closed_at", "-pk")
    recent = list(rejected[:20])
    can = contests.contestable(recent, now=at)
    return next((each for each in recent if each.pk in can), None)


def _contest(story: Weeks, at: datetime, *, overturns: bool | None = None) -> None:
    """Marketing contests the newest rejection; the manager decides a day later, or has it before them still."""
    chosen = _contestable(at)
    if chosen is None:
        return
    theo = User.objects.get(groups__name=Role.MARKETING)
    made = contests.contest(chosen.pk, words="They match the definition we agreed on, line by line.", by=theo, now=at)
    if overturns is not None:
        story.at(at + DAY, lambda moment: _decide(story, made, moment, overturns=overturns))


def _decide(story: Weeks, contest: Contest, at: datetime, *, overturns: bool) -> None:
    with contextlib.suppress(Refused):
        if overturns:
            contests.overturn(contest.pk, why="They do match; let us talk to them.", to=None, by=story.manager, now=at)
        else:
            contests.uphold(contest.pk, why="The evidence stands.", by=story.manager, now=at)
