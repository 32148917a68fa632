"""What leads did, read off the index of activities.

Every question walks the kinds of things a lead did, one probe of `activity_of_lead` each, and takes as many of each as
it needs: it costs as much for somebody who did a hundred thousand things as for somebody who did fifty.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from leads.models import Activity, ActivityType, Lead

COUNTED_AT_MOST: Final = 999

# The kinds of each lead, by jumping along the index from one to the next.
KINDS: Final = """
WITH RECURSIVE kinds (lead_id, type_id) AS (
    SELECT asked.id, (SELECT min(type_id) FROM leads_activity WHERE lead_id = asked.id)
      FROM unnest(%(leads)s::bigint[]) AS asked (id)
     UNION ALL
    SELECT lead_id, (SELECT min(a.type_id) FROM leads_activity a
                      WHERE a.lead_id = kinds.lead_id AND a.type_id > kinds.type_id)
      FROM kinds WHERE type_id IS NOT NULL
)
"""
NEWEST: Final = f"""{KINDS}
SELECT done.id FROM kinds JOIN leads_activitytype t ON t.id = kinds.type_id AND t.is_shown
 CROSS JOIN LATERAL (
    SELECT a.id, a.occurred_at FROM leads_activity a
     WHERE a.lead_id = kinds.lead_id AND a.type_id = kinds.type_id
       AND a.occurred_at <= %(at)s AND (a.occurred_at, a.id) < (%(at)s, %(pk)s)
     ORDER BY a.occurred_at DESC, a.id DESC LIMIT %(limit)s
 ) AS done ORDER BY done.occurred_at DESC, done.id DESC LIMIT %(limit)s
"""  # noqa: S608  (no word of anybody's)
LAST: Final = f"""{KINDS}
SELECT DISTINCT ON (kinds.lead_id) kinds.lead_id, kinds.type_id, done.occurred_at
  FROM kinds JOIN leads_activitytype t ON t.id = kinds.type_id AND t.is_shown
 CROSS JOIN LATERAL (
    SELECT a.occurred_at FROM leads_activity a
     WHERE a.lead_id = kinds.lead_id AND a.type_id = kinds.type_id AND a.discounted_at IS NULL
     ORDER BY a.occurred_at DESC LIMIT 1
 ) AS done ORDER BY kinds.lead_id, done.occurred_at DESC, kinds.type_id
"""  # noqa: S608  (no word of anybody's)
MOST: Final = f"""{KINDS}
SELECT kinds.type_id, done.times, done.last_at
  FROM kinds JOIN leads_activitytype t ON t.id = kinds.type_id AND t.is_shown
 CROSS JOIN LATERAL (
    SELECT count(*) AS times, max(occurred_at) AS last_at FROM (
        SELECT a.occurred_at FROM leads_activity a
         WHERE a.lead_id = kinds.lead_id AND a.type_id = kinds.type_id AND a.discounted_at IS NULL
         ORDER BY a.occurred_at DESC LIMIT %(limit)s
    ) AS newest
 ) AS done WHERE done.times > 0
 ORDER BY done.times DESC, done.last_at DESC, kinds.type_id
"""  # noqa: S608  (no word of anybody's)
FAR: Final = datetime(9000, 1, 1, tzinfo=UTC)
LAST_KEY: Final = 2**63 - 1


class Before(NamedTuple):
    """A place in a lead's activities: what lies before it is older, and of one instant has a smaller key."""

    at: datetime
    pk: int = 0


@dataclass(frozen=True)
class Doing:
    """One kind of thing a lead did: how often, and when last. What was discounted is left out."""

    type: ActivityType
    last_at: datetime
    times: int = 1

    @property
    def is_bottom(self) -> bool:
        """It stands at the bottom of the funnel: they are near to buying."""
        return self.type.funnel_stage == ActivityType.FunnelStage.BOTTOM

    @property
    def is_many(self) -> bool:
        """It was more often than is counted."""
        return self.times > COUNTED_AT_MOST


def newest(lead: Lead, *, before: Before | None = None, limit: int) -> list[Activity]:
    """What the lead did, of the kinds that are shown, newest first; at most `limit`, from `before` on."""
    place = before or Before(FAR, LAST_KEY)
    ids = [row[0] for row in _ask(NEWEST, leads=[lead.pk], at=place.at, pk=place.pk, limit=limit)]
    found = Activity.objects.filter(pk__in=ids).select_related("type")
    return sorted(found, key=lambda activity: (activity.occurred_at, activity.pk), reverse=True)


def last_of(lead_ids: Collection[int]) -> dict[int, Doing]:
    """The last thing each of these leads did; whoever did nothing is left out."""
    rows = _ask(LAST, leads=list(lead_ids))
    types = ActivityType.objects.in_bulk({row[1] for row in rows})
    return {lead_id: Doing(types[type_id], at) for lead_id, type_id, at in rows}


def most_of(lead: Lead) -> list[Doing]:
    """What the lead did, by kind, the most often done first; of each at most a thousand are counted."""
    rows = _ask(MOST, leads=[lead.pk], limit=COUNTED_AT_MOST + 1)
    types = ActivityType.objects.in_bulk({row[0] for row in rows})
    return [Doing(types[type_id], last_at, times) for type_id, times, last_at in rows]


def _ask(sql: str, **told: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, told)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
