"""Routing: waiting episodes are offered to the reps whom the decisions name. Every offer keeps the whole answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from scoring.models import Episode, Lane
from sla import handoffs
from sla.models import Handoff
from sla.routing import matters, pages, reach, waiting
from sla.routing.books import LASTS, Books
from sla.routing.desks import Desks
from sla.routing.pages import Page
from sla.routing.waiting import waiting_page

log = structlog.get_logger(__name__)

# How many of the line are looked at together, and how many are offered in one transaction.
PAGE = 200
AT_ONCE = 50
# A rep's room was taken in another team, or they left, in between; nothing was written.
REFUSED = (handoffs.OverCapacity, handoffs.InactiveRep, handoffs.AwayRep)


def route(episode_id: int, *, now: datetime, books: Books | None = None) -> Handoff | None:
    """Offer one waiting episode to a rep; None where it does not wait (any more), or nobody can take it yet.

    On a named date the same rep gets it, and on a hand-raise out of nurture the previous one; else the first rule that
    holds and whose team has somebody eligible, as the rule says. Hand-raises and named dates pass capacity. A signal
    goes to whoever has the lead, or a manager. Why nobody was found is kept; `books` are the rules and calendars read
    for the whole round. What runs in shadow is offered on paper, and nobody is told: None.
    """
    try:
        return pages.route([episode_id], now=now, books=books or Books(now)).made.get(episode_id)
    except REFUSED:
        return None


def route_waiting(clock: Callable[[], datetime], *, waited_for: timedelta = waiting.NO_WAIT) -> int:
    """Route everyone in line, page by page; returns how many offers were made. One failing stops nobody."""
    offered, failed = 0, 0
    books = Books(clock())
    while window := waiting_page(now=clock(), limit=PAGE, skip=failed, waited_for=waited_for):
        later: set[int] = set()
        for teams, page in _pages(window, books := _fresh(books, clock)):
            found = _try(page, books := _fresh(books, clock), clock, teams=teams)
            offered += len(found.made)
            later.update(found.busy)
        # What somebody was at is waited for, they may have left it; what goes further finds all it may come to locked.
        for page in reach.chunks([pk for pk in window if pk in later], AT_ONCE):
            offered += len(_try(page, books := _fresh(books, clock), clock).made)
        # What stays in line failed, or somebody else took the last room.
        failed += len(waiting_page(now=clock(), limit=len(window), only=window, waited_for=waited_for))
    return offered


def _fresh(books: Books, clock: Callable[[], datetime]) -> Books:
    now = clock()
    return books if now - books.at <= LASTS else Books(now)


def _pages(window: Sequence[int], books: Books) -> Iterator[tuple[Collection[int] | None, Sequence[int]]]:
    """This part of the line in pages, with the teams to which they come: who may come to one stands in one line.

    Read without locks, so that workers are at different teams; each page looks again under them.
    """
    rows = Episode.objects.select_related("lead__account", "definition").in_bulk(window)
    there = [rows[pk] for pk in window if pk in rows]
    alone = {episode.pk for episode in there if episode.lane == Lane.SIGNAL or books.shadows}
    yield from ((None, [pk]) for pk in window if pk in alone)
    desks = Desks(books.at, midnight=books.midnight(books.at))
    together = [(each, each.lead) for each in there if each.pk not in alone]
    read = list(matters.read(together, now=books.at, books=books, desks=desks))
    reached = zip((matter.episode.pk for matter in read), reach.narrowed(read, desks), strict=True)
    for teams, line in reach.lines(reached):
        yield from ((teams, page) for page in reach.chunks(line, AT_ONCE))


def _try(
    page: Sequence[int], books: Books, clock: Callable[[], datetime], *, teams: Collection[int] | None = None
) -> Page:
    """One page; where something in it fails each of it alone, so that only that is left out. Waits where it is last."""
    now = clock()
    try:
        return pages.route(page, now=now, books=books, wait=teams is None, teams=teams)
    except REFUSED:
        pass
    except Exception:
        if len(page) == 1:
            log.exception("routing_failed", episode=page[0])
            return Page()
        log.warning("routing_page_failed", episodes=len(page), exc_info=True)
    found = Page()
    for episode_id in page if len(page) > 1 else ():
        found.made |= _try([episode_id], books, clock).made
    return found
