"""A definition version compiled to one SQL query: it judges one lead, a batch, the whole base, or a past moment.

query = compile_version(spec, type_ids={"Requested Demo": 7}, facts=Facts.PRESENT, leads=Leads.GIVEN)
sql, params = query.bind(now, [1, 2, 3])          # rows as query.columns
"""

from __future__ import annotations

from collections.abc import Mapping

from scoring.compiler.check import Problem, problems
from scoring.compiler.query import COLUMNS, REASON_COLUMNS, Compilation
from scoring.compiler.runtime import Facts, Leads, Query
from scoring.compiler.sources import FIT_FIELDS
from scoring.compiler.spec import CriterionSpec, GridCell, VersionSpec

__all__ = [
    "COLUMNS",
    "FIT_FIELDS",
    "REASON_COLUMNS",
    "CriterionSpec",
    "Facts",
    "GridCell",
    "Leads",
    "Problem",
    "Query",
    "VersionSpec",
    "compile_reasons",
    "compile_version",
    "problems",
]


def compile_version(
    version: VersionSpec,
    *,
    type_ids: Mapping[str, int],
    facts: Facts = Facts.PRESENT,
    leads: Leads = Leads.GIVEN,
) -> Query:
    """The query that judges leads by this version: one row per lead that is neither merged away nor erased.

    `type_ids` maps the activity names in use (`version.activity_names`) to their catalog ids; a name without one was
    never seen. `shares` is an array in the order of `query.keys`. Raises leads.conditions.ConditionError where a
    condition can't be read.
    """
    return Compilation(version, type_ids, facts, leads).query()


def compile_reasons(version: VersionSpec, *, type_ids: Mapping[str, int], facts: Facts = Facts.PRESENT) -> Query:
    """The query that tells why, for given leads: a row per criterion, with activities counted or values observed."""
    return Compilation(version, type_ids, facts, Leads.GIVEN).reasons()
