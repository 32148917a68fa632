"""The nouns of the scoring floor."""

from scoring.models.definition import Axis, Criterion, Definition, DefinitionVersion, Tier
from scoring.models.episode import ClosedAs, Episode, EpisodeChange, EpisodeMember, Lane, OpenedBy, Phase
from scoring.models.judgement import Qualification, Score

__all__ = [
    "Axis",
    "ClosedAs",
    "Criterion",
    "Definition",
    "DefinitionVersion",
    "Episode",
    "EpisodeChange",
    "EpisodeMember",
    "Lane",
    "OpenedBy",
    "Phase",
    "Qualification",
    "Score",
    "Tier",
]
