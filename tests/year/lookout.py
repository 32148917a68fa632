"""The lookout: all invariants after every step, asked of the leads the step has touched.

Each check is the one that `manage.py check_invariants` runs. Triggers note whose rows a step writes, by whatever way;
views of the tables' names, first in the search path, show the checks nothing but the touched leads and what hangs on
them, so that looking costs the same on the first day as on the last. Those in SQL are asked all at once, by one
prepared statement; a deadline is counted again where its clock, timings or pauses were written, a judgement where it
was, or what it rests on. The ledger of whose turn it was is whole or nothing: of the rotations that went on, the spans
since the last look are counted again. Now and then everything is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper

from leads.invariants import Check, Question
from sla.management.commands.check_invariants import all_checks
from sla.models import FairnessPool, FairnessTurn
from sla.routing.invariants import recount

# A table's rows belong to a lead by the first of these columns it has.
HANGS_ON = ("clock", "handoff", "episode", "lead")
ITSELF = {"leads_lead": "lead", "scoring_episode": "episode", "sla_handoff": "handoff", "sla_clock": "clock"}
# Not of one lead: the ledger of turns has a way of its own.
OF_THE_WHOLE = ("turns count again", "turns come back later")
# Of a clock alone, from what stands in its own rows.
OF_A_CLOCK = ("due instants recompute",)
# Of who was judged, or did something, or of whom something was learned: their judgements come out again.
OF_THE_JUDGED = ("scores recompute", "qualifications recompute")
JUDGED_BY = ("scoring_score", "scoring_qualification", "leads_activity", "leads_attributechange")
NOTE = """
CREATE FUNCTION looked_at.note_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP <> 'INSERT' THEN INSERT INTO looked_at.touched VALUES ('{of}', OLD.{column}, {judged}); END IF;
    IF TG_OP <> 'DELETE' THEN INSERT INTO looked_at.touched VALUES ('{of}', NEW.{column}, {judged}); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER looked_at AFTER INSERT OR UPDATE OR DELETE ON public.{table}
FOR EACH ROW EXECUTE FUNCTION looked_at.note_{table}();
"""
WITHIN = """
WITH touched AS (DELETE FROM looked_at.touched RETURNING kind, id, is_judged),
judged AS (SELECT DISTINCT id FROM touched WHERE kind = 'lead' AND is_judged AND id IS NOT NULL),
clocks AS (SELECT DISTINCT id FROM touched WHERE kind = 'clock' AND id IS NOT NULL),
leads AS (
    SELECT id FROM touched WHERE kind = 'lead' AND id IS NOT NULL
    UNION SELECT lead_id FROM touched JOIN scoring_episode AS episode USING (id) WHERE kind = 'episode'
    UNION SELECT lead_id FROM touched JOIN sla_handoff AS handoff USING (id)
          JOIN scoring_episode AS episode ON episode.id = handoff.episode_id WHERE kind = 'handoff'
    UNION SELECT lead_id FROM clocks JOIN sla_clock AS clock USING (id)
          JOIN scoring_episode AS episode ON episode.id = clock.episode_id)
SELECT set_config('looked_at.leads', l.ids::text, false), set_config('looked_at.episodes', e.ids::text, false),
       set_config('looked_at.handoffs', h.ids::text, false), set_config('looked_at.clocks', c.ids::text, false),
       set_config('looked_at.changed', w.ids::text, false), set_config('looked_at.judged', j.ids::text, false),
       cardinality(j.ids), cardinality(l.ids)
