"""Pages by key: each begins after the place of the last row, so that what is decided meanwhile shifts nothing."""

from __future__ import annotations

from typing import Final, NamedTuple

from sla.models import Handoff
from sla.querysets import HandoffQuerySet

# More than a high screen shows; the rest comes as it is scrolled to.
SIZE: Final = 20
MOST: Final = 500
LONGEST = 2**63


class Page(NamedTuple):
    """Some rows in their order, and where the next ones begin; empty where there are none."""

    handoffs: list[Handoff]
    after: str


def page_of(here: HandoffQuerySet, *, after: str = "", size: int = SIZE) -> Page:
    """The rows after that place: their keys in one question, and what they show in a fixed number of others."""
    place = _read(after)
    asked = here.after(place) if place else here
    found = asked.places(size + 1)
    shown = found[:size]
    known = {each.pk: each for each in Handoff.objects.filter(pk__in=[pk for pk, _ in shown]).for_inbox()}
    is_more = len(found) > size
    return Page([known[pk] for pk, _ in shown], ".".join(map(str, shown[-1][1])) if is_more else "")


def _read(text: str) -> list[int]:
    """A place as it stood in an address; nothing where it can't be read."""
    try:
        place = [int(part) for part in text[:200].split(".")]
    except ValueError:
        return []
    return place if all(-LONGEST <= part < LONGEST for part in place) else []
