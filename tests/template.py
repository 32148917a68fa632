"""The migrated database is made once in a run: every worker's own is a copy of it."""

from __future__ import annotations

import fcntl
import gc
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from config.home.binaries import find_binaries

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


def written(file: Path) -> bool:
    """Write what is migrated into this file, as SQL for another server; no where PostgreSQL's own tools cannot."""
    at = connection.get_connection_params()
    place = {f"PG{name.upper()}": str(at[name]) for name in ("host", "port", "user", "password") if at.get(name)}
    command = [find_binaries(None)["pg_dump"], "--no-owner", "--file", str(file), at["dbname"]]
    try:
        return subprocess.run(command, env=os.environ | place, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _make() -> None:
    database, test = connection.settings_dict, connection.settings_dict["TEST"]
    outside, own = database["NAME"], test["NAME"]
    test["NAME"] = name()
    try:
        with _seldom_swept():
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        connection.close()  # nobody may be in a database that is copied
        settings.DATABASES["default"]["NAME"] = database["NAME"] = outside
        test["NAME"] = own


@contextmanager
def _seldom_swept() -> Iterator[None]:
    """Migrating draws each model hundreds of times; looking for what of it can go was a fifth of all its work."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
