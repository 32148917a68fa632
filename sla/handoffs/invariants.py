"""What must hold of matters with more than one person in them, of signals, and of what a board reads."""

from __future__ import annotations

from leads.invariants import Check, ask

# Who joined stands where the matter stands: accepted of one is accepted of all; only a hop leaves SAL alone.
COLLEAGUES = """
SELECT member.lead_id, lead.stage, episode.id, episode.phase FROM scoring_episodemember AS member
JOIN scoring_episode AS episode ON episode.id = member.episode_id AND episode.closed_at IS NULL
JOIN leads_lead AS lead ON lead.id = member.lead_id
LEFT JOIN sla_handoff AS handoff ON handoff.episode_id = episode.id AND handoff.state IN ('offered', 'accepted')
WHERE member.left_at IS NULL AND member.lead_id <> episode.lead_id
  AND (episode.lane = 'signal' OR (episode.phase = 'accepted') > (lead.stage = 'SAL')
       OR lead.holder_id IS DISTINCT FROM handoff.user_id)
"""
COUNTED_TWICE = """
SELECT matter, kind, count(*) AS times FROM leads_outcome
WHERE via = 'verdict' AND withdrawn_at IS NULL AND NOT is_colleague AND matter IS NOT NULL
GROUP BY matter, kind HAVING count(*) > 1
"""
SIGNAL_MOVED = """
SELECT episode.id, 'an Outcome' AS what FROM scoring_episode AS episode
JOIN leads_outcome AS outcome ON outcome.matter = episode.public_id WHERE episode.lane = 'signal'
UNION ALL
SELECT episode.id, 'colleagues' FROM scoring_episode AS episode
JOIN scoring_episodemember AS member ON member.episode_id = episode.id
LEFT JOIN leads_lead AS lead ON lead.id = member.lead_id
WHERE episode.lane = 'signal' AND member.lead_id <> episode.lead_id AND lead.merged_into_id IS NULL
UNION ALL
SELECT episode.id, 'a stage or a rest' FROM scoring_episode AS episode
JOIN sla_handoff AS handoff ON handoff.episode_id = episode.id
JOIN sla_handoffchange AS change ON change.handoff_id = handoff.id
WHERE episode.lane = 'signal' AND change.before ? 'lead' AND change.before -> 'lead' <> change.before -> 'lead_after'
"""
NEXT_DUE = """
SELECT handoff.id, handoff.next_due_at, running.due_at FROM sla_handoff AS handoff
LEFT JOIN (SELECT handoff_id, min(due_at) AS due_at FROM sla_clock WHERE verdict = '' GROUP BY handoff_id) AS running
    ON running.handoff_id = handoff.id
WHERE handoff.next_due_at IS DISTINCT FROM running.due_at
"""

# Who is asked to close stands behind a sales leg that was converted, at SQL with all who joined, and answers at once:
# no closing leg stays accepted.
CLOSING = """
SELECT leg.id, 'follows no converted sales leg' AS what FROM sla_handoff AS leg
WHERE leg.leg = 'closing' AND NOT EXISTS (
    SELECT 1 FROM sla_handoff AS sales JOIN sla_handoffchange AS change ON change.handoff_id = sales.id
    WHERE sales.episode_id = leg.episode_id AND sales.leg = 'sales' AND sales.hop < leg.hop
      AND change.to_state = 'converted' AND change.at <= leg.offered_at)
UNION ALL
SELECT leg.id, 'stays ' || leg.state FROM sla_handoff AS leg WHERE leg.leg = 'closing' AND leg.state = 'accepted'
UNION ALL
SELECT leg.id, 'is on offer while a lead of the matter stands at ' || lead.stage FROM sla_handoff AS leg
JOIN scoring_episodemember AS member ON member.episode_id = leg.episode_id AND member.left_at IS NULL
JOIN leads_lead AS lead ON lead.id = member.lead_id
WHERE leg.leg = 'closing' AND leg.state = 'offered' AND lead.stage <> 'SQL'
UNION ALL
SELECT leg.id, 'has a clock of ' || clock.target FROM sla_handoff AS leg
JOIN sla_clock AS clock ON clock.handoff_id = leg.id AND clock.target <> 'accept' WHERE leg.leg = 'closing'
"""
ASKED_BY_NOBODY = """
SELECT episode.id, lead.id AS lead_id FROM scoring_episode AS episode
JOIN scoring_episodemember AS member ON member.episode_id = episode.id AND member.left_at IS NULL
JOIN leads_lead AS lead ON lead.id = member.lead_id AND lead.stage = 'SQL'
WHERE episode.closed_at IS NULL AND episode.lane <> 'signal' AND NOT EXISTS (
    SELECT 1 FROM sla_handoff AS leg
    WHERE leg.episode_id = episode.id AND leg.leg = 'closing' AND leg.state = 'offered')
"""

CHECKS: list[Check] = [
    Check(
        2,
        "closing legs follow sales legs",
        "A closing leg follows a converted sales leg; on offer its matter stands at SQL, and accepting ends it.",
        ask(CLOSING, "Closing leg {id} {what}."),
    ),
    Check(
        2,
        "converted matters are open only for a next owner",
        "A lead at SQL is in an open matter only while a next owner is asked.",
        ask(ASKED_BY_NOBODY, "Lead {lead_id} stands at SQL in the open episode {id}, and no next owner is asked."),
    ),
    Check(
        3,
        "hand-offs know what is due next",
        "A hand-off's next due instant is that of the nearest of its running clocks, or none.",
        ask(NEXT_DUE, "Hand-off {id} says {next_due_at}; the nearest of its running clocks is due {due_at}."),
    ),
    Check(
        2,
        "colleagues stand where the matter stands",
        "Who joined a matter is at SAL where it is accepted, and held by whoever has it.",
        ask(COLLEAGUES, "Lead {lead_id} at {stage} has joined episode {id}, which is {phase!r}."),
    ),
    Check(
        2,
        "a matter is counted once",
        "Of the outcomes of one matter one of each kind is the principal's; the others followed.",
        ask(COUNTED_TWICE, "Matter {matter} has {times} {kind} outcomes that count."),
    ),
    Check(
        2,
        "signals move nothing",
        "A signal moves no stage, ends no rest, writes no Outcome, and has no colleagues.",
        ask(SIGNAL_MOVED, "Signal {id} has {what}."),
    ),
]
