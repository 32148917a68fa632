"""What must hold of judgements on any database: episodes, and scores that can be counted again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from leads.invariants import BACKWARDS, RUNS_BACKWARDS, Check, ask
from leads.models import AwaitingAssessment
from scoring.judging import judge
from scoring.models import DefinitionVersion, Qualification, Score

SAMPLE = 200  # scores, and qualifications, recomputed in one run: the newest

TWO_OPEN = """
SELECT lead_id, count(*) AS times FROM scoring_episodemember WHERE left_at IS NULL GROUP BY lead_id HAVING count(*) > 1
"""
MEMBERS = """
SELECT episode.id, episode.closed_at FROM scoring_episode AS episode
WHERE (episode.closed_at IS NULL) <> EXISTS (
    SELECT 1 FROM scoring_episodemember AS member
    WHERE member.episode_id = episode.id AND member.lead_id = episode.lead_id AND member.left_at IS NULL)
"""
STAGE_WITHOUT = """
SELECT lead.id AS lead_id, lead.stage FROM leads_lead AS lead
WHERE lead.merged_into_id IS NULL AND lead.erased_at IS NULL AND (lead.stage IN ('MQL', 'SAL')) <> EXISTS (
    SELECT 1 FROM scoring_episodemember AS member
    JOIN scoring_episode AS episode ON episode.id = member.episode_id
      AND episode.closed_at IS NULL AND episode.lane <> 'signal'
    WHERE member.lead_id = lead.id AND member.left_at IS NULL
      -- Converted, and a next owner is asked to take it from here.
      AND NOT (lead.stage = 'SQL' AND episode.phase = 'offered'))
"""
PHASE_ENDS = """
SELECT episode.id, episode.phase, last.to_phase FROM scoring_episode AS episode
LEFT JOIN LATERAL (
    SELECT to_phase FROM scoring_episodechange AS change WHERE change.episode_id = episode.id
      AND change.what IN ('opened', 'phase', 'closed', 'reopened')
    ORDER BY change.id DESC LIMIT 1) AS last ON true
WHERE episode.phase IS DISTINCT FROM last.to_phase
"""
PHASE_GAPS = """
SELECT episode_id, from_phase, before FROM (
    SELECT episode_id, from_phase, lag(to_phase) OVER (PARTITION BY episode_id ORDER BY id) AS before
    FROM scoring_episodechange WHERE what IN ('opened', 'phase', 'closed', 'reopened')) AS chain
WHERE before <> from_phase
"""
# As of a moment, a lead's spent evidence is what the last row of its history before it says.
OLD_EVIDENCE = """
SELECT qualification.id, qualification.lead_id FROM scoring_qualification AS qualification
JOIN LATERAL (
    SELECT evidence_from FROM leads_restchange AS rest
    WHERE rest.lead_id = qualification.lead_id AND rest.at < qualification.at ORDER BY rest.id DESC LIMIT 1
) AS spent ON spent.evidence_from IS NOT NULL
WHERE NOT qualification.is_hand_raise
  AND (qualification.evidence_at IS NULL OR qualification.evidence_at <= spent.evidence_from)
  AND NOT EXISTS (
    SELECT 1 FROM scoring_episode AS cooled
    WHERE cooled.lead_id = qualification.lead_id AND cooled.closed_as = 'cooled'
      AND cooled.opened_at > spent.evidence_from AND cooled.closed_at <= qualification.at)
  AND NOT EXISTS (
    SELECT 1 FROM leads_lead AS lead LEFT JOIN leads_lead AS tombstone ON tombstone.merged_into_id = lead.id
    WHERE lead.id = qualification.lead_id
      AND (lead.erased_at >= qualification.at OR lead.merged_at >= qualification.at
           OR tombstone.merged_at >= qualification.at))
