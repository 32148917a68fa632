"""Why this lead is here, for people: each criterion then and now, and the sums against their thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leads.models import Lead
from scoring import judging, reasons
from scoring.models import Criterion, DefinitionVersion, Qualification, Score
from scoring.why_now import why_now
from scoring.words import asks_for, seen_of


@dataclass(frozen=True)
class Line:
    """One criterion: what was seen, what it gives now, and what it gave when the lead qualified."""

    label: str
    axis: str
    met: bool
    now: int
    then: int | None
    would_give: int
    seen: str
    asked: str
    last_at: datetime | None
    flags: tuple[str, ...]

    @property
    def is_negative(self) -> bool:
        return self.would_give < 0


@dataclass(frozen=True)
class Bar:
    """A sum beside its threshold, as wide as the widest of the three, in thousandths and as shares of 100."""

    label: str
    value: int
    minimum: int
    full: int

    @property
    def width(self) -> float:
        return round(max(0, self.value) / self.full * 100, 2)

    @property
    def mark(self) -> float:
        return round(max(0, self.minimum) / self.full * 100, 2)

    @property
    def is_met(self) -> bool:
        return self.value >= self.minimum


@dataclass(frozen=True)
class Why:
    """One definition's judgement of one lead."""

    version: DefinitionVersion
    score: Score | None
    qualification: Qualification | None
    lines: list[Line]
    bars: list[Bar]
    sentence: str = ""

    @property
    def in_force(self) -> Score | None:
        """What the version says that is in force today, where that is a later one than the lead qualified under."""
        later = self.score is not None and self.score.version_id != self.version.pk
        return self.score if later else None

    @property
    def would_give(self) -> int:
        """What the criteria that are not met would give in all, were they; in thousandths, losses left out."""
        return sum(max(0, line.would_give) for line in self.unmet)

    @property
    def met(self) -> list[Line]:
        return [line for line in self.lines if line.met]

    @property
    def unmet(self) -> list[Line]:
        return [line for line in self.lines if not line.met]

    @property
    def is_spent(self) -> bool:
        """Some engagement gives nothing any more, because a verdict has spent it."""
        return self.score is not None and self.score.engagement_ever != self.score.engagement


def why(lead: Lead, *, now: datetime) -> list[Why]:
    """Why, by the version each qualification names, and by each published definition that has judged the lead."""
    newest = _newest_qualifications(lead)
    scores = {
        score.definition_id: score
        for score in Score.objects.filter(lead=lead).select_related("version__definition").order_by("definition_id")
    }
    shown = []
    for definition_id in sorted(set(newest) | set(scores)):
        qualification, score = newest.get(definition_id), scores.get(definition_id)
        version = qualification.version if qualification is not None else score.version if score is not None else None
        if version is not None:
            shown.append(_why(lead, version, score, qualification, now=now))
    return sorted(shown, key=lambda each: (each.version.definition.position, each.version.definition_id))


def _newest_qualifications(lead: Lead) -> dict[int, Qualification]:
    rows = Qualification.objects.filter(lead=lead).select_related("version__definition").order_by("at", "pk")
    return {row.definition_id: row for row in rows}


def _why(
    lead: Lead, version: DefinitionVersion, score: Score | None, qualification: Qualification | None, *, now: datetime
) -> Why:
    criteria = {criterion.key: criterion for criterion in version.criteria.order_by("position", "id")}
    frozen = {reason["key"]: reason for reason in (qualification.reasons if qualification is not None else [])}
    present = {line["key"]: line for line in reasons.lines(lead.pk, version, as_of=now)}
    lines = [
        _line(criterion, present.get(key, {}), frozen.get(key), qualified=qualification is not None)
        for key, criterion in criteria.items()
    ]
    order = sorted(lines, key=lambda line: (not line.met, -abs(line.now or line.then or 0), -line.would_give))
    return Why(
        version,
        score,
        qualification,
        order,
        _bars(version, _sums(lead, version, score, qualification, now=now)),
        sentence=_sentence(lead, qualification, now=now),
    )


def _sentence(lead: Lead, qualification: Qualification | None, *, now: datetime) -> str:
    """Why now, in one sentence; of a lead that never qualified there is none."""
    if qualification is None:
        return ""
    account = lead.account
    return why_now(
        qualification.reasons,
        now=now,
        title=lead.title,
        employees=account.employees if account is not None else None,
        industry=account.industry if account is not None else "",
    )


def _line(criterion: Criterion, present: dict[str, Any], frozen: dict[str, Any] | None, *, qualified: bool) -> Line:
    met = bool(present.get("met")) or frozen is not None
    at = present.get("last_at") or (datetime.fromisoformat(frozen["last_at"]) if frozen and frozen["last_at"] else None)
    asked = asks_for(criterion)
    flags = (
        ("fast lane", criterion.is_hand_raise),
        ("required", criterion.is_required),
        ("disqualifies", criterion.disqualifies),
    )
    return Line(
        label=criterion.label,
        axis=criterion.axis,
        met=met,
        now=present.get("points") or 0,
        then=(frozen["points"] if frozen else 0) if qualified else None,
        would_give=criterion.points,
        seen=seen_of(criterion, present, frozen),
        asked=asked if asked.lower() != criterion.label.lower() else "",
        last_at=at,
        flags=tuple(name for name, holds in flags if holds),
    )


def _sums(
    lead: Lead,
    version: DefinitionVersion,
    score: Score | None,
    qualification: Qualification | None,
    *,
    now: datetime,
) -> tuple[int, int, int] | None:
    """Fit, engagement and total by this very version: stored where it is in force, else judged anew."""
    if score is not None and score.version_id == version.pk:
        return score.fit, score.engagement, score.total
    for row in judging.judge([lead.pk], version, as_of=now):
        return row["fit"], row["engagement"], row["total"]
    if qualification is not None:
        return qualification.fit, qualification.engagement, qualification.total
    return None


def _bars(version: DefinitionVersion, sums: tuple[int, int, int] | None) -> list[Bar]:
    if sums is None:
        return []
    fit, engagement, total = sums
    values = (
        ("Fit", fit, version.fit_min),
        ("Engagement", engagement, version.engagement_min),
        ("Total", total, version.total_min),
    )
    full = max(1000, *(max(value, minimum) for _, value, minimum in values)) * 11 // 10
    return [Bar(label, value, minimum, full) for label, value, minimum in values]
