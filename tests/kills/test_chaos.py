"""The short form of `make chaos`, on a PostgreSQL of its own. What `test_kills` does under load is not done twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import template

ROOT = Path(__file__).resolve().parents[2]
SHORT = ("--clocks", "60", "--kills", "1", "--stops", "1", "--letters", "3")
SCENARIOS = ("clocks", "postgres", "mail")
SERVERS = {"DATABASE_URL", "REDIS_URL", "EMAIL_URL"}


@pytest.fixture
def ready(transactional_db: None, tmp_path: Path) -> list[str]:
    """What this run has migrated already need not be migrated once more."""
    return ["--ready", str(file)] if template.written(file := tmp_path / "ready.sql") else []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_promises_hold_while_things_break(ready: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in SERVERS}
    command = [sys.executable, "-m", "tests.chaos", *SHORT, "--only", ",".join(SCENARIOS), *ready]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("check_invariants is clean") == len(SCENARIOS)
