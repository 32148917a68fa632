"""The other people of a lead's company: who they are, who works them, and what they did last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Case, IntegerField, Value, When

from leads import doings
from leads.doings import Doing
from leads.models import Lead, User

SHOWN: Final = 5
# So many are looked at for who did something last: those whom somebody holds, then those who moved last.
LOOKED_AT: Final = 100
COUNTED_AT_MOST: Final = 500


@dataclass(frozen=True)
class Colleague:
    """Another person of the company, with the last thing they did."""

    lead: Lead
    last: Doing | None


@dataclass(frozen=True)
class Colleagues:
    """The other people of a company, as somebody of ours may see them; `unseen` of them are not theirs to read."""

    shown: list[Colleague]
    more: int
    unseen: int
    is_counted: bool

    @property
    def all(self) -> int:
        """How many others there are, seen or not."""
        return len(self.shown) + self.more + self.unseen


def of(lead: Lead, viewer: User) -> Colleagues | None:
    """The others of the lead's company, who did something last on top; None where there is no company or nobody else.

    Whoever holds one lead of a company may read the others and see who works them; that is no right to act on them.
    """
    if lead.account_id is None:
        return None
    others = Lead.objects.live().filter(account=lead.account_id).exclude(pk=lead.pk)
    everybody = others.order_by()[:COUNTED_AT_MOST].count()
    if not everybody:
        return None
    visible = others.visible_to(viewer)
    seen = visible.order_by()[:COUNTED_AT_MOST].count()
    held_first = Case(When(holder=None, then=Value(1)), default=Value(0), output_field=IntegerField())
    looked_at = list(visible.select_related("holder").order_by(held_first, "-stage_at", "-pk")[:LOOKED_AT])
    last = doings.last_of([each.pk for each in looked_at]) if looked_at else {}
    ordered = sorted(looked_at, key=lambda each: (each.pk in last and last[each.pk].last_at.timestamp(), each.pk))
    shown = [Colleague(each, last.get(each.pk)) for each in reversed(ordered[-SHOWN:])]
    return Colleagues(shown, seen - len(shown), everybody - seen, is_counted=everybody < COUNTED_AT_MOST)
