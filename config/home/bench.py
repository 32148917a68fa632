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


def measure(supervisor: Supervisor, home: Path, options: list[str]) -> None:
    """Start everything, and run the bench to its end. Raises HomeError, Stopped."""
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
    # Before anything else works on the database: the clocks of this measurement are fired by its own processes.
    run(supervisor, "bench_clocks", python("manage.py", "bench_clocks"), environment)
    if "--only-clocks" in options:
        return
    run(supervisor, "bench_routing", python("manage.py", "bench_routing"), environment)
    if "--only-routing" in options:
        return
    for child in processes(port, environment, home):
        supervisor.start(child, (lambda: answers(url)) if child.name == "web" else None)
    run(supervisor, "bench", python("manage.py", "bench", "--url", url, *options), environment)


def main(options: list[str]) -> int:
    if "--with-parent" in options:
        options.remove("--with-parent")
        end_with_parent()
    home = Path(tempfile.mkdtemp(prefix="baton-bench-", dir=os.environ.get("TMPDIR") or "/var/tmp"))  # noqa: S108
    try:
        with Supervisor(say) as supervisor:
            measure(supervisor, home, options)
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
