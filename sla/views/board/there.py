"""What there is at all, in the whole company: most of it seldom is, and need not be asked for team by team then."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection

from sla.views.board.seats import SOON_AWAY

THERE: Final = """
SELECT EXISTS (SELECT FROM scoring_episode WHERE phase = 'waiting'),
    EXISTS (SELECT FROM scoring_qualification WHERE waiting),
    EXISTS (SELECT FROM sla_papermatter WHERE ended_at IS NULL),
    EXISTS (SELECT FROM sla_leftbehind WHERE settled_at IS NULL AND due_at IS NULL),
    EXISTS (SELECT FROM sla_contest WHERE decision = ''),
    EXISTS (SELECT FROM sla_absence WHERE ends_at > %s AND starts_at < %s)
"""


class There(NamedTuple):
    """Whether anybody waits for a rep, stands, is on paper, is left behind, is contested, or is away."""

    waiting: bool
    standing: bool
    on_paper: bool
    left: bool
    contested: bool
    absent: bool


def is_there(*, now: datetime) -> There:
    """Of each kind whether there is any, in one question."""
    with connection.cursor() as cursor:
        cursor.execute(THERE, [now, now + SOON_AWAY])
        return There._make(cursor.fetchone() or ())
