"""Marks of leads that must be judged again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from leads.wake import wake

UPSERT = """
INSERT INTO leads_awaitingassessment AS mark (lead_id, seq, since)
SELECT id, 1, %(now)s FROM unnest(%(ids)s::bigint[]) AS id ORDER BY id
ON CONFLICT (lead_id) DO UPDATE SET seq = mark.seq + 1
"""


def mark(lead_ids: Iterable[int], *, now: datetime) -> None:
    """Ask for these leads to be judged again: soon by the wake-up, for certain by the sweep.

    A mark that stands counts up, so that an assessment which began before this call can't take it down.
    """
    ids = sorted(set(lead_ids))
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, {"ids": ids, "now": now})
    wake("assess")
