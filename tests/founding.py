"""What tests only start from is founded once for many of them; each undoes what it did itself, and no more."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import transaction

Founded = TypeVar("Founded")


@contextmanager
def founded(blocker: Any, make: Callable[[], Founded]) -> Iterator[Callable[[], Founded]]:
    """For a fixture of a class or a module whose tests commit nothing: says what was made, as it was, to each test.

    It stands in a transaction around theirs, which nobody else sees, and is undone with it.
    """
    around = transaction.atomic()
    with blocker.unblock():
        around.__enter__()
        made = pickle.dumps(make())
    yield lambda: pickle.loads(made)
    with blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)
