"""Of each kind of work one worker at a time does all there is."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from leads import turns
from leads.turns import turn, work_off

pytestmark = pytest.mark.django_db


@pytest.fixture
def another_worker() -> Iterator[psycopg.Connection]:
    """A session of another process, in the middle of assessing."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    parameters["dbname"] = connection.settings_dict["NAME"]
    with psycopg.connect(**parameters, autocommit=True) as session:
        session.execute("SELECT pg_advisory_lock(hashtext('baton.assess'))")
        yield session


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "AT_MOST_EVERY", 0.0)


def counted(*found: int):
    """Work that finds so much each time, and then nothing; it says how often it was asked."""
    left, asked = list(found), []

    def once() -> int:
        asked.append(1)
        return left.pop(0) if left else 0

    return once, asked


class TestATurn:
    def test_is_nobody_elses(self, another_worker):
        with turn("assess") as ours:
            assert not ours

    def test_of_another_kind_is_free(self, another_worker):
        with turn("route") as ours:
            assert ours

    def test_ends_with_the_session_that_had_it(self, another_worker):
        another_worker.close()
        # The server notices in its own time; whoever waits is given it.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('baton.assess'))")
            cursor.execute("SELECT pg_advisory_unlock(hashtext('baton.assess'))")
        with turn("assess") as ours:
            assert ours

    def test_is_given_back_by_work_that_fails(self):
        with pytest.raises(ZeroDivisionError), turn("assess"):
            raise ZeroDivisionError
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (0,)


class TestWorkingOff:
    def test_goes_on_until_nothing_is_left_and_looks_again(self):
        once, asked = counted(5, 5, 1)
        work_off("assess", once)
        assert len(asked) == 3 + 3

    def test_leaves_it_to_whoever_is_at_it(self, another_worker):
        once, asked = counted(5)
        work_off("assess", once)
        assert asked == []

    def test_does_what_came_in_the_last_moment_of_its_turn(self):
        once, asked = counted(0, 0, 7)
        work_off("assess", once)
        assert len(asked) == 3 + 3

    def test_hands_on_what_would_last_too_long(self, monkeypatch):
        woken = []
        monkeypatch.setattr(turns, "LONGEST", -1.0)
        monkeypatch.setattr(turns, "wake", woken.append)
        once, asked = counted(*[1] * 1000)
        work_off("assess", once)
        assert (woken, len(asked)) == (["assess"], 1)
