"""Real processes beside a test: their environment, their ends, the mails they send, and a clock that runs ahead."""

from __future__ import annotations

import email
import email.policy
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from email.message import EmailMessage
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

from aiosmtpd.controller import Controller
from django.core.management import CommandError, call_command
from django.db import connection

from config.home.valkey import free_port

ROOT = Path(__file__).resolve().parents[1]
NOWHERE = "redis://127.0.0.1:1/0"  # nobody listens there


def database_url() -> str:
    """The address of this test's database, on a host or on a socket."""
    at = connection.settings_dict
    who = f"{quote(str(at['USER']), safe='')}:{quote(str(at['PASSWORD']), safe='')}@" if at["USER"] else ""
    host = str(at["HOST"] or at["OPTIONS"].get("host", ""))
    port = str(at["PORT"] or at["OPTIONS"].get("port", ""))
    if host.startswith("/"):
        return f"postgres://{who}/{at['NAME']}?" + urlencode({"host": host} | ({"port": port} if port else {}))
    return f"postgres://{who}{host}{':' + port if port else ''}/{at['NAME']}"


def environment(name: str, **more: str) -> dict[str, str]:
    """What one of Baton's processes needs to work on the database of this test."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "for-a-test-only",
        "BATON_PROCESS": name,
        "EMAIL_URL": "memorymail://",
        "ALARMS": "false",
        "REDIS_URL": NOWHERE,
        "PYTHONUNBUFFERED": "1",
        "WHITENOISE_USE_FINDERS": "true",
        **more,
    }


def eventually(holds: Callable[[], Any], what: str, *, within: float = 60.0) -> Any:
    """Look again until it holds, and return what it said; fail with `what` when the time is over."""
    deadline = time.monotonic() + within
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"within {within:.0f} s it never came true: {what}"
        time.sleep(0.03)
    return answer


def assert_invariants() -> None:
    """`manage.py check_invariants` finds nothing."""
    said = StringIO()
    try:
        call_command("check_invariants", stdout=said)
    except CommandError:
        raise AssertionError(said.getvalue()) from None


class Process:
    """One of Baton's processes, in a group of its own so that `kill -9` leaves none of its children."""

    def __init__(self, name: str, command: Sequence[str], log: Path, **more: str) -> None:
        self.name, self.command, self.log, self.more = name, list(command), log, more
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=environment(f"test-{self.name}", **self.more),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """`kill -9`, the whole family at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.kill()
        if error is not None:
            sys.stderr.write(f"--- {self.name} said:\n{self.log.read_text(errors='replace')[-3000:]}\n")


class Sink:
    """A mail server that keeps what it is told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 Kept"

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.controller.port}"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]

    def __enter__(self) -> Self:
        self.controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.controller.stop()


class HouseClock:
    """Baton's clock is the database's: on this one database it runs faster than the wall's, and can leap ahead."""

    def leap(self, length: timedelta) -> None:
        """Let this much time pass at once."""
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ahead.pace SET leap = leap + %s", [length])


CLOCK = """
CREATE SCHEMA ahead;
CREATE TABLE ahead.pace AS SELECT pg_catalog.clock_timestamp() AS since, {speed}::float8 AS speed, interval '0' AS leap;
CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    'SELECT since + (pg_catalog.clock_timestamp() - since) * speed + leap FROM ahead.pace';
"""


# A server's thread that keeps its connection, because a client keeps its line to it, would go on by the old clock.
DISCONNECT_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def running_ahead(*, speed: float) -> Iterator[HouseClock]:
    """Every connection, of whatever process, asks the faster clock: those that stand are ended and made anew."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS ahead CASCADE")
        cursor.execute(CLOCK.format(speed=speed))
        cursor.execute(f"ALTER DATABASE {name} SET search_path = ahead, pg_catalog, public")
        cursor.execute(DISCONNECT_OTHERS)
    connection.close()
    try:
        yield HouseClock()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET search_path")
            cursor.execute("DROP SCHEMA ahead CASCADE")
            cursor.execute(DISCONNECT_OTHERS)
        connection.close()
