"""Installs a locked requirements file with pip, counting as it goes: `python install.py requirements.txt`.

Run by path, before anything is installed: standard library only.
"""

import re
import subprocess
import sys
import time
from pathlib import Path


def main(requirements: Path) -> int:
    """Install; pip's exit status. What pip said is shown only if it failed."""
    text = requirements.read_text()
    total = len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--requirement", str(requirements)]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    started = time.monotonic()
    said: list[str] = []
    done = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603
        for line in pip.stdout or ():
            said.append(line)
            if match := re.match(r"\s*(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line):
                done += 1
                show(f"Fetching {min(done, total)} of {total}: {match[1]}", total)
            elif line.startswith("Installing"):
                show("Unpacking ...", total)
    if pip.returncode:
        sys.stdout.write("\n" + "".join(said[-30:]) + "\nThe packages could not be installed; pip says why above.\n")
    else:
        show(f"Installed {requirements.name} in {time.monotonic() - started:.0f} s.", total)
        sys.stdout.write("\n")
    return pip.returncode


def show(news: str, total: int) -> None:
    """One line that changes at a terminal, a line now and then in a log."""
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K{news}")
    elif not news.startswith("Fetching") or int(news.split()[1]) in (1, total // 2, total):
        sys.stdout.write(f"{news}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
