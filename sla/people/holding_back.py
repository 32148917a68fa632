"""A due row whose action failed: left alone for a minute, with why, so that it is no hot loop and holds up no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from django.db import Error
from django.db.models import Q, QuerySet

from leads.transactions import business
from sla.clocks.running import RETRY_AFTER
from sla.models import Absence, Clock, LeftBehind

log = structlog.get_logger(__name__)

NOT_HELD: Final[dict[str, Any]] = {"held_back_at": None, "held_back_why": ""}


class Held(NamedTuple):
    """One due row that failed: what it is, since when, and why."""

    what: str
    at: datetime | None
    why: str


def ready(*, now: datetime) -> Q:
    """What may be tried: it never failed, or a minute ago."""
    return Q(held_back_at=None) | Q(held_back_at__lte=now - RETRY_AFTER)


@contextmanager
def where_it_fails(row: QuerySet[Any], *, now: datetime) -> Iterator[None]:
    """Hold this row back where the action within fails, and let the failure go on to whoever reports it."""
    try:
        yield
    except Exception as error:
        # The first line alone: what a database adds to it names values.
        why = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        with suppress(Error):  # without a database it is tried again, once there is one
            _hold(row, why=why, now=now)
        raise


@business
def _hold(row: QuerySet[Any], *, why: str, now: datetime) -> None:
    row.update(held_back_at=now, held_back_why=why[:300])
    log.error("held_back", what=row.model.__name__, why=why[:300])


def held(*, limit: int = 20) -> list[Held]:
    """Clocks, absences and graces that failed and are tried again each minute, the last to fail first."""
    clocks = Clock.objects.filter(verdict="", held_back_at__isnull=False)
    begun = Absence.objects.filter(begun_at=None, held_back_at__isnull=False).select_related("rep__user")
    left = LeftBehind.objects.filter(settled_at=None, held_back_at__isnull=False).select_related("handoff__user")
    rows = [Held(f"{row.get_target_display()} clock {row.pk}", row.held_back_at, row.held_back_why) for row in clocks]
    rows += [Held(f"Absence of {row.rep}", row.held_back_at, row.held_back_why) for row in begun]
    rows += [Held(f"What {row.handoff.user} left behind", row.held_back_at, row.held_back_why) for row in left]
    return sorted(rows, key=lambda each: str(each.at), reverse=True)[:limit]
