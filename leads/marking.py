"""Marks of leads that must be judged again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from leads.wake import wake

UPSERT = """
INSERT INTO leads_awaitingassessment AS mark (lead_id, since, known_at)
SELECT id, %(now)s, %(now)s FROM {whom} ORDER BY id
ON CONFLICT (lead_id) DO UPDATE SET seq = excluded.seq, known_at = greatest(mark.known_at, excluded.known_at)
"""
THESE = UPSERT.format(whom="unnest(%(ids)s::bigint[]) AS id")
EVERYONE = UPSERT.format(whom="leads_lead WHERE merged_into_id IS NULL AND erased_at IS NULL")


def mark(lead_ids: Iterable[int], *, now: datetime) -> None:
    """Ask for these leads to be judged again: soon by the wake-up, for certain by the sweep.

    A mark that stands gets a new number, so that an assessment which began before this call can't take it down.
    """
    ids = sorted(set(lead_ids))
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(THESE, {"ids": ids, "now": now})
    wake("assess")


def mark_everyone(*, now: datetime) -> None:
    """Ask for every lead to be judged again, as a newly published version does."""
    with connection.cursor() as cursor:
        cursor.execute(EVERYONE, {"now": now})
    wake("assess")
