"""The lookout: all invariants after every step, asked of the leads the step has touched.

Each check is the one that `manage.py check_invariants` runs. Views of the same names, first in the search path, show it
nothing but the touched leads and what hangs on them, so that looking costs the same on the first day as on the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from sla.management.commands.check_invariants import all_checks

# A table's rows belong to a lead by the first of these columns it has.
HANGS_ON = ("clock", "handoff", "episode", "lead")
ITSELF = {"leads_lead": "lead", "scoring_episode": "episode", "sla_handoff": "handoff", "sla_clock": "clock"}
# Where a step leaves its rows, and how they lead back to the lead.
TRACKS = {
    "scoring_episodechange": "SELECT episode.lead_id FROM scoring_episodechange AS row "
    "JOIN scoring_episode AS episode ON episode.id = row.episode_id WHERE row.id > %s",
    "sla_handoffchange": "SELECT episode.lead_id FROM sla_handoffchange AS row "
    "JOIN sla_handoff AS handoff ON handoff.id = row.handoff_id "
    "JOIN scoring_episode AS episode ON episode.id = handoff.episode_id WHERE row.id > %s",
    "sla_clockstep": "SELECT episode.lead_id FROM sla_clockstep AS row "
    "JOIN sla_clock AS clock ON clock.id = row.clock_id "
    "JOIN scoring_episode AS episode ON episode.id = clock.episode_id WHERE row.id > %s",
    "sla_clocktiming": "SELECT episode.lead_id FROM sla_clocktiming AS row "
    "JOIN sla_clock AS clock ON clock.id = row.clock_id "
    "JOIN scoring_episode AS episode ON episode.id = clock.episode_id WHERE row.id > %s",
    "leads_stagechange": "SELECT row.lead_id FROM leads_stagechange AS row WHERE row.id > %s",
}
WITHIN = """
SELECT l.ids, e.ids, h.ids, c.ids FROM (SELECT %s::bigint[] AS ids) AS l
CROSS JOIN LATERAL (SELECT coalesce(array_agg(id), '{}') AS ids FROM scoring_episode WHERE lead_id = ANY(l.ids)) AS e
CROSS JOIN LATERAL (SELECT coalesce(array_agg(id), '{}') AS ids FROM sla_handoff WHERE episode_id = ANY(e.ids)) AS h
CROSS JOIN LATERAL (SELECT coalesce(array_agg(id), '{}') AS ids FROM sla_clock WHERE episode_id = ANY(e.ids)) AS c
"""
COLUMNS = """
SELECT tables.table_name, array_agg(columns.column_name::text) FROM information_schema.tables AS tables
JOIN information_schema.columns AS columns USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name ~ '^(leads|scoring|sla)_'
GROUP BY tables.table_name
"""


class Lookout:
    """Looks at the database after each step, and fails with what it sees."""

    def __init__(self) -> None:
        self.checks = all_checks()
        self.looks = 0
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS looked_at CASCADE")
            cursor.execute("CREATE SCHEMA looked_at")
            cursor.execute(COLUMNS)
            for table, columns in cursor.fetchall():
                if condition := self._belongs(table, columns):
                    cursor.execute(f"CREATE VIEW looked_at.{table} AS SELECT * FROM public.{table} WHERE {condition}")
        self.seen = {table: self._newest(table) for table in TRACKS}

    def close(self) -> None:
        """Take the views away again."""
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA looked_at CASCADE")

    def look(self, what: str) -> None:
        """Run every check on what changed since the last look; AssertionError with what it found, after which step."""
        touched = self._touched()
        if not touched:
            return
        self.looks += 1
        with self._at(sorted(touched)):
            found = [f"{check.name}: {sentence}" for check in self.checks for sentence in check.find()]
        assert not found, f"after {what}:\n" + "\n".join(found)

    def look_at_everything(self, what: str) -> None:
        """Every check on the whole database."""
        found = [f"{check.name}: {sentence}" for check in self.checks for sentence in check.find()]
        assert not found, f"after {what}:\n" + "\n".join(found)

    def _belongs(self, table: str, columns: list[str]) -> str:
        if "pool_id" in columns or "span_id" in columns:
            return ""  # a ledger of all that a team gets, whole or not at all
        of, column = (ITSELF[table], "id") if table in ITSELF else ("", "")
        if not of:
            of = next((each for each in HANGS_ON if f"{each}_id" in columns), "")
            column = f"{of}_id"
        if not of:
            return ""
        within = f"{column} = ANY (current_setting('looked_at.{of}s')::bigint[])"
        return f"({within} OR {column} IS NULL)" if table == "leads_notification" else within

    def _touched(self) -> set[int]:
        touched: set[int] = set()
        with connection.cursor() as cursor:
            for table, sql in TRACKS.items():
                newest = self._newest(table)
                if newest > self.seen[table]:
                    cursor.execute(sql, [self.seen[table]])
                    touched |= {lead for (lead,) in cursor.fetchall()}
                    self.seen[table] = newest
        return touched

    def _newest(self, table: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM public.{table}")
            return int(cursor.fetchone()[0])

    @contextmanager
    def _at(self, lead_ids: list[int]) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute(WITHIN, [lead_ids])
            for name, ids in zip(("leads", "episodes", "handoffs", "clocks"), cursor.fetchone(), strict=True):
                listed = "{" + ",".join(str(each) for each in ids) + "}"
                cursor.execute("SELECT set_config(%s, %s, false)", [f"looked_at.{name}", listed])
            cursor.execute("SET search_path = looked_at, public")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET search_path")
