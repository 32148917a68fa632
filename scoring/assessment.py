"""Assessment: marked leads are judged by every version in force, set-wise, and their scores stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from leads.models import AwaitingAssessment
from scoring import qualification
from scoring.compiler import Query
from scoring.judging import compiled, in_force, make_room
from scoring.models import DefinitionVersion, EpisodeMember

log = structlog.get_logger(__name__)

HOLD_BACK = timedelta(seconds=60)  # how long a lead whose judging failed waits for the next try

# Computes, stores what changed, and returns only the leads that deserve a second look under their lock.
# A score is written anew when it moved by more than the version's step, or anything else about it changed.
STORE = """
WITH judged AS MATERIALIZED ({judged}),
stored AS (
    INSERT INTO scoring_score AS score (
        lead_id, definition_id, version_id, as_of, fit, engagement, engagement_ever, total, tier, shares, meets,
        hand_raised, is_cooled, disqualified_by, missing, reassess_at)
    SELECT lead_id, %s, %s, %s, fit, engagement, engagement_ever, total, tier, {shares},
           meets, hand_raised, is_cooled, disqualified_by, missing,
           CASE WHEN reassess_at IS NOT NULL AND EXISTS (
               SELECT 1 FROM scoring_episode e JOIN scoring_episodemember m ON m.episode_id = e.id
               WHERE m.lead_id = judged.lead_id AND m.left_at IS NULL AND e.phase = 'waiting')
           THEN least(reassess_at, %s::timestamptz + interval '15 minutes') ELSE reassess_at END
    FROM judged ORDER BY lead_id
    ON CONFLICT (lead_id, definition_id) DO UPDATE SET
        version_id = excluded.version_id, as_of = excluded.as_of, fit = excluded.fit,
        engagement = excluded.engagement, engagement_ever = excluded.engagement_ever, total = excluded.total,
        tier = excluded.tier, shares = excluded.shares, meets = excluded.meets, hand_raised = excluded.hand_raised,
        is_cooled = excluded.is_cooled, disqualified_by = excluded.disqualified_by, missing = excluded.missing,
        reassess_at = excluded.reassess_at
    WHERE score.as_of <= excluded.as_of AND (
        abs(score.fit - excluded.fit) > %s OR abs(score.engagement - excluded.engagement) > %s
        OR abs(score.total - excluded.total) > %s
        OR (score.version_id, score.tier, score.meets, score.hand_raised, score.is_cooled, score.disqualified_by,
            score.missing, score.reassess_at)
           IS DISTINCT FROM
           (excluded.version_id, excluded.tier, excluded.meets, excluded.hand_raised, excluded.is_cooled,
            excluded.disqualified_by, excluded.missing, excluded.reassess_at))
    RETURNING 1
)
SELECT j.lead_id FROM judged j
WHERE j.meets OR j.hand_raised <> ''
   OR EXISTS (SELECT 1 FROM scoring_episodemember m WHERE m.lead_id = j.lead_id AND m.left_at IS NULL)
ORDER BY j.lead_id
"""


@dataclass(frozen=True)
class Mark:
    """A mark as it was seen, unlocked."""

    lead_id: int
    seq: int


def assess(*, now: datetime, limit: int = 500) -> int:
    """Judge up to `limit` marked leads, the longest waiting first; returns how many marks were seen.

    Scores are stored set-wise; what crosses a gate is qualified lead by lead, one transaction each. A mark goes only at
    the seq that was seen; one with a reason that was known after `now` is left alone: as of `now` that reason would not
    count. A lead whose judging fails keeps its mark, waits a minute, and stops nobody else.
    """
    marks = [
        Mark(*row)
        for row in AwaitingAssessment.objects.filter(since__lte=now, known_at__lte=now)
        .order_by("since", "lead_id")
        .values_list("lead_id", "seq")[:limit]
    ]
    if not marks:
        return 0
    candidates: set[int] = set()
    for version in in_force():
        candidates |= set(store([mark.lead_id for mark in marks], version, as_of=now))
    candidates |= _with_open_episode(marks)
    failed = _look_twice(sorted(candidates), now=now)
    _take_down(marks, failed, now=now)
    return len(marks)


def store(lead_ids: Sequence[int] | None, version: DefinitionVersion, *, as_of: datetime) -> list[int]:
    """Judge and store in one statement; returns the leads that meet the version or have an open episode."""
    query = compiled(version, present=True, everyone=lead_ids is None)
    sql, params = query.bind(as_of, None if lead_ids is None else sorted(set(lead_ids)))
    named, keys = named_shares(query)
    step = [version.step] * 3
    own: list[Any] = [version.definition_id, version.pk, as_of, *keys, as_of, *step]
    with transaction.atomic(), connection.cursor() as cursor:
        if lead_ids is None:
            make_room(cursor)
        cursor.execute(STORE.format(judged=sql, shares=named), [*params, *own])
        return [row[0] for row in cursor.fetchall()]


def named_shares(query: Query) -> tuple[str, list[str]]:
    """SQL for the shares as JSON, {key: thousandths}; fifty pairs at a time, for a function takes a hundred values."""
    pairs = [f"%s::text, shares[{place}]" for place, _ in enumerate(query.keys, 1)]
    parts = [f"jsonb_build_object({', '.join(pairs[first : first + 50])})" for first in range(0, len(pairs), 50)]
    return " || ".join(parts) or "'{}'::jsonb", list(query.keys)


def _with_open_episode(marks: Sequence[Mark]) -> set[int]:
    """Leads with an open episode are always looked at: their version may have retired."""
    ids = [mark.lead_id for mark in marks]
    return set(EpisodeMember.objects.filter(lead_id__in=ids, left_at=None).values_list("lead_id", flat=True))


def _look_twice(lead_ids: Sequence[int], *, now: datetime) -> set[int]:
    """Qualify lead by lead; returns those that failed."""
    failed: set[int] = set()
    for lead_id in lead_ids:
        try:
            qualification.qualify(lead_id, now=now)
        except Exception:
            log.exception("qualification_failed", lead_id=lead_id)
            failed.add(lead_id)
    return failed


def _take_down(marks: Sequence[Mark], failed: set[int], *, now: datetime) -> None:
    """Delete each mark at the seq that was seen; one that was raised again meanwhile stays."""
    done = [mark for mark in marks if mark.lead_id not in failed]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM leads_awaitingassessment USING unnest(%s::bigint[], %s::bigint[]) AS seen(lead_id, seq) "
            "WHERE leads_awaitingassessment.lead_id = seen.lead_id AND leads_awaitingassessment.seq = seen.seq",
            [[mark.lead_id for mark in done], [mark.seq for mark in done]],
        )
    if failed:
        AwaitingAssessment.objects.filter(lead_id__in=failed).update(since=now + HOLD_BACK)