FROM (SELECT coalesce(array_agg(id), '{}') AS ids FROM leads) AS l
CROSS JOIN (SELECT coalesce(array_agg(id), '{}') AS ids FROM clocks) AS w
CROSS JOIN (SELECT coalesce(array_agg(id), '{}') AS ids FROM judged) AS j
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
        self.looks = self.whole_looks = 0
        self.began, self.took = time.monotonic(), 0.0
        near = [check for check in self.checks if check.name not in OF_THE_WHOLE]
        self.asked = [check for check in near if isinstance(check.find, Question)]
        self.of_a_clock = [check for check in near if check.name in OF_A_CLOCK]
        self.of_the_judged = [check for check in near if check.name in OF_THE_JUDGED]
        elsewhere = [*self.asked, *self.of_a_clock, *self.of_the_judged]
        self.counted = [check for check in near if check not in elsewhere]
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS changed, judged, looked_at CASCADE")
            cursor.execute("CREATE SCHEMA looked_at")
            cursor.execute("CREATE SCHEMA judged")
            cursor.execute("CREATE SCHEMA changed")
            cursor.execute("CREATE UNLOGGED TABLE looked_at.touched (kind text, id bigint, is_judged bool)")
            cursor.execute(COLUMNS)
            found = cursor.fetchall()
            self.tables = [table for table, _ in found]
            for table, columns in found:
                if (belongs := _belongs(table, columns)) is None:
                    continue
                of, column = belongs
                cursor.execute(NOTE.format(table=table, of=of, column=column, judged=table in JUDGED_BY))
                within = f"{column} = ANY (current_setting('looked_at.{of}s')::bigint[])"
                if table == "leads_notification":
                    within = f"({within} OR {column} IS NULL)"
                cursor.execute(f"CREATE VIEW looked_at.{table} AS SELECT * FROM public.{table} WHERE {within}")
            cursor.execute(
                "CREATE VIEW changed.sla_clock AS SELECT * FROM public.sla_clock "
                "WHERE id = ANY (current_setting('looked_at.changed')::bigint[])"
            )
            for table in JUDGED_BY:
                cursor.execute(
                    f"CREATE VIEW judged.{table} AS SELECT * FROM public.{table} "
                    "WHERE lead_id = ANY (current_setting('looked_at.judged')::bigint[])"
                )
        self.turn = _newest_turn()
        self.spans: dict[int, int] = {}
        self._prepare()

    def look(self, what: str) -> None:
        """Run every check on what changed since the last look; AssertionError with what it found, after which step."""
        with connection.cursor() as cursor:
            cursor.execute(WITHIN)
            *_, judged, touched = cursor.fetchone()
        found: list[str] = []
        if touched:
            self.looks += 1
            found += self._near(judged=bool(judged))
        turn, self.turn = self.turn, _newest_turn()
        if self.turn > turn:
            found += self._unfair(after=turn)
        assert not found, f"after {what}:\n" + "\n".join(found)

    @property
    def is_rested(self) -> bool:
        """Whether less than a tenth of the time went into looks at everything: each costs more than the last."""
        return self.took < (time.monotonic() - self.began) / 10

    def look_at_everything(self, what: str) -> None:
        """Every check on the whole database."""
        began = time.monotonic()
        found = [f"{check.name}: {sentence}" for check in self.checks for sentence in check.find()]
        assert not found, f"after {what}:\n" + "\n".join(found)
        self._prepare()
        self.whole_looks += 1
        self.took += time.monotonic() - began

    def _prepare(self) -> None:
        """Plan the one question for all checks in SQL, by how large the tables have become."""
        answers = []
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(self.tables)}")
            cursor.execute("VACUUM looked_at.touched")
            cursor.execute("SET search_path = looked_at, public")
            cursor.execute("DEALLOCATE ALL")
            for check in self.asked:
                assert isinstance(check.find, Question)
                sql, params = check.find.sql, check.find.params
                answers.append(f"EXISTS ({cursor.mogrify(sql, params) if params else sql})")
            cursor.execute(f"PREPARE looked_at AS SELECT ARRAY[{', '.join(answers)}]")
            cursor.execute("RESET search_path")

    def _near(self, *, judged: bool) -> list[str]:
        """What the checks find where the lookout looks."""
        with _through("looked_at, public") as cursor:
            cursor.execute("EXECUTE looked_at")
            (broken,) = cursor.fetchone()
            found = _said([check for check, is_broken in zip(self.asked, broken, strict=True) if is_broken])
            found += _said(self.counted)
            cursor.execute("SET search_path = changed, public")
            found += _said(self.of_a_clock)
            if judged:
                cursor.execute("SET search_path = judged, public")
                found += _said(self.of_the_judged)
            return found

    def _unfair(self, *, after: int) -> Iterable[str]:
        """Whose turn it was, counted again in each rotation that went on, from its span of the last look."""
        went_on = FairnessTurn.objects.filter(pk__gt=after).order_by("pk").values_list("span__pool", flat=True)
        for pool in FairnessPool.objects.filter(pk__in=set(went_on)).select_related("desk__team", "span"):
            yield from recount(pool, since=self.spans.get(pool.pk, 1))
            if pool.span is not None:
                self.spans[pool.pk] = pool.span.number


def _said(checks: Sequence[Check]) -> list[str]:
    return [f"{check.name}: {sentence}" for check in checks for sentence in check.find()]


def _belongs(table: str, columns: list[str]) -> tuple[str, str] | None:
    """To what its rows belong, and by which column; None for a ledger of all that a team gets, whole or not at all."""
    if "pool_id" in columns or "span_id" in columns:
        return None
    if table in ITSELF:
        return ITSELF[table], "id"
    of = next((each for each in HANGS_ON if f"{each}_id" in columns), "")
    return (of, f"{of}_id") if of else None


def _newest_turn() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM sla_fairnessturn")
        return int(cursor.fetchone()[0])


@contextmanager
def _through(path: str) -> Iterator[CursorWrapper]:
    """Ask through the views of these schemas."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {path}; SET jit = off")
        try:
            yield cursor
        finally:
            cursor.execute("RESET search_path; RESET jit")
