"""Finding leads by name, address or company, among a million of them.

Words are looked up by their trigrams. A word that stands nearly everywhere has no use for that: then the newest are
walked until enough are found. Which it is, the database decides by its statistics.
"""

from __future__ import annotations

from leads.models import Lead, User


def newest(viewer: User, text: str, *, most: int) -> list[Lead]:
    """The newest leads this viewer may read whose name, address or company has each of the words; without, of all."""
    found = Lead.objects.seen_from(viewer).live().named(text).select_related("account", "holder")
    return list(found.order_by("-created_at", "-pk")[:most])
