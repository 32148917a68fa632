"""The whole of Baton on one machine: `python -m config.home.demo`, which is what `make demo` runs.

Servers, web, worker and clock under one supervisor; everything it keeps lies under `var/`. `--forget` throws it away.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from config.home import lodging
from config.home.children import Child, HomeError, Stopped
from config.home.keeper import PR_SET_PDEATHSIG, prctl
from config.home.servers import CHECKOUT, forget, hold, python, run, start_servers
from config.home.supervisor import Supervisor

HOME = CHECKOUT / "var"
KEPT = ["postgres", "postgres.new", "valkey", "run", "log", "mail", "static", "secret_key", "demo.json", "run.env"]
WAIT_FOR_THE_LAST_RUN = 30.0


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    with contextlib.suppress(OSError):  # nobody may be listening any more
        sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()


def take_home(home: Path) -> int:
    """Make the home ours alone. Raises HomeError while another demo runs here or where we cannot write."""
    try:
        home.mkdir(exist_ok=True)
        lock = home / "demo.lock"
        taken = hold(lock)
        deadline = time.monotonic() + WAIT_FOR_THE_LAST_RUN
        while taken is None and not alive(lock) and time.monotonic() < deadline:
            time.sleep(0.1)
            taken = hold(lock)
    except PermissionError as refusal:
        raise HomeError(
            f"{refusal.filename} belongs to somebody else. Run as the user who made it, or remove var/."
        ) from None
    if taken is None:
        raise HomeError(
            f"Baton already runs in this directory (process {lock.read_text()}). Stop it there with Ctrl-C first."
        )
    os.truncate(taken, 0)
    os.pwrite(taken, str(os.getpid()).encode(), 0)
    return taken


def alive(lock: Path) -> bool:
    """Whether the supervisor that wrote its number into the lock lives; if not, only its keepers still clean up."""
    try:
        os.kill(int(lock.read_text()), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def check_port(port: int) -> None:
    """Raise HomeError with the way out if somebody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise HomeError(
                f"Port {port} cannot be used: another program has it. Choose another one: make demo PORT={port + 1}"
            ) from None


def secret_key(home: Path) -> str:
    """The installation's secret, made once."""
    file = home / "secret_key"
    if not file.exists():
        write_privately(file, secrets.token_urlsafe(48))
    return file.read_text()


def write_privately(file: Path, text: str) -> None:
    """Put a file in place whole, readable by its owner alone."""
    fresh = file.with_name(f".{file.name}.part")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(file)


def answers(url: str) -> bool:
    """Whether the web answers at all."""
    try:
        with urllib.request.urlopen(f"{url}/healthz/web", timeout=10):  # noqa: S310
            return True
    except urllib.error.HTTPError as answer:
        return answer.code < 500
    except OSError:
        return False


def said(log: Path | None, words: bytes) -> Callable[[], bool]:
    """Whether these words came into a log from now on: how the worker tells that it can be given work."""
    if log is None:
        return lambda: True
    before = log.stat().st_size if log.exists() else 0
    return lambda: log.exists() and words in log.read_bytes()[before:]


def processes(port: int, environment: dict[str, str], home: Path) -> list[Child]:
    """Baton's own processes: web, worker with beat, clock."""
    gunicorn = ["-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}", "--workers", "2"]
    gunicorn += ["--threads", "8", "--graceful-timeout", "3", "--no-control-socket"]
    celery = ["-m", "celery", "-A", "config", "worker", "-B", "--scheduler", "celery.beat:Scheduler", "--loglevel"]
    # Three kinds of work, each done by one process at a time: none waits for another.
    celery += ["INFO", "--concurrency", "3", "--without-gossip", "--without-mingle"]
    commands = {"web": gunicorn, "worker": celery, "clock": ["manage.py", "runclock"]}
    return [
        Child(
            name=name,
            command=python(*command),
            environment={**environment, "BATON_PROCESS": name},
            directory=CHECKOUT,
            log=home / "log" / f"{name}.log",
            grace=8.0,
        )
        for name, command in commands.items()
    ]


