"""The history of attributes: what a lead's or account's attribute became, and when we knew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from leads import bulk


def write_history(
    subject: str, changes: Sequence[tuple[int, str, object]], *, now: datetime, origin: str = "api"
) -> None:
    """Write one AttributeChange per (id, attribute, value) of leads or accounts.

    Dated `now`, or where a subject's history already reaches beyond (another process, a little ahead), the same as
    its last row: as of any moment, the row written last is the one that counts.
    """
    if not changes:
        return
    column = f"{subject}_id"
    ids = sorted({change[0] for change in changes})
    last = dict(
        bulk.run(
            f"SELECT {column}, max(known_at) FROM leads_attributechange "  # noqa: S608  (one of two names of ours)
            f"WHERE {column} = ANY(%s) AND known_at > %s GROUP BY {column}",
            [ids, now],
        )
    )
    bulk.insert(
        "leads_attributechange",
        {
            column: ("bigint", [pk for pk, _, _ in changes]),
            "attribute": ("text", [name for _, name, _ in changes]),
            "value": ("jsonb", [value for _, _, value in changes]),
            "known_at": ("timestamptz", [last.get(pk, now) for pk, _, _ in changes]),
            "origin": ("text", [origin] * len(changes)),
        },
    )
