"""The servers of a home: its PostgreSQL and its Valkey, or the real ones that the environment names."""

import fcntl
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from config.home import postgres, valkey
from config.home.children import Child, HomeError
from config.home.supervisor import Supervisor

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def hold(lock: Path) -> int | None:
    """Take the lock of a home and return its descriptor; None while somebody else has it.

    The supervisor's keepers inherit it, so it is free only when the last process of the home is gone.
    """
    number = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(number)
        return None
    return number


def start_servers(supervisor: Supervisor, home: Path, *, durable: bool, database: str) -> dict[str, str]:
    """Start what the environment does not name; the addresses (DATABASE_URL, REDIS_URL) of all.

    Raises HomeError with the way out, and Stopped.
    """
    addresses = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)}
    if "DATABASE_URL" not in addresses:
        server = postgres.prepare(home, durable=durable)
        supervisor.start(server.child, server.ready)
        server.ensure_database(database)
        addresses["DATABASE_URL"] = server.url(database)
    if "REDIS_URL" not in addresses:
        addresses["REDIS_URL"] = valkey.start(supervisor, home).url
    return addresses


def python(*arguments: str) -> Sequence[str]:
    """A command for the Python we run in."""
    return [sys.executable, *arguments]


def run(
    supervisor: Supervisor, what: str, command: Sequence[str], environment: dict[str, str], output: Path | None = None
) -> None:
    """Run a command to its end, where the servers are. Raises HomeError naming `what` when it fails, and Stopped."""
    status = supervisor.run(Child(what, command, environment, CHECKOUT, output=output))
    if status:
        raise HomeError(f"{what} failed with status {status}; what it said stands above.")


def forget(path: Path) -> None:
    """Remove a file, a link or a whole directory, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
