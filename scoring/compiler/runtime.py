"""A compiled query, and what is only known when it runs: the moment, and which leads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple

from leads.conditions import Sql

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
DAY = 86_400


class Facts(Enum):
    """Where the facts come from: as they stand now, or out of the history as they were known at the moment."""

    PRESENT = "present"
    PAST = "past"


class Leads(Enum):
    """Which leads: every one, or those whose ids are given when the query runs."""

    ALL = "all"
    GIVEN = "given"


class Instant(NamedTuple):
    """A parameter: the moment of the judgement, shifted by so many seconds."""

    shift: int = 0


class GivenLeads(NamedTuple):
    """A parameter: the ids of the leads to judge."""


def at(shift: int = 0) -> Sql:
    """The moment of the judgement (as_of), shifted by `shift` seconds."""
    return Sql("%s::timestamptz", (Instant(shift),))


def given() -> Sql:
    """The ids of the leads to judge, as bigint[]."""
    return Sql("%s::bigint[]", (GivenLeads(),))


@dataclass(frozen=True)
class Query:
    """SQL text with parameters; `bind` puts in the moment and the leads. `keys` name the criteria in their order."""

    sql: str
    params: tuple[Any, ...]
    columns: tuple[str, ...]
    keys: tuple[str, ...] = ()

    def bind(self, as_of: datetime, lead_ids: Iterable[int] | None = None) -> tuple[str, list[Any]]:
        """What to hand to a cursor, judging as of this aware moment; `lead_ids` if it was compiled for given leads."""
        if as_of.tzinfo is None:
            raise ValueError("A judgement needs an aware moment.")
        ids = None if lead_ids is None else list(lead_ids)
        if ids is None and any(isinstance(value, GivenLeads) for value in self.params):
            raise ValueError("This query was compiled for given leads: name their ids.")
        return self.sql, [_bound(value, as_of, ids) for value in self.params]


def _bound(value: Any, as_of: datetime, ids: list[int] | None) -> Any:
    if isinstance(value, GivenLeads):
        return ids
    if not isinstance(value, Instant):
        return value
    try:
        return max(as_of + timedelta(seconds=value.shift), EARLIEST)
    except OverflowError:
        return EARLIEST
