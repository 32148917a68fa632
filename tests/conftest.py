"""Fixtures of the whole house."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pytest_django.plugin import blocking_manager_key

from tests.emptying import Emptying
from tests.order import long_first

# How quick a machine is at the moment is no finding.
settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anywhere")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Who needs a browser or a database is told apart by marks and fixtures, so that none is forgotten."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if fixtures & {"browser", "page"}:
        item.add_marker(pytest.mark.browser)
    if item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db", "live_server"}:
        item.add_marker(pytest.mark.database)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if lanes := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        items[:] = long_first(items, lanes)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What stands now stands to the end: memory is swept seldom, and only for what tests leave."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The one that gave out the work sweeps up behind the workers."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        from tests import template

        with config.stash[blocking_manager_key].unblock():
            template.drop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None,
    django_db_blocker: Any,
    django_db_keepdb: bool,
    worker_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Workers copy one migrated database; who works alone, or keeps a database, migrates it in place."""
    if worker_id != "master" and not django_db_keepdb:
        from tests import template

        with django_db_blocker.unblock():
            template.use(tmp_path_factory.getbasetemp().parent)


@pytest.fixture(scope="session")
def emptying(django_db_keepdb: bool) -> Emptying:
    """Brings the database back to what was shipped, behind whoever committed to it."""
    return Emptying(fresh=not django_db_keepdb)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any, emptying: Emptying) -> Iterator[None]:
    """Ends what a live server's threads or a killed process left connected, so that the database can be dropped."""
    from django.db import connection
    from django.test import TransactionTestCase

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_setup", classmethod(lambda case: emptying.begin()))
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: emptying.empty())
        yield
    with django_db_blocker.unblock():
        connection.close()  # Browser tests have another one beside it, and may have ended this one.
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session", autouse=True)
def _no_broker() -> Iterator[None]:
    """Wake-ups go nowhere unless a test brings a broker: what must happen happens by the verbs and the sweeps."""
    from leads import wake

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wake, "_publish", lambda kind: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _found_once() -> Iterator[None]:
    """Each client is a server of its own to whitenoise, and would look through all static files once more."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    look, found = WhiteNoiseMiddleware.add_files_from_finders, dict[str, dict[str, Any]]()

    def recall(server: Any) -> None:
        if server.static_prefix not in found:
            look(server)
            found[server.static_prefix] = server.files
        server.files = found[server.static_prefix].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", recall)
        yield


@pytest.fixture(scope="session", autouse=True)
def _kept_once(django_test_environment: None) -> Iterator[None]:
    """Clients of tests keep a copy of all that each template was told; here not for every option of every select."""
    from django.template import Template
    from django.test.utils import instrumented_test_render

    def render(template: Any, context: Any) -> Any:
        is_part = context.template is not template
        return template.nodelist.render(context) if is_part else instrumented_test_render(template, context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", render)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """To hash one takes half a second by design. How often it was done stands in the hash, for other processes."""
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1_000)
        yield


@pytest.fixture
def now() -> datetime:
    """A Tuesday afternoon, 15:00 UTC, on which nothing special happens."""
    return datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