"""
# Merging and erasing change what was known; what was judged before them can't be counted again.
CHANGED_SINCE = """
SELECT row.id FROM {table} AS row JOIN leads_lead AS lead ON lead.id = row.lead_id
LEFT JOIN leads_lead AS tombstone ON tombstone.merged_into_id = lead.id
WHERE row.id = ANY(%s) AND (lead.erased_at IS NOT NULL OR lead.merged_at IS NOT NULL OR tombstone.merged_at >= row.{at})
"""


class Recount:
    """Judges again what was judged, all of one moment together."""

    def __init__(self, judged: Iterable[tuple[DefinitionVersion, datetime, int]]) -> None:
        together: dict[tuple[int, datetime], tuple[DefinitionVersion, set[int]]] = {}
        for version, as_of, lead_id in judged:
            together.setdefault((version.pk, as_of), (version, set()))[1].add(lead_id)
        self.rows = {
            (key, row["lead_id"]): row
            for key, (version, lead_ids) in together.items()
            for row in judge(lead_ids, version, as_of=key[1], present=False)
        }

    def wrong(self, each: Score | Qualification, *, as_of: datetime) -> str:
        """Empty where the same numbers come out (within the version's step), else those that do."""
        row = self.rows.get(((each.version_id, as_of), each.lead_id))
        if row is None:
            return "nothing"
        stored = {"fit": each.fit, "engagement": each.engagement, "total": each.total}
        found = {name: row[name] for name, value in stored.items() if abs(row[name] - value) > each.version.step}
        return ", ".join(f"{name} {value / 1000:g}" for name, value in found.items())


def _scores() -> Iterable[str]:
    """Of the newest scores, those that don't come out again from what was known."""
    waiting = AwaitingAssessment.objects.values("lead")
    scores = list(
        Score.objects.exclude(lead__in=waiting)
        .select_related("version", "definition")
        .order_by("-as_of", "-id")[:SAMPLE]
    )
    changed = _changed("scoring_score", "as_of", [score.pk for score in scores])
    scores = [score for score in scores if score.pk not in changed]
    again = Recount((score.version, score.as_of, score.lead_id) for score in scores)
    for score in scores:
        if wrong := again.wrong(score, as_of=score.as_of):
            yield f"Score {score.pk} of lead {score.lead_id} as of {score.as_of} comes out as {wrong}."


def _qualifications() -> Iterable[str]:
    """Of the newest qualifications, those that don't come out again."""
    made = list(Qualification.objects.select_related("version", "definition").order_by("-at", "-id")[:SAMPLE])
    changed = _changed("scoring_qualification", "at", [each.pk for each in made])
    made = [each for each in made if each.pk not in changed]
    again = Recount((each.version, each.at, each.lead_id) for each in made)
    for each in made:
        if wrong := again.wrong(each, as_of=each.at):
            yield f"Qualification {each.pk} of lead {each.lead_id} at {each.at} comes out as {wrong}."


def _changed(table: str, at: str, ids: Sequence[int]) -> set[int]:
    found = ask(CHANGED_SINCE.format(table=table, at=at), "{id}", [list(ids)])()
    return {int(each) for each in found}


CHECKS: list[Check] = [
    Check(
        1,
        "one open episode per lead",
        "A lead is in at most one open episode, as principal or member.",
        ask(TWO_OPEN, "Lead {lead_id} is in {times} open episodes."),
    ),
    Check(
        1,
        "open episodes have their principal",
        "The principal is a member while the episode is open, and no longer.",
        ask(MEMBERS, "Episode {id} (closed {closed_at}) and the membership of its principal disagree."),
    ),
    Check(
        2,
        "MQL and SAL only with an open episode",
        "A lead stands at MQL or SAL exactly while an episode of it is open.",
        ask(STAGE_WITHOUT, "Lead {lead_id} stands at {stage}, which its episodes don't bear out."),
    ),
    Check(
        2,
        "episode history gapless",
        "An episode's phases follow one another without a gap.",
        ask(PHASE_GAPS, "Episode {episode_id} goes on from {from_phase!r}, but was {before!r}."),
    ),
    Check(
        2,
        "times of scoring_episodechange never run backwards",
        "History is written in the order of time.",
        ask(BACKWARDS.format(table="scoring_episodechange", of="episode_id"), RUNS_BACKWARDS),
    ),
    Check(
        10,
        "every phase has its row",
        "An episode's phase is that of the last row of its history.",
        ask(PHASE_ENDS, "Episode {id} is {phase!r}; its history ends in {to_phase!r}."),
    ),
    Check(6, "scores recompute", "A score comes out again from what was known at its moment.", _scores),
    Check(6, "qualifications recompute", "So does a qualification.", _qualifications),
    Check(
        9,
        "new evidence",
        "Who qualifies again does so on positive evidence newer than what was spent, or by raising a hand.",
        ask(OLD_EVIDENCE, "Qualification {id} of lead {lead_id} rests on evidence that was spent."),
    ),
]
