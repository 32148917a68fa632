"""The whole test suite on servers of its own: `python -m config.home.testing [pytest's options]`, or `make test`.

`--must-run-all` makes it fail where something could not run, `--durable` has every commit on disk. The servers live in
a temporary directory and keep nothing; where DATABASE_URL names one, only databases called test_baton_* are made and
dropped there.
"""

import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from config.home import browser, lodging
from config.home.children import Child, HomeError, Stopped
from config.home.demo import end_with_parent, say
from config.home.servers import CHECKOUT, hold, python, start_servers
from config.home.supervisor import Supervisor

PREFIX = "baton-test-"
OURS = ("--must-run-all", "--with-parent", "--durable")


def sweep() -> None:
    """Remove the directories of runs that were killed; a run that lives holds its lock."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if home.stat().st_uid == os.geteuid() and (taken := hold(home / "lock")) is not None:
            clear(home)
            os.close(taken)


def clear(home: Path) -> None:
    """Remove a run's directory and what lies outside it."""
    lodging.forget(home)
    shutil.rmtree(home, ignore_errors=True)


def lanes() -> int:
    """How many tests run at once: one more than there are cores, since the long ones mostly wait."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1


def pytest_command(options: Sequence[str], *, with_browser: bool) -> Sequence[str]:
    """pytest in parallel, without the browser tests where there is no browser."""
    options = list(options)
    if not any(option.startswith(("-n", "--numprocesses")) for option in options):
        options = ["-n", str(lanes()), "--dist", "worksteal", *options]
    if not with_browser:
        asked = [position for position, option in enumerate(options) if option == "-m"]
        if asked:
            options[asked[-1] + 1] = f"({options[asked[-1] + 1]}) and not browser"
        else:
            options += ["-m", "not browser"]
    return python("-m", "pytest", *options)


def bytecode() -> dict[str, str]:
    """Let the run's many processes read what one has compiled, also where this shell asks for no such files."""
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(CHECKOUT / "var" / "pycache")}


def run_tests(
    supervisor: Supervisor, home: Path, options: Sequence[str], chromium: str | None, *, durable: bool
) -> int:
    """Start the servers, run pytest, and return its exit status."""
    static = home / "static"
    static.mkdir()
    environment = {
        **start_servers(supervisor, home, durable=durable, database="baton"),
        **bytecode(),
        "BATON_TEST_DB": os.environ.get("BATON_TEST_DB") or f"test_baton_{secrets.token_hex(4)}",
        "BATON_CHROMIUM": chromium or "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "STATIC_ROOT": str(static),
        "WHITENOISE_USE_FINDERS": "true",
    }
    command = pytest_command(options, with_browser=chromium is not None)
    return supervisor.run(Child("tests", command, environment, CHECKOUT, stop_signal=signal.SIGINT, grace=20.0))


def main(arguments: list[str]) -> int:
    options = [argument for argument in arguments if argument not in OURS]
    must_run_all, with_parent, durable = (ours in arguments for ours in OURS)
    if with_parent:
        end_with_parent()
    sweep()
    chromium = browser.find_or_get(say)
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = hold(home / "lock")
    try:
        with Supervisor(say, inherited=[lock] if lock is not None else []) as supervisor:
            status = run_tests(supervisor, home, options, chromium, durable=durable)
    except HomeError as problem:
        say(f"\n{problem}")
        return 1
    except (Stopped, KeyboardInterrupt):
        return 130
    finally:
        clear(home)
    if chromium is None:
        say("NOT TESTED: THE PAGES IN A BROWSER, BECAUSE NO CHROMIUM COULD BE FOUND OR INSTALLED.")
        return status or int(must_run_all)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
