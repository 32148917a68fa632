"""Activities, written by the thousand: their catalog, their rows, and the machine clicks among them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leads import bulk, scanners
from leads.models import Activity, ActivityType
from leads.profiles import context_of
from leads.transactions import business
from leads.wire import Event

# Clicks that are there already, around those that come in: a burst may be split over two batches.
_CLICKS: Final = """
SELECT a.id, a.lead_id, a.occurred_at, a.properties, t.name
  FROM leads_activity a JOIN leads_activitytype t ON t.id = a.type_id
 WHERE a.lead_id = ANY(%s) AND a.occurred_at BETWEEN %s AND %s AND a.discounted_at IS NULL AND t.name ILIKE '%%click%%'
"""
# Words of what people do shortly before they buy.
NEAR_TO_BUYING: Final = frozenset({"pricing", "prices", "demo", "trial", "quote", "checkout", "proposal"})
_TYPES: Final = "SELECT name, id FROM leads_activitytype WHERE name = ANY(%s)"
_DISCOUNT: Final = """
UPDATE leads_activity SET discounted_at = %s, discount_reason = %s WHERE id = ANY(%s) AND discounted_at IS NULL
"""
_MOVE: Final = """
WITH moved AS (
    DELETE FROM leads_anonymousactivity AS waiting
     USING unnest(%s::text[], %s::bigint[]) AS named(anonymous_id, lead_id)
     WHERE waiting.anonymous_id = named.anonymous_id
 RETURNING waiting.*, named.lead_id
), written AS (
    INSERT INTO leads_activity (lead_id, type_id, occurred_at, received_at, known_at, properties, context, source_id,
                                message_id, origin, clamped, discount_reason)
    SELECT lead_id, type_id, occurred_at, received_at, %s, properties, context, source_id,
           message_id, origin, clamped, '' FROM moved ORDER BY moved.id
 RETURNING id, lead_id, type_id, occurred_at, received_at, known_at, properties, context, source_id, message_id, origin
)
SELECT written.*, t.name FROM written JOIN leads_activitytype t ON t.id = written.type_id
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One activity that was just written."""

    id: int
    lead_id: int
    type_id: int
    name: str
    occurred_at: datetime
    properties: dict[str, Any]
    context: dict[str, Any]
    user_agent: str | None


def catalog(names: Collection[str], *, now: datetime) -> dict[str, int]:
    """The ids of these names' activity types; a name never seen before gets its row.

    The row is committed by itself, before the batch: nobody waits for another's batch over a name.
    """
    wanted = sorted(names)
    found = dict(bulk.run(_TYPES, [wanted])) if wanted else {}
    missing = [name for name in wanted if name not in found]
    return found | _add_types(missing, now=now) if missing else found


@business
def _add_types(names: Sequence[str], *, now: datetime) -> dict[str, int]:
    ActivityType.objects.bulk_create(
        [ActivityType(name=name, funnel_stage=_stage_of(name), first_seen_at=now) for name in names],
        ignore_conflicts=True,
    )
    return dict(bulk.run(_TYPES, [list(names)]))


def _stage_of(name: str) -> str:
    """Where a name seen for the first time stands in the funnel, as far as its words tell; people may say otherwise."""
    words = set(name.lower().replace("_", " ").replace("-", " ").split())
    return ActivityType.FunnelStage.BOTTOM if words & NEAR_TO_BUYING else ""


def record(
    events: Sequence[tuple[int, Event]], types: dict[str, int], *, source_id: int, now: datetime, origin: str
) -> list[Recorded]:
    """Write activities of known leads, in order."""
    contexts = [context_of(event) for _, event in events]
    ids = bulk.insert(
        "leads_activity",
        {
            "lead_id": ("bigint", [lead_id for lead_id, _ in events]),
            **_columns([event for _, event in events], contexts, types, source_id=source_id, now=now, origin=origin),
            "known_at": ("timestamptz", [now] * len(events)),
            "discount_reason": ("text", [""] * len(events)),
        },
        returning="id",
    )
    return [
        Recorded(
            id=row[0],
            lead_id=lead_id,
            type_id=types[event.name],
            name=event.name,
            occurred_at=event.occurred_at,
            properties=dict(event.properties),
            context=context,
            user_agent=event.origin.user_agent,
        )
        for row, (lead_id, event), context in zip(ids, events, contexts, strict=True)
    ]


def set_aside(events: Sequence[Event], types: dict[str, int], *, source_id: int, now: datetime, origin: str) -> None:
    """Write activities of browsers nobody has put a name to; they wait in a table of their own."""
    contexts = [context_of(event) for event in events]
    bulk.insert(
        "leads_anonymousactivity",
        {
            "anonymous_id": ("text", [event.anonymous_id for event in events]),
            **_columns(events, contexts, types, source_id=source_id, now=now, origin=origin),
        },
    )


def _columns(
    events: Sequence[Event],
    contexts: list[dict[str, Any]],
    types: dict[str, int],
    *,
    source_id: int,
    now: datetime,
    origin: str,
) -> dict[str, tuple[str, list[Any]]]:
    count = len(events)
    return {
        "type_id": ("bigint", [types[event.name] for event in events]),
        "occurred_at": ("timestamptz", [event.occurred_at for event in events]),
        "received_at": ("timestamptz", [now] * count),
        "properties": ("jsonb", [event.properties for event in events]),
        "context": ("jsonb", contexts),
        "source_id": ("bigint", [source_id] * count),
        "message_id": ("text", [event.message_id for event in events]),
        "origin": ("text", [origin] * count),
        "clamped": ("boolean", [event.clamped for event in events]),
    }


def join(browsers: dict[str, int], *, now: datetime) -> list[Recorded]:
    """Move what these browsers did before anyone knew them to their leads: it happened then, and is known now."""
    if not browsers:
        return []
    names = sorted(browsers)
    rows = bulk.run(_MOVE, [names, [browsers[name] for name in names], now])
    found = []
    for pk, lead_id, type_id, occurred_at, _received, _known, properties, context, *_, name in rows:
        kept = bulk.from_json(context)
        found.append(
            Recorded(
                id=pk,
                lead_id=lead_id,
                type_id=type_id,
                name=name,
                occurred_at=occurred_at,
                properties=bulk.from_json(properties),
                context=kept,
                user_agent=kept.get("user_agent"),
            )
        )
    return found


def discount(recorded: Iterable[Recorded], *, now: datetime) -> set[int]:
    """Discount what machines did among these and around them: kept, with the reason, and counted as nothing.

    Returns the ids of all activities that were discounted.
    """
    reasons: dict[str, list[int]] = {}
    clicks: list[scanners.Click] = []
    for one in recorded:
        reason = scanners.agent_reason(one.user_agent)
        if reason:
            reasons.setdefault(reason, []).append(one.id)
        elif scanners.is_click(one.name) and (link := scanners.link_of(one.name, one.properties)):
            clicks.append(scanners.Click(one.lead_id, one.occurred_at, link, one.id))
    if clicks:
        burst = scanners.bursts([*clicks, *_earlier(clicks)])
        if burst:
            reasons[scanners.MANY_LINKS] = sorted(burst)
    for reason, ids in reasons.items():
        bulk.run(_DISCOUNT, [now, reason, ids], fetch=False)
    return {pk for ids in reasons.values() for pk in ids}


def _earlier(clicks: Sequence[scanners.Click]) -> list[scanners.Click]:
    first, last = min(click.at for click in clicks), max(click.at for click in clicks)
    leads, ours = sorted({click.lead_id for click in clicks}), {click.ref for click in clicks}
    rows = bulk.run(_CLICKS, [leads, first - scanners.WITHIN, last + scanners.WITHIN])
    return [
        scanners.Click(lead_id, at, link, pk)
        for pk, lead_id, at, properties, name in rows
        if pk not in ours and (link := scanners.link_of(name, bulk.from_json(properties)))
    ]


def as_activity(one: Recorded) -> Activity:
    """The row as an object, for those who ask it for its type and id."""
    found = Activity(id=one.id, lead_id=one.lead_id, occurred_at=one.occurred_at, properties=one.properties)
    found.type = ActivityType(id=one.type_id, name=one.name)
    return found
