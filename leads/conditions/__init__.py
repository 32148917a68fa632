"""The condition language: JSON in, one SQL predicate out.

Criteria, audiences, stage rules, routing rules and policies all use it. It knows no table: the caller's resolver maps
a field to SQL. What each operator means is written in `predicates`, what can be written in `grammar`.
"""

from leads.conditions.errors import ConditionError, unknown_field
from leads.conditions.grammar import OPERATORS, fields_of, parse, plain, validate
from leads.conditions.predicates import (
    Resolver,
    certain,
    compile,
    is_unset,
    literal_resolver,
    number_of,
    path,
    plain_json,
    possible,
    text_of,
    unset,
)
from leads.conditions.reasoning import Domains, contradiction, covered_by
from leads.conditions.sentences import sentence
from leads.conditions.sql import Kind, Sql, build, join, param

__all__ = [
    "OPERATORS",
    "ConditionError",
    "Domains",
    "Kind",
    "Resolver",
    "Sql",
    "build",
    "certain",
    "compile",
    "contradiction",
    "covered_by",
    "fields_of",
    "is_unset",
    "join",
    "literal_resolver",
    "number_of",
    "param",
    "parse",
    "path",
    "plain",
    "plain_json",
    "possible",
    "sentence",
    "text_of",
    "unknown_field",
    "unset",
    "validate",
]
