"""A Chromium for the browser tests: one that is on this machine, or one we can get."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from config.home.servers import CHECKOUT

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
PLACES = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
DOWNLOADS = CHECKOUT / "var" / "browsers"


def candidates() -> Iterator[str]:
    """Programs that may be a Chromium, the named one first."""
    if named := os.environ.get("BATON_CHROMIUM"):
        yield named
    for name in NAMES:
        if found := shutil.which(name):
            yield found
    yield from PLACES
    caches = [os.environ.get("PLAYWRIGHT_BROWSERS_PATH"), str(DOWNLOADS), os.path.expanduser("~/.cache/ms-playwright")]
    caches.append(os.path.expanduser("~/Library/Caches/ms-playwright"))
    for cache in filter(None, caches):
        for program in (
            "chrome-linux*/chrome",
            "chrome-headless-shell-linux*/chrome-headless-shell",
            "chrome-mac*/*/*/*/*",
        ):
            yield from sorted(glob.glob(f"{glob.escape(cache)}/chromium*/{program}"), reverse=True)


def works(program: str) -> bool:
    """Whether this is a program that can show a page here (a download may lack the libraries it needs)."""
    if not os.access(program, os.X_OK) or not Path(program).is_file():
        return False
    with tempfile.TemporaryDirectory(prefix="baton-browser-", ignore_cleanup_errors=True) as profile:
        command = [program, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", "data:text/html,<b>it works</b>"]
        try:
            shown = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            return False
    return b"it works" in shown.stdout


def find() -> str | None:
    """The first Chromium on this machine that works."""
    return next(filter(works, candidates()), None)


def from_the_distribution() -> None:
    """Install Debian's package, where we may."""
    if os.geteuid() or not shutil.which("apt-get"):
        return
    apt = ["apt-get", "-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run([*apt, *step], env=quiet, stdin=subprocess.DEVNULL, timeout=900)  # noqa: S603


def from_playwright() -> None:
    """Download the one Playwright was built with."""
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    where = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(DOWNLOADS)}
    subprocess.run(command, env=where, stdin=subprocess.DEVNULL, timeout=900)  # noqa: S603


def find_or_get(say: Callable[[str], None]) -> str | None:
    """A Chromium that works: found, or else fetched; None where there is none to be had."""
    if found := find():
        return found
    for way in (from_the_distribution, from_playwright):
        say("No Chromium on this machine; getting one ...")
        try:
            way()
        except (OSError, subprocess.TimeoutExpired) as failure:
            say(str(failure))
        if found := find():
            return found
    return None
