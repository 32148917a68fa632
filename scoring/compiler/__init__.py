"""A definition version compiled to one SQL query: it judges one lead, a batch, the whole base, or a past moment.

query = compile_version(spec, type_ids={"Requested Demo": 7}, facts=Facts.PRESENT, leads=Leads.GIVEN)
sql, params = query.bind(now, [1, 2, 3])          # rows as query.columns
"""

from __future__ import annotations

from collections.abc import Mapping

from scoring.compiler.check import Problem, problems
from scoring.compiler.query import COLUMNS, DECIDING_COLUMNS, REASON_COLUMNS, Compilation
from scoring.compiler.runtime import Facts, Leads, Query
from scoring.compiler.sources import FIT_FIELDS
from scoring.compiler.spec import CriterionSpec, GridCell, VersionSpec

__all__ = [
    "COLUMNS",
    "DECIDING_COLUMNS",
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
    deciding: bool = True,
) -> Query:
    """The query that judges leads by this version: one row per lead that is neither merged away nor erased.

    `type_ids` maps the activity names in use (`version.activity_names`) to their catalog ids; a name without one was
    never seen. `deciding` adds, for leads that meet the version, the newest known activity counted in their favor and
    the latest raising of a hand. Raises leads.conditions.ConditionError where a condition can't be read.
    """
    return Compilation(version, type_ids, facts, leads).query(deciding)


def compile_reasons(version: VersionSpec, *, type_ids: Mapping[str, int], facts: Facts = Facts.PRESENT) -> Query:
    """The query that tells why, for given leads: a row per criterion, with activities counted or values observed."""
    return Compilation(version, type_ids, facts, Leads.GIVEN).reasons()
