"""The migrated database is made once in a run: every worker's own is a copy of it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

SUFFIX = "_template"


def name() -> str:
    """What the template of this run is called."""
    return f"{settings.TEST_DATABASE}{SUFFIX}"


def use(shared: Path) -> None:
    """Let this worker's database be a copy. Who comes first migrates the template; `shared` is known to all workers."""
    with _alone(shared / "template.lock"):
        if not (made := shared / "template.made").exists():
            _make()
            made.touch()
    connection.settings_dict["TEST"]["TEMPLATE"] = name()


def drop() -> None:
    """Forget it, if there was one; what a killed worker left connected is ended."""
    with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name())} WITH (FORCE)")


def _make() -> None:
    database, test = connection.settings_dict, connection.settings_dict["TEST"]
    outside, own = database["NAME"], test["NAME"]
    test["NAME"] = name()
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        connection.close()  # nobody may be in a database that is copied
        settings.DATABASES["default"]["NAME"] = database["NAME"] = outside
        test["NAME"] = own


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
