"""What must hold of what stands on paper: nobody has it, nothing runs, nobody was told, and it counts again."""

from __future__ import annotations

from collections.abc import Iterable

from leads.invariants import Check, ask
from sla.models import PaperPromise
from sla.shadow import timing

WITH_SOMEBODY = """
SELECT paper.episode_id, episode.phase FROM sla_papermatter AS paper
JOIN scoring_episode AS episode ON episode.id = paper.episode_id
WHERE paper.ended_at IS NULL AND episode.phase <> 'waiting'
"""
RUNNING = """
SELECT clock.id, clock.episode_id FROM sla_clock AS clock
JOIN sla_papermatter AS paper ON paper.episode_id = clock.episode_id AND paper.ended_at IS NULL
WHERE clock.verdict = ''
"""
HANDED_OVER = """
SELECT paper.episode_id, handoff.id FROM sla_papermatter AS paper
JOIN sla_handoff AS handoff ON handoff.episode_id = paper.episode_id
WHERE handoff.offered_at < coalesce(paper.ended_at, 'infinity'::timestamptz)
"""
TOLD = """
SELECT paper.episode_id, note.id FROM sla_papermatter AS paper
JOIN scoring_episode AS episode ON episode.id = paper.episode_id
JOIN leads_notification AS note ON note.lead_id = episode.lead_id
  AND note.created_at > paper.began_at AND note.created_at < coalesce(paper.ended_at, 'infinity'::timestamptz)
"""
UNEXPLAINED = """
SELECT id FROM sla_paperoffer
WHERE NOT (trace ?& ARRAY['rules', 'chosen', 'next', 'others'])
   OR (trace #>> '{chosen,user}') IS DISTINCT FROM user_id::text
"""
OVERLOADED = """
SELECT id, trace #>> '{chosen,load}' AS load, trace #>> '{chosen,capacity}' AS capacity FROM sla_paperoffer
WHERE (trace #>> '{chosen,load}')::int >= (trace #>> '{chosen,capacity}')::int AND override = ''
"""
BACKWARDS = """
SELECT offer.id FROM sla_paperoffer AS offer JOIN sla_papermatter AS paper ON paper.id = offer.matter_id
WHERE offer.decided_at < paper.began_at OR offer.first_touched_at < offer.decided_at
   OR offer.answered_at < offer.decided_at OR paper.ended_at < paper.began_at
"""
ENDED_LOAD = """
SELECT offer.id FROM sla_paperoffer AS offer JOIN sla_papermatter AS paper ON paper.id = offer.matter_id
WHERE offer.settled_at IS NULL AND (paper.ended_at IS NOT NULL OR offer.first_touched_at IS NOT NULL)
"""


def _miscounted() -> Iterable[str]:
    for promise in PaperPromise.objects.iterator(chunk_size=500):
        counted = timing.recompute(promise)
        if counted != promise.due_at:
            yield f"Promise {promise.pk} on paper is due {promise.due_at}; counted again it is {counted}."


CHECKS: list[Check] = [
    Check(
        3,
        "on paper nobody has it",
        "What stands on paper waits.",
        ask(WITH_SOMEBODY, "Episode {episode_id} stands on paper, and is {phase}."),
    ),
    Check(
        3,
        "on paper nothing runs",
        "No clock of a matter runs while it stands on paper.",
        ask(RUNNING, "Clock {id} runs, and episode {episode_id} stands on paper."),
    ),
    Check(
        3,
        "on paper before anybody",
        "What was handed over once goes on live: nothing is on paper after a hand-off.",
        ask(HANDED_OVER, "Episode {episode_id} was on paper after hand-off {id}."),
    ),
    Check(
        4,
        "on paper nobody is told",
        "Nobody and no program hears of a lead while it stands on paper.",
        ask(TOLD, "Message {id} told somebody of episode {episode_id}, which stood on paper."),
    ),
    Check(5, "promises on paper recompute", "A due instant on paper comes out again from its inputs.", _miscounted),
    Check(
        5,
        "times on paper run forwards",
        "On paper, too, answers come after the offer.",
        ask(BACKWARDS, "The times of offer {id} on paper run backwards."),
    ),
    Check(
        8,
        "offers on paper are explained",
        "An offer on paper says why, as any other.",
        ask(UNEXPLAINED, "Offer {id} on paper does not say why its rep was chosen."),
    ),
    Check(
        8,
        "capacity holds on paper",
        "On paper, too, nobody gets more than they have room for without a reason.",
        ask(OVERLOADED, "Offer {id} on paper was made at load {load} of {capacity} without an override."),
    ),
    Check(
        8,
        "load on paper ends",
        "What was touched or ended is nobody's load on paper.",
        ask(ENDED_LOAD, "Offer {id} on paper is still a load."),
    ),
]
