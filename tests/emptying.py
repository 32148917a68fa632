"""Empties the database behind a test that committed: what it touched goes, and what stood before stands again.

Django truncates every table and ships anew: most of a second each time, and most of what many a test took.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

from django.core.management import call_command
from django.db import connection, transaction

from tests.again import kept

Founded = TypeVar("Founded")


class Standing:
    """The rows that stand at one moment, of every table."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            self.tables = [name for (name,) in cursor.fetchall()]
        self.prints = self._look()
        self.rows = {table: self._read(table) for table, seen in self.prints.items() if seen != NOTHING}

    def restore(self) -> None:
        """Make it so again. Waits for whoever still works there: a live server's thread, a process just killed."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(self.tables)} IN ACCESS EXCLUSIVE MODE")
            # In any order, and also rows that may never go: no trigger is asked.
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table in (table for table, seen in self._look().items() if seen != self.prints[table]):
                cursor.execute(f"DELETE FROM {table}")
                if table in self.rows:
                    with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(self.rows[table])

    def _look(self) -> dict[str, str]:
        """Of each table a word that is another one when any of its rows is."""
        words = "SELECT '{0}', md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {0} t"
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(words.format(table) for table in self.tables))
            return dict(cursor.fetchall())

    def _read(self, table: str) -> bytes:
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as copy:
            return b"".join(copy)


class Emptying:
    """Knows what stood before anybody committed, and what several tests share."""

    def __init__(self, *, fresh: bool) -> None:
        """A database that is not fresh may hold what a killed run left."""
        self.fresh = fresh
        self.standing: list[Standing] = []

    def begin(self) -> None:
        """Before the first test that commits."""
        if self.standing:
            return
        assert connection.settings_dict["NAME"].startswith("test_baton_"), "this database is not for tests"
        if not self.fresh:
            # Ids are not given out again: processes remember what is never changed by its id.
            call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
            kept.clear()
        self.standing.append(Standing())

    def empty(self) -> None:
        """After each: back to what was shipped, or to what those who come next share."""
        self.standing[-1].restore()

    def found(self, make: Callable[[], Founded]) -> Founded:
        """What is made here is committed, and stands anew for every test until it is razed."""
        self.begin()
        made = make()
        self.standing.append(Standing())
        return made

    def raze(self) -> None:
        """Forget what was founded last."""
        self.standing.pop()
        self.empty()


NOTHING = hashlib.md5(b"").hexdigest()
