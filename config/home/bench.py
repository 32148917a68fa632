"""The measurements on servers of their own: `python -m config.home.bench [manage.py bench's options]`, or `make bench`.

Everything runs as in the demo (web, worker, clock; what is committed is on disk), in a temporary directory and on a
free port, and `manage.py bench` is told the address.
"""

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from config.home import lodging
from config.home.children import HomeError, Stopped
from config.home.demo import answers, end_with_parent, processes, say
from config.home.servers import python, run, start_servers
from config.home.supervisor import Supervisor
from config.home.valkey import free_port

PARTS = ("clocks", "routing", "desk", "rest")


def measure(supervisor: Supervisor, home: Path, only: str, options: list[str]) -> None:
    """Start everything, and run the bench to its end, or one part of it alone. Raises HomeError, Stopped."""
    for name in ("log", "static", "mail"):
        (home / name).mkdir()
    say("Starting PostgreSQL and Valkey ...")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **start_servers(supervisor, home, durable=True, database="baton"),
        "BASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "EMAIL_URL": f"mailsink://{home / 'mail'}",
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "STATIC_ROOT": str(home / "static"),
        "WHITENOISE_USE_FINDERS": "true",
    }
    run(supervisor, "migrate", python("manage.py", "migrate", "--no-input", "--verbosity", "0"), environment)
    # Before anything else works on the database: what is measured here has no processes beside its own.
    for part in ("clocks", "routing"):
        if only in ("", part):
            run(supervisor, f"bench_{part}", python("manage.py", f"bench_{part}"), environment)
    if only in ("clocks", "routing"):
        return
    children = {child.name: child for child in processes(port, environment, home)}
    supervisor.start(children.pop("web"), lambda: answers(url))
    if only in ("", "desk"):
        desk = ["bench_desk", "--url", url, *(options if only else [])]
        run(supervisor, "bench_desk", python("manage.py", *desk), environment)
    if only in ("", "rest"):
        for child in children.values():
            supervisor.start(child)
        run(supervisor, "bench", python("manage.py", "bench", "--url", url, *options), environment)


def main(options: list[str]) -> int:
    if "--with-parent" in options:
        options.remove("--with-parent")
        end_with_parent()
    named = [each for each in options if each.startswith("--only=")]
    only = named[0].removeprefix("--only=") if named else ""
    if only and only not in PARTS:
        say(f"There is no part {only!r} of the bench; one of {', '.join(PARTS)}.")
        return 2
    home = Path(tempfile.mkdtemp(prefix="baton-bench-", dir=os.environ.get("TMPDIR") or "/var/tmp"))  # noqa: S108
    try:
        with Supervisor(say) as supervisor:
            measure(supervisor, home, only, [each for each in options if each not in named])
    except HomeError as problem:
        say(f"\n{problem}")
        return 1
    except (Stopped, KeyboardInterrupt):
        return 130
    finally:
        lodging.forget(home)
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
