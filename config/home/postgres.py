"""PostgreSQL at home: made and started by us, reachable through a socket that only its owner can open."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from config.home.binaries import Binaries, find_binaries
from config.home.children import Child, HomeError, complete, last_words
from config.home.lodging import own_directory, settle, short_name

USER = "baton"
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "jit": "off",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",
    "idle_in_transaction_session_timeout": "10min",
}
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
ENVIRONMENT = {"LC_ALL": "C", "LANG": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Postgres:
    """A cluster that is ready to be started as a supervisor's child."""

    binaries: Binaries
    data: Path
    sockets: Path
    identity: str
    durable: bool
    log: Path | None

    def url(self, database: str) -> str:
        """The address of a database, for Django, psycopg and libpq alike."""
        return f"postgres://{USER}@/{database}?host={quote(str(self.sockets))}"

    @property
    def child(self) -> Child:
        """The server as a child; SIGINT ends it without waiting for its clients to leave."""
        settings = SETTINGS | dynamic_memory() | ({} if self.durable else FORGETFUL)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Child(
            name="postgres",
            command=[self.binaries["postgres"], "-D", str(self.data), "-k", str(self.sockets), *options],
            environment=ENVIRONMENT,
            directory=self.data,
            log=self.log,
            stop_signal=signal.SIGINT,
            grace=15.0,
            identity=self.identity,
            foundation=True,
            before=self.evict,
        )

    def evict(self) -> None:
        """End what an earlier life left running on this data, and remove the locks of processes that are gone."""
        for number, seconds in ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            told = processes_on(self.data)
            if number is signal.SIGINT:  # for the postmaster alone: its children would take it for something else
                told &= postmaster(self.data)
            for pid in told:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while told and processes_on(self.data) and time.monotonic() < deadline:
                time.sleep(0.05)
        for lock in (self.data / "postmaster.pid", self.sockets / SOCKET, self.sockets / f"{SOCKET}.lock"):
            lock.unlink(missing_ok=True)

    def ready(self) -> bool:
        """Whether it takes connections."""
        if not (self.sockets / SOCKET).exists():
            return False
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self, name: str) -> None:
        """Make a database unless it is there."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if not known:
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))


def postmaster(data: Path) -> set[int]:
    """The process id that the data directory names as its server's, if it names one."""
    try:
        return {int((data / "postmaster.pid").read_text().splitlines()[0])}
    except (OSError, ValueError, IndexError):
        return set()


def processes_on(data: Path) -> set[int]:
    """Living server processes of this data directory. Each stands in it; zombies do not count, nor do borrowed ids."""
    found = set()
    if sys.platform.startswith("linux"):
        place = str(data.resolve())
        for cwd in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if os.readlink(cwd) == place and os.readlink(cwd.parent / "exe").endswith("/postgres"):
                    found.add(int(cwd.parent.name))
    else:
        for pid in postmaster(data):
            told = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)  # noqa: S603
            if str(data) in told.stdout:
                found.add(pid)
    return found


def dynamic_memory() -> dict[str, str]:
    """Where parallel queries keep what they share: not in a /dev/shm as small as containers make it."""
    with contextlib.suppress(OSError):
        space = os.statvfs("/dev/shm")  # noqa: S108
        if space.f_bavail * space.f_frsize > 256_000_000:
            return {}
    return {"dynamic_shared_memory_type": "mmap"}


def made_by(data: Path) -> int | None:
    """The major version a data directory was made by; None where there is none yet."""
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def make_cluster(binaries: Binaries, data: Path, identity: str, *, durable: bool, log: Path) -> None:
    """Make an empty cluster: UTF-8, sorted by code point, trusting whoever can open the socket, and nobody else."""
    fresh = data.with_name("postgres.new")
    if binaries.major >= 17:
        locales = [["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]]
    else:
        locales = [["--locale=C.UTF-8"], ["--locale=C"]]
    options: Sequence[str] = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--no-instructions"]
    for locale in locales:
        shutil.rmtree(fresh, ignore_errors=True)
        command = [binaries["initdb"], "-D", str(fresh), "-U", USER, *options, *locale]
        if not durable:
            command.append("--no-sync")
        if complete(Child("initdb", command, ENVIRONMENT, data.parent, log=log, identity=identity)) == 0:
            fresh.rename(data)
            return
    raise HomeError(f"PostgreSQL could not make its data directory {data}.\n{last_words(log)}")


def prepare(home: Path, *, durable: bool) -> Postgres:
    """Find PostgreSQL, decide who runs it, and make its data directory under `home` if there is none yet.

    `durable=False` trades safety for speed: for tests. Raises HomeError with the way out.
    """
    home = home.resolve()
    log = home / "log" / "postgres.log"
    identity, base, binaries = settle(home, find_binaries(made_by(home / "postgres")))
    data = base / "postgres"
    if made_by(data) is None:
        make_cluster(binaries, data, identity, durable=durable, log=log)
    owner = data.stat()
    if owner.st_uid == os.geteuid() and stat.S_IMODE(owner.st_mode) != 0o700:
        data.chmod(0o700)  # PostgreSQL refuses a directory that was copied or opened to others
    sockets = base / "run"
    if len(os.fsencode(sockets / f"{SOCKET}.lock")) > LONGEST_SOCKET_PATH:
        sockets = Path("/tmp") / short_name(home)  # noqa: S108
    sockets = own_directory(sockets, owner.st_uid, owner.st_gid)
    return Postgres(binaries, data, sockets, identity, durable, log)
