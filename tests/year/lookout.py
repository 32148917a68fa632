"""The lookout: all invariants after every step, asked of the leads the step has touched.

Each check is the one that `manage.py check_invariants` runs. Views of the same names, first in the search path, show it
nothing but the touched leads and what hangs on them, so that looking costs the same on the first day as on the last.
Those in SQL are asked all at once, by one prepared statement. The ledger of whose turn it was is whole or nothing: of
the rotations that went on, the spans since the last look are counted again. Now and then everything is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

from leads.invariants import Question
from sla.management.commands.check_invariants import all_checks
from sla.models import FairnessPool, FairnessTurn
from sla.routing.invariants import recount

# A table's rows belong to a lead by the first of these columns it has.
HANGS_ON = ("clock", "handoff", "episode", "lead")
ITSELF = {"leads_lead": "lead", "scoring_episode": "episode", "sla_handoff": "handoff", "sla_clock": "clock"}
# Not of one lead: the ledger of turns has a way of its own, and nobody is scored on this floor.
OF_THE_WHOLE = ("turns count again", "turns come back later", "scores recompute", "qualifications recompute")
# Where a step leaves its rows, and how they lead back to the lead.
TRACKS = {
    "scoring_episodechange": "JOIN scoring_episode AS episode ON episode.id = row.episode_id",
    "sla_handoffchange": "JOIN sla_handoff AS handoff ON handoff.id = row.handoff_id "
    "JOIN scoring_episode AS episode ON episode.id = handoff.episode_id",
    "sla_clockstep": "JOIN sla_clock AS clock ON clock.id = row.clock_id "
    "JOIN scoring_episode AS episode ON episode.id = clock.episode_id",
    "sla_clocktiming": "JOIN sla_clock AS clock ON clock.id = row.clock_id "
    "JOIN scoring_episode AS episode ON episode.id = clock.episode_id",
    "leads_stagechange": "CROSS JOIN LATERAL (SELECT row.lead_id) AS episode",
}
NEWEST = "SELECT " + ", ".join(f"(SELECT coalesce(max(id), 0) FROM {table})" for table in (*TRACKS, "sla_fairnessturn"))
TOUCHED = " UNION ".join(
    f"SELECT episode.lead_id FROM {table} AS row {join} WHERE row.id > %s" for table, join in TRACKS.items()
)
WITHIN = """
SELECT set_config('looked_at.leads', l.ids::text, false), set_config('looked_at.episodes', e.ids::text, false),
       set_config('looked_at.handoffs', h.ids::text, false), set_config('looked_at.clocks', c.ids::text, false),
       set_config('search_path', 'looked_at, public', false)
FROM (SELECT %s::bigint[] AS ids) AS l
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
        near = [check for check in self.checks if check.name not in OF_THE_WHOLE]
        self.asked = [check for check in near if isinstance(check.find, Question)]
        self.counted = [check for check in near if not isinstance(check.find, Question)]
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS looked_at CASCADE")
            cursor.execute("CREATE SCHEMA looked_at")
            cursor.execute(COLUMNS)
            found = cursor.fetchall()
            self.tables = [table for table, _ in found]
            for table, columns in found:
                if condition := self._belongs(table, columns):
                    cursor.execute(f"CREATE VIEW looked_at.{table} AS SELECT * FROM public.{table} WHERE {condition}")
        self.seen = self._newest()
        self.spans: dict[int, int] = {}
        self._prepare()

    def look(self, what: str) -> None:
        """Run every check on what changed since the last look; AssertionError with what it found, after which step."""
        newest, seen = self._newest(), self.seen
        if newest == seen:
            return
        self.looks += 1
        self.seen = newest
        with connection.cursor() as cursor:
            cursor.execute(TOUCHED, seen[:-1])
            touched = sorted(lead for (lead,) in cursor.fetchall())
        with self._at(touched):
            found = list(self._found())
        if newest[-1] > seen[-1]:
            found += self._unfair(after=seen[-1])
        assert not found, f"after {what}:\n" + "\n".join(found)

    def look_at_everything(self, what: str) -> None:
        """Every check on the whole database."""
        found = [f"{check.name}: {sentence}" for check in self.checks for sentence in check.find()]
        assert not found, f"after {what}:\n" + "\n".join(found)
        self._prepare()

    def _prepare(self) -> None:
        """Plan the one question for all checks in SQL, by how large the tables have become."""
        answers = []
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(self.tables)}")
            cursor.execute("SET search_path = looked_at, public")
            cursor.execute("DEALLOCATE ALL")
            for check in self.asked:
                assert isinstance(check.find, Question)
                sql, params = check.find.sql, check.find.params
                answers.append(f"EXISTS ({cursor.mogrify(sql, params) if params else sql})")
            cursor.execute(f"PREPARE looked_at AS SELECT ARRAY[{', '.join(answers)}]")
            cursor.execute("RESET search_path")

    def _found(self) -> Iterable[str]:
        """What the checks find where the lookout looks."""
        with connection.cursor() as cursor:
            cursor.execute("EXECUTE looked_at")
            (broken,) = cursor.fetchone()
        checks = [check for check, is_broken in zip(self.asked, broken, strict=True) if is_broken]
        for check in (*checks, *self.counted):
            yield from (f"{check.name}: {sentence}" for sentence in check.find())

    def _unfair(self, *, after: int) -> Iterable[str]:
        """Whose turn it was, counted again in each rotation that went on, from its span of the last look."""
        went_on = FairnessTurn.objects.filter(pk__gt=after).order_by("pk").values_list("span__pool", flat=True)
        for pool in FairnessPool.objects.filter(pk__in=set(went_on)).select_related("desk__team", "span"):
            yield from recount(pool, since=self.spans.get(pool.pk, 1))
            if pool.span is not None:
                self.spans[pool.pk] = pool.span.number

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

    def _newest(self) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(NEWEST)
            return [int(number) for number in cursor.fetchone()]

    @contextmanager
    def _at(self, lead_ids: list[int]) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute(WITHIN, [lead_ids])
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET search_path")
