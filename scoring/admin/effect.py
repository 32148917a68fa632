"""What publishing a definition would do, judged on click."""

from __future__ import annotations

from leads import clock
from scoring import judging
from scoring.models import DefinitionVersion


def effect(version: DefinitionVersion) -> list[str]:
    """What publishing would do, in sentences with their numbers, judged at this moment."""
    now = clock.now()
    rows = judging.judge(None, version, as_of=now)
    meets = {row["lead_id"] for row in rows if row["meets"] or row["hand_raised"]}
    told = [f"Of {len(rows)} leads, {len(meets)} would meet this version now."]
    former = version.definition.versions.filter(state=DefinitionVersion.State.PUBLISHED).first()
    if former is not None:
        standing = judging.judge(None, former, as_of=now)
        before = {row["lead_id"] for row in standing if row["meets"] or row["hand_raised"]}
        told[0] += f" {len(before)} meet version {former.number}, which it retires:"
        told[0] += f" {len(meets - before)} are gained, {len(before - meets)} lost."
    told.append("Who newly meets it by what they did before stands in a list until somebody releases them.")
    told.append("Open episodes keep the version they opened under. A published version never changes.")
    return told
