"""Contesting: marketing says, once and with words, why a rejection that counts against the definition was wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Max

from leads import moments
from leads.errors import Invalid, Refused
from leads.models import Organization, Outcome, User
from leads.transactions import business
from sla.contests.people import deciders, may_contest
from sla.handoffs.answers import LONGEST_NOTE
from sla.handoffs.moves import UNDO_FOR, NotYours, how_it_stands, take
from sla.models import Contest, Handoff, State
from sla.telling import contests as letters
from sla.telling import events


class CannotContest(Refused):
    """This rejection can't be contested, or not any more; the sentence says why."""

    title = "Not contested"
    code = "cannot_contest"


@business
def contest(handoff_id: int, *, words: str, by: User, now: datetime) -> Contest:
    """Contest a rejection: the managers of the rep's team are asked to decide, and hear so by mail.

    Once per rejection, within the organization's `contest_days`, and only of one that counts against the definition.
    Raises NotYours for who is neither marketing nor an admin, CannotContest, Invalid without words.
    """
    if not may_contest(by):
        raise NotYours("There is no such rejection, or it isn’t yours to contest.")
    matter = take(handoff_id, by=None, now=now)
    refusal = why_not(matter.handoff, now=matter.now)
    if refusal:
        raise CannotContest(refusal)
    made = Contest.objects.create(handoff=matter.handoff, words=given(words, "words"), by=by, at=matter.now)
    letters.asked(made, deciders(matter.handoff.team))
    events.tell("rejection.contested", handoff=matter.handoff, contest=made, now=matter.now)
    return made


def until(handoff: Handoff) -> datetime:
    """Until when this rejection may be contested."""
    days = Organization.objects.values_list("contest_days", flat=True).get(pk=1)
    return (handoff.closed_at or handoff.offered_at) + timedelta(days=days)


def why_not(handoff: Handoff, *, now: datetime) -> str:
    """Why this hand-off can't be contested now, in a sentence; empty where it can."""
    known = Contest.objects.filter(handoff=handoff).select_related("by").first()
    if known is not None:
        return f"{known.by} contested this rejection on {_day(known.at)}. Each rejection can be contested once."
    if handoff.state != State.REJECTED or handoff.closed_at is None:
        return f"Only a rejection can be contested. {how_it_stands(handoff)}"
    if now < handoff.closed_at + UNDO_FOR:
        return f"{handoff.user} may still take it back. Contest it in {UNDO_FOR.seconds} seconds."
    if not counting([handoff]):
        return "This rejection counts for nothing: the lead went on, or it was taken back. Nothing is left to contest."
    last = until(handoff)
    if now > last:
        days = (last - handoff.closed_at).days
        given_on = _day(handoff.closed_at)
        return f"A rejection can be contested for {days} days; this one was given on {given_on}."
    return ""


def contestable(handoffs: Iterable[Handoff], *, now: datetime) -> set[int]:
    """The keys of those of these hand-offs that can be contested now, in four questions however many there are."""
    days = timedelta(days=Organization.objects.values_list("contest_days", flat=True).get(pk=1))
    recent = [
        each
        for each in handoffs
        if each.state == State.REJECTED
        and each.closed_at is not None
        and each.closed_at + UNDO_FOR <= now <= each.closed_at + days
    ]
    if not recent:
        return set()
    known = set(Contest.objects.filter(handoff__in=recent).values_list("handoff", flat=True))
    return counting(recent) - known


def counting(handoffs: Sequence[Handoff]) -> set[int]:
    """The keys of those rejections that ended their matter and stand against the definition.

    One that sent the lead to somebody else, that was taken back, or of a signal has no Outcome that stands.
    """
    standing = Outcome.objects.filter(kind=Outcome.Kind.REJECTED, via=Outcome.Via.VERDICT, withdrawn_at=None)
    matters = set(
        standing.filter(matter__in=[each.episode.public_id for each in handoffs]).values_list("matter", flat=True)
    )
    hops = Handoff.objects.filter(episode__in=[each.episode_id for each in handoffs]).order_by()
    last = dict(hops.values_list("episode").annotate(last=Max("hop")))
    return {each.pk for each in handoffs if each.episode.public_id in matters and last[each.episode_id] == each.hop}


def given(text: str, field: str) -> str:
    """Somebody's words as they are kept. Raises Invalid where there are none, or too many."""
    words = text.replace("\x00", "").strip()
    if not words or len(words) > LONGEST_NOTE:
        raise Invalid(f"Say why, in at most {LONGEST_NOTE:,} characters.", field=field)
    return words


def _day(at: datetime) -> str:
    return moments.said(at, "j M Y")
