"""The tabs of an inbox: what stands in each, in which order, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import cached_property

from leads.models import User
from sla.inbox.counting import Counts, counts_of
from sla.inbox.filters import InboxFilter
from sla.querysets import HandoffQuerySet

TABS = {"decide": "To decide", "follow": "To follow up", "snoozed": "Snoozed", "done": "Done today"}
KNOWN_AT_MOST = 60


class Inbox:
    """One person's inbox as an address asks for it: a tab, and what it is filtered by."""

    def __init__(self, viewer: User, params: QueryDict, *, now: datetime) -> None:
        self.viewer, self.now = viewer, now
        tab = params.get("tab", "")
        self.tab = tab if tab in TABS else "decide"
        self.filter = InboxFilter(params, viewer=viewer, now=now)

    @property
    def query(self) -> str:
        """The address of what is shown."""
        return urlencode({"tab": self.tab}) + (f"&{self.filter.query}" if self.filter.query else "")

    @property
    def rows(self) -> HandoffQuerySet:
        """What the tab shows, in its order."""
        return self.standing(self.filter.chosen)

    def standing(self, mine: HandoffQuerySet) -> HandoffQuerySet:
        """Of these what stands in the tab, whatever it is filtered by."""
        now = self.now
        if self.tab == "done":
            return mine.closed_since(_midnight(now)).last_closed_first()
        if self.tab == "snoozed":
            return mine.snoozed(now).first_back_first()
        if self.tab == "follow":
            return mine.to_follow_up().in_sight(now).next_step_first()
        return mine.to_decide().in_sight(now).most_pressing_first()

    @cached_property
    def counts(self) -> Counts:
        """How many rows each tab has, and what has just come to them."""
        return counts_of(self.filter, now=self.now, midnight=_midnight(self.now))

    @property
    def just_come(self) -> Sequence[UUID]:
        """What came to the tab in the last moments, the newest first: a page knows it, whether it shows it or not."""
        new = {"decide": self.counts.new_to_decide, "follow": self.counts.new_to_follow}.get(self.tab)
        return (new or [])[:KNOWN_AT_MOST]

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """The tabs with their counts and addresses."""
        more = f"&{self.filter.query}" if self.filter.query else ""
        return [
            {"key": key, "label": label, "count": getattr(self.counts, key), "query": urlencode({"tab": key}) + more}
            for key, label in TABS.items()
        ]

    def arrived(self, since: datetime, *, known: list[Any]) -> int:
        """How many came since: offered, or back in sight, and not among the known ones."""
        if self.tab not in ("decide", "follow"):
            return 0
        back = Q(snoozed_until__gt=since, snoozed_until__lte=self.now)
        return self.rows.filter(Q(offered_at__gt=since) | back).exclude(public_id__in=known).count()


def _midnight(now: datetime) -> datetime:
    """The beginning of the viewer's day."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
