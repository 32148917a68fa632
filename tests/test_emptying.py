"""What a test committed is gone before the next, and what was shipped stands as it did."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from leads.models import Organization, Role, Team
from sla.models import Handoff, HandoffChange, PolicyVersion, Reason, Rep
from tests.desk import company
from tests.emptying import Emptying
from tests.processes import eventually

WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def rows() -> dict[str, list[str]]:
    """Everything that stands in the database."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            found[table] = [row for (row,) in cursor.fetchall()]
    return found


@pytest.mark.django_db(transaction=True)
class TestEmptying:
    def test_forgets_what_was_made_and_brings_back_what_was_shipped(self, emptying: Emptying, now: datetime) -> None:
        before = rows()
        company(now).accepted(now=now)
        assert HandoffChange.objects.count() > 1
        Group.objects.get(name=Role.REP).delete()
        Reason.objects.filter(code="bad_contact").update(label="Nobody there")
        Organization.objects.update(name="Halyard")
        assert rows() != before

        emptying.empty()
        assert rows() == before
        assert Reason.objects.exists()
        assert PolicyVersion.objects.exists()

    def test_lets_stand_what_several_share_until_it_is_razed(self, emptying: Emptying, now: datetime) -> None:
        before = rows()
        house = emptying.found(lambda: company(now))
        shared = rows()
        for _ in range(2):
            Rep.objects.get(pk=house.ben.pk).delete()
            house.offered(now=now, rep=house.ada)
            emptying.empty()
            assert rows() == shared
        emptying.raze()
        assert rows() == before != shared

    def test_leaves_a_database_in_which_the_next_one_can_begin(self, emptying: Emptying, now: datetime) -> None:
        for _ in range(2):
            company(now).accepted(now=now)
            assert Handoff.objects.count() == 1
            emptying.empty()

    def test_waits_for_whoever_still_writes(self, emptying: Emptying) -> None:
        wrote = threading.Event()

        def write_and_commit_when_waited_for() -> None:
            with contextlib.closing(connection.copy()) as writing, contextlib.closing(connection.copy()) as looking:
                writing.set_autocommit(False)
                writing.cursor().execute("INSERT INTO leads_team (name) VALUES ('Late')")
                wrote.set()
                with looking.cursor() as cursor:
                    eventually(lambda: (cursor.execute(WAITING), cursor.fetchone())[1], "the one who empties waits")
                writing.commit()

        late = threading.Thread(target=write_and_commit_when_waited_for)
        late.start()
        wrote.wait()
        emptying.empty()
        late.join()
        assert not Team.objects.exists()
