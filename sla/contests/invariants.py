"""What must hold of contested rejections on any database."""

from __future__ import annotations

from leads.invariants import Check, ask

# The one who contests comes after the verdict, and who decides after them; a hop comes of an overturned one alone.
OUT_OF_ORDER = """
SELECT contest.id, contest.handoff_id, contest.at, handoff.closed_at FROM sla_contest AS contest
JOIN sla_handoff AS handoff ON handoff.id = contest.handoff_id
WHERE handoff.state <> 'rejected' OR handoff.closed_at IS NULL OR contest.at < handoff.closed_at
"""
STILL_COUNTS = """
SELECT contest.id, outcome.id AS outcome FROM sla_contest AS contest
JOIN sla_handoff AS handoff ON handoff.id = contest.handoff_id
JOIN scoring_episode AS episode ON episode.id = handoff.episode_id
JOIN leads_outcome AS outcome ON outcome.matter = episode.public_id AND outcome.kind = 'rejected'
  AND outcome.via = 'verdict' AND outcome.withdrawn_at IS NULL
WHERE contest.decision = 'overturned'
  AND NOT EXISTS (SELECT 1 FROM sla_handoff AS later WHERE later.episode_id = episode.id AND later.hop > handoff.hop
                  AND later.state = 'rejected')
"""
NOT_REOPENED = """
SELECT contest.id, contest.became FROM sla_contest AS contest
JOIN sla_handoff AS handoff ON handoff.id = contest.handoff_id
LEFT JOIN sla_handoff AS hop ON hop.id = contest.hop_id
WHERE contest.became IN ('offered', 'waits') AND (
    (hop.id IS NOT NULL AND (hop.episode_id <> handoff.episode_id OR hop.hop <= handoff.hop))
    OR NOT EXISTS (SELECT 1 FROM scoring_episodechange AS change WHERE change.episode_id = handoff.episode_id
                   AND change.what = 'reopened' AND change.at = contest.decided_at))
"""

CHECKS: list[Check] = [
    Check(
        2,
        "only rejections are contested",
        "A contested hand-off was rejected before it was contested.",
        ask(OUT_OF_ORDER, "Contest {id} of {at} is of hand-off {handoff_id}, which was closed at {closed_at}."),
    ),
    Check(
        2,
        "what was overturned counts no more",
        "The Outcome of an overturned rejection is withdrawn.",
        ask(STILL_COUNTS, "Contest {id} is overturned, and outcome {outcome} still counts."),
    ),
    Check(
        2,
        "what was overturned opened again",
        "Where the lead was to be offered again, its matter was opened again then, and the offer is a later hop of it.",
        ask(NOT_REOPENED, "Contest {id} became {became!r}, and its matter says nothing of it."),
    ),
]
