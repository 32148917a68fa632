"""The one way to open a business transaction: all or nothing, tried again when the database asks for it."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 5
# deadlock_detected, lock_not_available, serialization_failure: the same work, tried again, succeeds.
TRY_AGAIN = frozenset({"40P01", "55P03", "40001"})


def business(verb: Callable[P, R]) -> Callable[P, R]:
    """Make a function a verb: its writes are one transaction.

    Called within another verb it joins that one's transaction. On a deadlock or a lock timeout the outermost verb is
    run again, up to five times; verbs therefore do nothing that can't be repeated.
    """

    @functools.wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return verb(*args, **kwargs)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic():
                    return verb(*args, **kwargs)
            except OperationalError as error:
                state = getattr(error.__cause__, "sqlstate", None)
                if state not in TRY_AGAIN or attempt == ATTEMPTS:
                    raise
                time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311  (jitter, not a secret)
        raise AssertionError("unreachable")

    return run
