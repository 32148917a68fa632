"""How many rows each tab of an inbox has, and what has just come: in one question, which every look at it asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from sla.inbox.filters import InboxFilter

# What was offered before a page was drawn may have been committed after it.
OVERLAP: Final = timedelta(seconds=30)
COUNTED: Final = """
SELECT count(*) FILTER (WHERE decide AND inside), count(*) FILTER (WHERE follow AND inside),
    count(*) FILTER (WHERE snoozed AND inside), count(*) FILTER (WHERE done AND inside),
    count(*) FILTER (WHERE adrift), count(*) FILTER (WHERE decide),
    array_agg(public_id ORDER BY offered_at DESC) FILTER (WHERE decide AND inside AND is_new),
    array_agg(public_id ORDER BY offered_at DESC) FILTER (WHERE follow AND inside AND is_new)
FROM (
    SELECT public_id, offered_at, {inside} AS inside, offered_at > %s AS is_new,
        state = 'offered' AND (snoozed_until IS NULL OR snoozed_until <= %s) AS decide,
        state = 'accepted' AND (snoozed_until IS NULL OR snoozed_until <= %s) AS follow,
        state IN ('offered', 'accepted') AND snoozed_until > %s AS snoozed,
        closed_at >= %s AS done,
        state = 'accepted' AND (next_step_at IS NULL OR next_step_at < %s) AS adrift
    FROM sla_handoff
    WHERE user_id = %s AND (state IN ('offered', 'accepted') OR closed_at >= %s AND NOT is_undone)
) AS mine
"""


class Counts(NamedTuple):
    """What an inbox holds; the tabs as filtered, `adrift` and `to_decide` of the whole, and who is new in two tabs."""

    decide: int
    follow: int
    snoozed: int
    done: int
    adrift: int
    to_decide: int
    new_to_decide: Sequence[UUID] | None
    new_to_follow: Sequence[UUID] | None


def counts_of(chosen: InboxFilter, *, now: datetime, midnight: datetime) -> Counts:
    """What this person has: open, or ended since their midnight."""
    inside, params = "TRUE", ()
    if chosen.asked:
        found, params = chosen.chosen.order_by().values("pk").query.sql_with_params()
        inside = f"id IN ({found})"
    values: list[Any] = [*params, now - OVERLAP, now, now, now, midnight, now, chosen.viewer.pk, midnight]
    with connection.cursor() as cursor:
        cursor.execute(COUNTED.format(inside=inside), values)
        return Counts._make(cursor.fetchone() or ())
