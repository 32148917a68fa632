"""The admin of the judgements floor."""

from scoring.admin import definitions, judgements  # noqa: F401
