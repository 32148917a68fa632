"""Starts a PostgreSQL of its own, with fsync on, and lets the scenarios loose on it, one database each.

SEED=… replays a run; --only names the scenarios, the other options their size. Ends with status 1 where one fails.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from psycopg import sql

from config.home import lodging, postgres
from config.home.children import Child, HomeError, Stopped
from config.home.demo import end_with_parent, say
from config.home.servers import CHECKOUT, python, run
from config.home.supervisor import Supervisor

SCENARIOS = {
    "clocks": "clock processes are killed while clocks fall due",
    "postgres": "PostgreSQL is stopped at once, again and again, while clocks fall due",
    "intake": "PostgreSQL is stopped at once while clients send",
    "valkey": "Valkey is emptied, killed and gone while clients send",
    "mail": "the mail server is down, slow, hangs after DATA, says later, says no",
}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument(
        "--clocks", type=int, default=100_000, help="clocks that fall due; a fifth where PostgreSQL stops"
    )
    parser.add_argument("--kills", type=int, default=50, help="kill -9 of a clock process")
    parser.add_argument("--stops", type=int, default=6, help="immediate stops of PostgreSQL")
    parser.add_argument("--people", type=int, default=200, help="people whose events clients send")
    parser.add_argument("--letters", type=int, default=8, help="letters for each fault of the mail server")
    parser.add_argument("--only", default=",".join(SCENARIOS), help="scenarios, by commas")
    parser.add_argument("--ready", help="SQL of a migrated database; without it one is migrated")
    parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := set(asked.only.split(",")) - SCENARIOS.keys():
        parser.error(f"--only knows {', '.join(SCENARIOS)}, and not {', '.join(sorted(unknown))}.")
    return asked


def cause(supervisor: Supervisor, home: Path, asked: argparse.Namespace, seed: str) -> list[str]:
    """Run the scenarios; the names of those that failed. Raises HomeError, Stopped."""
    server = postgres.prepare(home, durable=True)
    with (server.data / "postgresql.auto.conf").open("a") as settings:
        settings.write("track_commit_timestamp = on\n")  # an independent witness of when a step was done
    supervisor.start(server.child, server.ready)
    server.ensure_database("ready")
    static = home / "static"  # of its own: beside it lie sockets, which are no files to serve
    static.mkdir()
    environment = {
        "DATABASE_URL": server.url("ready"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LOG_LEVEL": "ERROR",
        "PYTHONUNBUFFERED": "1",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "STATIC_ROOT": str(static),
        "WHITENOISE_USE_FINDERS": "true",
        "BATON_POSTGRES_DATA": str(server.data),
    }
    if asked.ready:
        told = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--output={os.devnull}", f"--file={asked.ready}"]
        run(supervisor, "psql", [server.binaries["psql"], *told, server.url("ready")], environment)
    else:
        run(supervisor, "migrate", python("manage.py", "migrate", "--no-input", "--verbosity", "0"), environment)
    failed = []
    for name in asked.only.split(","):
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE ready").format(sql.Identifier(f"chaos_{name}")))
        say(f"\n{name}: {SCENARIOS[name]}")
        place, began = home / "scenes" / name, time.monotonic()
        place.mkdir(parents=True)
        command = python("-m", "tests.chaos.scenario", name, str(place), seed, json.dumps(vars(asked)))
        status = supervisor.run(
            Child(f"chaos {name}", command, environment | {"DATABASE_URL": server.url(f"chaos_{name}")}, CHECKOUT)
        )
        say(f"  {'holds' if status == 0 else 'FAILED'}, after {time.monotonic() - began:.0f} s")
        if status:
            failed.append(name)
    return failed


def main() -> int:
    asked = options()
    if asked.with_parent:
        end_with_parent()
    seed = os.environ.get("SEED") or str(random.randrange(10**6))
    say(f"SEED={seed}")
    home = Path(tempfile.mkdtemp(prefix="baton-chaos-", dir=os.environ.get("TMPDIR") or "/var/tmp"))
    try:
        with Supervisor(lambda sentence: say(f"  {sentence}")) as supervisor:
            failed = cause(supervisor, home, asked, seed)
    except HomeError as problem:
        say(f"\n{problem}")
        return 1
    except (Stopped, KeyboardInterrupt):
        return 130
    finally:
        lodging.forget(home)
        shutil.rmtree(home, ignore_errors=True)
    say(f"\n{'FAILED: ' + ', '.join(failed) if failed else 'All of it holds.'} SEED={seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