def settle_data(supervisor: Supervisor, environment: dict[str, str], home: Path) -> dict[str, object]:
    """Bring the database up to date, fill it once, and make this start's keys. Raises HomeError, Stopped."""
    say("Bringing the database up to date ...")
    run(supervisor, "migrate", python("manage.py", "migrate", "--no-input"), environment)
    run(supervisor, "seed_demo", python("manage.py", "seed_demo", "--if-empty"), environment)
    access = home / "run" / "access.json"
    run(supervisor, "demo_access", python("manage.py", "demo_access", "--json"), environment, output=access)
    try:
        known: dict[str, object] = json.loads(access.read_text())
    finally:
        access.unlink()
    return known


def welcome(known: dict[str, object], home: Path) -> str:
    """What a person needs to know to look around."""
    users: list[dict[str, str]] = known["users"]  # type: ignore[assignment]
    widest = max((len(user["email"]) for user in users), default=0)
    people = [f"  {user['role']:<10} {user['email']:<{widest}}  {user['password']}" for user in users]
    keys = [
        f"  write key  {known['write_key']}",
        f"  API key    {known['api_key']}  (a manager's rights, new at each start)",
        f"  mails      {known['mail']}",
        f"  logs       {home / 'log'}",
    ]
    end = "Ctrl-C stops it, `make demo` brings it back with its data, `make clean-demo` forgets it."
    return "\n".join(["", f"Baton runs on {known['url']}", "", *people, "", *keys, "", end])


def mail_place(address: str) -> str:
    """Where mails go, for people: the folder of the sink, or a server's address without its password."""
    if address.startswith("mailsink://"):
        return address.removeprefix("mailsink://")
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname or ''}"


def live(supervisor: Supervisor, port: int, home: Path) -> None:
    """Start everything, say how to get in, and watch over it until somebody asks for the end."""
    (home / "demo.json").unlink(missing_ok=True)
    for name in ("run", "log", "mail", "static"):
        (home / name).mkdir(exist_ok=True)
    say("Starting PostgreSQL and Valkey ...")
    url = f"http://127.0.0.1:{port}"
    environment = {
        **start_servers(supervisor, home, durable=True, database="baton"),
        "EMAIL_URL": os.environ.get("EMAIL_URL") or f"mailsink://{home / 'mail'}",
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secret_key(home),
        "BASE_URL": url,
        "WHITENOISE_USE_FINDERS": "true",
    }
    write_privately(home / "run.env", "".join(f"{name}='{value}'\n" for name, value in environment.items()))
    environment |= {"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
    known = settle_data(supervisor, environment, home)
    say("Starting web, worker and clock ...")
    for child in processes(port, environment, home):
        supervisor.start(child, {"web": lambda: answers(url), "worker": said(child.log, b" ready.")}.get(child.name))
    known = {"url": url, **known, "mail": mail_place(environment["EMAIL_URL"])}
    write_privately(home / "demo.json", json.dumps(known, indent=2) + "\n")
    say(welcome(known, home))
    supervisor.tend()


def forget_all(home: Path) -> None:
    """Throw the demo away. Raises HomeError while it runs."""
    taken = take_home(home)
    lodging.forget(home)
    for name in KEPT:
        forget(home / name)
    forget(home / "demo.lock")
    os.close(taken)
    say("The demo is forgotten.")


def end_with_parent() -> None:
    """End when `make` does, however it ends."""
    parent = os.getppid()
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise Stopped


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
    parser.add_argument("--home", type=Path, default=HOME, help="where everything it keeps lies")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started this one does")
    parser.add_argument("--forget", action="store_true", help="throw the demo's data away")
    options = parser.parse_args(arguments)
    home = options.home.resolve()
    try:
        if options.forget:
            forget_all(home)
            return 0
        if options.with_parent:
            end_with_parent()
        taken = take_home(home)
        check_port(options.port)
        with Supervisor(say, inherited=[taken]) as supervisor:
            try:
                live(supervisor, options.port, home)
            finally:
                say("Stopping ...")
                for name in ("run.env", "demo.json"):
                    forget(home / name)
    except HomeError as problem:
        say(f"\n{problem}")
        return 1
    except (Stopped, KeyboardInterrupt):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
