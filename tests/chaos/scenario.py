"""One scenario in a process of its own: `python -m tests.chaos.scenario <name> <directory> <seed> <options>`."""

from __future__ import annotations

import importlib
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django


@dataclass
class Scene:
    """Where a scenario plays: its directory, its chances, and how large it shall be."""

    home: Path
    chance: random.Random
    options: dict[str, Any]

    def say(self, sentence: str) -> None:
        print(f"  {sentence}", flush=True)


def main(name: str, home: str, seed: str, options: str) -> None:
    django.setup()
    from tests.processes import assert_invariants

    importlib.import_module(f"tests.chaos.{name}").run(
        Scene(Path(home), random.Random(f"{seed} {name}"), json.loads(options))
    )
    assert_invariants()
    print("  check_invariants is clean", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
