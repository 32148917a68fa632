"""Empties the database behind a test that committed: what it touched goes, and the shipped rows stand as before.

Django truncates every table and ships anew: most of a second each time, and most of what many a test took.
"""

from __future__ import annotations

import hashlib

from django.core.management import call_command
from django.db import connection, transaction


class Emptying:
    """Knows the database as it is before anybody commits, and makes it so again."""

    def __init__(self, *, fresh: bool) -> None:
        """A database that is not fresh may hold what a killed run left."""
        self.fresh = fresh
        self.prints: dict[str, str] = {}
        self.shipped: dict[str, bytes] = {}

    def begin(self) -> None:
        """Before the first test that commits: look at every table, and keep what stands there."""
        if self.prints:
            return
        if not self.fresh:
            call_command("flush", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            self.prints = dict.fromkeys((name for (name,) in cursor.fetchall()), NOTHING)
        self.prints = self._looked_at()
        for table in (table for table, seen in self.prints.items() if seen != NOTHING):
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as copy:
                self.shipped[table] = b"".join(copy)

    def empty(self) -> None:
        """After a test. Waits for whoever still works there: a live server's thread, a process that was just killed."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(self.prints)} IN ACCESS EXCLUSIVE MODE")
            # In any order, and also rows that may never go: no trigger is asked.
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table in (table for table, seen in self._looked_at().items() if seen != self.prints[table]):
                cursor.execute(f"DELETE FROM {table}")
                if table in self.shipped:
                    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(self.shipped[table])

    def _looked_at(self) -> dict[str, str]:
        """Of each table a word that is another one when any of its rows is."""
        words = "SELECT '{0}', md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {0} t"
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(words.format(table) for table in self.prints))
            return dict(cursor.fetchall())


NOTHING = hashlib.md5(b"").hexdigest()
