"""Which promise holds: the policy of an episode, and its target for the lane or tier."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from django.db.models import QuerySet

from leads.errors import Refused
from leads.models import Lead
from scoring.models import Episode, Lane
from sla import matching
from sla.models import Handoff, Heat, PolicyTarget, PolicyVersion

NONE_HOLDS: Final = "No published policy holds for this lead. Publish one with an empty condition, as the last."


class NoPolicy(Refused):
    """No published policy holds, so nothing can be promised."""

    title = "No policy"
    code = "no_policy"


def choose(episode: Episode, lead: Lead) -> PolicyVersion:
    """The published version of the first policy whose condition holds, by position.

    Asked at opening, and again at each offer, rise and hand-raise. Raises NoPolicy where none holds.
    """
    versions = published()
    held = matching.which_hold(episode, lead, [version.condition for version in versions])
    for version, holds in zip(versions, held, strict=True):
        if holds:
            return version
    raise NoPolicy(NONE_HOLDS)


def published() -> list[PolicyVersion]:
    """The published versions in the order in which they are asked."""
    found = PolicyVersion.objects.filter(state=PolicyVersion.VersionState.PUBLISHED)
    return list(found.select_related("policy").order_by("policy__position", "policy_id"))


def target_for(version: PolicyVersion, target: str, heat: str) -> PolicyTarget | None:
    """What the version promises for this lane or tier; None where it promises nothing."""
    if version.state == PolicyVersion.VersionState.DRAFT:
        return _of(version.pk).filter(target=target, heat=heat).first()
    return _targets(version.pk).get((target, heat))


@lru_cache(maxsize=256)
def _targets(version_id: int) -> dict[tuple[str, str], PolicyTarget]:
    """A version that was published never changes, so what was read of it holds for as long as the process lives."""
    return {(each.target, each.heat): each for each in _of(version_id)}


def _of(version_id: int) -> QuerySet[PolicyTarget]:
    return PolicyTarget.objects.filter(version=version_id).select_related("version")


def heat_of(subject: Episode | Handoff) -> Heat:
    """For whom targets are read: fast lane and signals are hand-raises, else the tier."""
    return Heat.HAND_RAISE if subject.lane in (Lane.FAST, Lane.SIGNAL) else Heat(subject.tier)
