"""Is the database sound? Every invariant that `manage.py check_invariants` knows, asked within a test."""

from __future__ import annotations

from sla.management.commands.check_invariants import all_checks


def assert_sound(*, leaving_out: tuple[str, ...] = ()) -> None:
    """Fail with the sentence of whatever breaks an invariant."""
    broken = [
        f"{check.name}: {sentence}"
        for check in all_checks()
        if check.name not in leaving_out
        for sentence in check.find()
    ]
    assert not broken, broken
