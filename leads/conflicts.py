"""Conflicts of identity: two ids that name two leads, until a person has looked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from leads.models import IdentityConflict, User
from leads.transactions import business


@business
def settle(conflict_ids: Iterable[int], *, now: datetime, by: User) -> int:
    """Take conflicts off the list: they were merged by hand, or are two persons. Returns how many were open."""
    still_open = IdentityConflict.objects.filter(pk__in=list(conflict_ids), settled_at=None)
    return still_open.update(settled_at=now, settled_by=by)
