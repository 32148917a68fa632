"""What must hold of promises on any database: hand-offs, clocks, steps and traces."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

from leads.invariants import BACKWARDS, RUNS_BACKWARDS, Check, ask
from leads.models import Notification
from scoring.models import Episode, Phase
from sla import clocks
from sla.clocks import hops, policies, targets
from sla.contests import invariants as contests
from sla.handoffs import invariants as matters
from sla.models import LEGAL_MOVES, OPEN_STATES, Clock, ClockStep, Handoff, State, Target
from sla.nextsteps import invariants as next_steps
from sla.people import invariants as people
from sla.publishing import invariants as versions
from sla.releasing import invariants as releasing
from sla.routing import invariants as routing
from sla.shadow import invariants as shadow
from sla.shadow import standing
from sla.watching import invariants as watching

Row = TypeVar("Row")

TWO_OPEN = """
SELECT episode_id, count(*) AS times FROM sla_handoff WHERE state IN ('offered', 'accepted')
GROUP BY episode_id HAVING count(*) > 1
"""
INACTIVE = """
SELECT handoff.id, handoff.user_id FROM sla_handoff AS handoff
LEFT JOIN sla_rep AS rep ON rep.user_id = handoff.user_id AND rep.is_active
WHERE handoff.state IN ('offered', 'accepted') AND rep.id IS NULL AND handoff.lane <> 'signal'
"""
MOVE_GAPS = """
SELECT handoff_id, from_state, before FROM (
    SELECT handoff_id, from_state, coalesce(lag(to_state) OVER (PARTITION BY handoff_id ORDER BY id), '') AS before
    FROM sla_handoffchange) AS chain
WHERE before <> from_state
"""
MOVE_ENDS = """
SELECT handoff.id, handoff.state, handoff.version, last.to_state, last.moves FROM sla_handoff AS handoff
LEFT JOIN (
    SELECT DISTINCT ON (handoff_id) handoff_id, to_state, count(*) OVER (PARTITION BY handoff_id) AS moves
    FROM sla_handoffchange ORDER BY handoff_id, id DESC) AS last ON last.handoff_id = handoff.id
WHERE (handoff.state, handoff.version) IS DISTINCT FROM (last.to_state, last.moves::int)
"""
PHASES = """
SELECT episode.id, episode.phase, handoff.state FROM scoring_episode AS episode
LEFT JOIN sla_handoff AS handoff ON handoff.episode_id = episode.id AND handoff.state IN ('offered', 'accepted')
WHERE episode.phase <> CASE WHEN episode.closed_at IS NOT NULL AND handoff.id IS NULL THEN ''
                            ELSE coalesce(handoff.state, 'waiting') END
"""
RUNS_ON = """
SELECT clock.id, clock.target FROM sla_clock AS clock
JOIN scoring_episode AS episode ON episode.id = clock.episode_id
LEFT JOIN sla_handoff AS handoff ON handoff.id = clock.handoff_id
WHERE clock.verdict = '' AND (
    (clock.handoff_id IS NULL AND episode.phase <> 'waiting')
    OR (clock.handoff_id IS NOT NULL AND handoff.state NOT IN ('offered', 'accepted'))
    OR (clock.target = 'accept' AND handoff.state <> 'offered'))
"""
TWICE = """
SELECT episode_id, target, count(*) AS times FROM sla_clock WHERE verdict = ''
GROUP BY episode_id, handoff_id, target HAVING count(*) > 1
"""
CAUSE_TWICE = """
SELECT episode_id, target, cause, count(*) AS times FROM sla_clock
GROUP BY episode_id, handoff_id, target, cause HAVING count(*) > 1
"""
TOO_EARLY = "SELECT id, clock_id, fired_at, due_at FROM sla_clockstep WHERE fired_at < due_at"
STEP_TWICE = "SELECT clock_id, key, count(*) AS times FROM sla_clockstep GROUP BY clock_id, key HAVING count(*) > 1"
BREACHES = """
SELECT clock.id FROM sla_clock AS clock
WHERE (clock.breached_at IS NOT NULL OR clock.verdict = 'missed')
  AND NOT EXISTS (SELECT 1 FROM sla_clockstep AS step WHERE step.clock_id = clock.id AND step.key = 'breach')
"""
VERDICTS = """
SELECT id, verdict FROM sla_clock
WHERE verdict <> CASE
    WHEN met_at IS NOT NULL THEN CASE WHEN met_at <= due_at THEN 'met' ELSE 'missed' END
    WHEN voided_at IS NOT NULL THEN CASE WHEN voided_at <= due_at THEN 'voided' ELSE 'missed' END
    ELSE '' END
"""
# A hop that a manager reopened was routed by nobody.
UNTRACED = """
SELECT handoff.id FROM sla_handoff AS handoff
LEFT JOIN sla_routingtrace AS trace ON trace.handoff_id = handoff.id
WHERE NOT EXISTS (SELECT 1 FROM sla_handoffchange AS change
                  WHERE change.handoff_id = handoff.id AND change.from_state = '' AND change.why = 'reopened')
  AND (trace.handoff_id IS NULL OR NOT (trace.trace ?& ARRAY['rules', 'chosen', 'next', 'others'])
       OR (trace.trace #>> '{chosen,user}') IS DISTINCT FROM handoff.user_id::text
       OR EXISTS (SELECT 1 FROM jsonb_array_elements(trace.trace -> 'others') AS other
                  WHERE coalesce(other ->> 'code', '') = ''))
"""
OVERLOADED = """
SELECT handoff.id, trace.trace #>> '{chosen,load}' AS load, trace.trace #>> '{chosen,capacity}' AS capacity
FROM sla_handoff AS handoff JOIN sla_routingtrace AS trace ON trace.handoff_id = handoff.id
WHERE (trace.trace #>> '{chosen,load}')::int >= (trace.trace #>> '{chosen,capacity}')::int
  AND NOT EXISTS (SELECT 1 FROM sla_capacityoverride AS override WHERE override.handoff_id = handoff.id)
"""
AT_REST = """
SELECT handoff.id, episode.lead_id, rest.rest_until FROM sla_handoff AS handoff
JOIN scoring_episode AS episode ON episode.id = handoff.episode_id AND episode.opened_by NOT IN ('hand_raise', 'date')
  AND episode.lane = 'normal'
JOIN LATERAL (
    SELECT rest_until FROM leads_restchange AS change
    WHERE change.lead_id = episode.lead_id
      AND (change.at < handoff.offered_at OR (change.at = handoff.offered_at AND change.cause = 'overturned'))
    ORDER BY change.id DESC LIMIT 1
) AS rest ON rest.rest_until > handoff.offered_at
WHERE NOT EXISTS (SELECT 1 FROM scoring_episodechange AS change
                  WHERE change.episode_id = episode.id AND change.what = 'hand_raised')
  AND NOT EXISTS (SELECT 1 FROM sla_handoffchange AS change
                  WHERE change.handoff_id = handoff.id AND change.why = 'reopened')
"""
ILLEGAL = """
SELECT id, handoff_id, from_state, to_state FROM sla_handoffchange
WHERE (from_state, to_state, is_undo) NOT IN (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::boolean[]))
"""


def _without_clock() -> Iterable[str]:
    """Where a promise stands and no clock was started for it."""
    waiting = Episode.objects.filter(phase=Phase.WAITING).exclude(standing.on_paper())
    for episode in waiting.select_related("lead__account", "definition"):
        runs = Clock.objects.filter(episode=episode, target=Target.ASSIGN, verdict="").exists()
        version = targets.policy(episode, episode.lead) if not runs else None
        if version is not None and policies.target_for(version, Target.ASSIGN, policies.heat_of(episode)):
            yield f"Episode {episode.pk} waits, and no assign clock runs."
    for handoff in Handoff.objects.filter(state__in=OPEN_STATES).prefetch_related("clocks"):
        wanted = [*hops.on_offer(handoff), *(hops.on_accept(handoff) if handoff.state == State.ACCEPTED else ())]
        for target in wanted:
            has = [clock for clock in handoff.clocks.all() if clock.target == target]
            if target == Target.ACCEPT:
                has = [clock for clock in has if clock.is_running]
            if not has and policies.target_for(handoff.policy_version, target, policies.heat_of(handoff)):
                yield f"Hand-off {handoff.pk} is {handoff.state}, and no {target} clock was started."


def _untold() -> Iterable[str]:
    """Steps that told somebody, without the message."""
    steps = ClockStep.objects.exclude(step=None).order_by("pk").values_list("pk", "clock_id", "detail")
    for page in batched(steps.iterator(chunk_size=500), 500):
        told = {key for _, _, detail in page for key in detail.get("told", [])}
        there = set(Notification.objects.filter(effect_key__in=told).values_list("effect_key", flat=True))
        for step_id, clock_id, detail in page:
            for key in detail.get("told", []):
                if key not in there:
                    yield f"Step {step_id} of clock {clock_id} told nobody: there is no message {key}."


def batched(rows: Iterable[Row], size: int) -> Iterable[list[Row]]:
    """The rows in lists of at most so many."""
    source = iter(rows)
    while page := list(islice(source, size)):
        yield page


def _miscounted() -> Iterable[str]:
    """Clocks whose due instant does not come out again from the inputs of their last timing."""
    for clock in Clock.objects.prefetch_related("timings", "pauses").iterator(chunk_size=500):
        timings = sorted(clock.timings.all(), key=lambda timing: timing.number)
        if not timings:
            yield f"Clock {clock.pk} has no timing."
            continue
        counted = clocks.recompute(clock)
        if counted != clock.due_at:
            yield f"Clock {clock.pk} is due {clock.due_at}; counted again it is {counted}."


CHECKS: list[Check] = [
    *versions.CHECKS,
    *routing.CHECKS,
    *releasing.CHECKS,
    Check(
        1,
        "one open hand-off per episode",
        "An episode has at most one open hand-off.",
        ask(TWO_OPEN, "Episode {episode_id} has {times} open hand-offs."),
    ),
    Check(
        1,
        "open hand-offs have an active rep",
        "No open hand-off belongs to an inactive rep, save signals, which anyone may have.",
        ask(INACTIVE, "Hand-off {id} is open with user {user_id}, who is no active rep."),
    ),
    Check(
        2,
        "hand-off history gapless",
        "A hand-off's moves follow one another without a gap, from its offer on.",
        ask(MOVE_GAPS, "Hand-off {handoff_id} moves from {from_state!r}, but was {before!r}."),
    ),
    Check(
        2,
        "hand-off history legal",
        "Every move stands in the table of legal moves.",
        ask(
            ILLEGAL,
            "Hand-off {handoff_id}: {from_state!r} → {to_state!r} is no legal move (row {id}).",
            [list(column) for column in zip(*((str(a), str(b), c) for a, b, c in LEGAL_MOVES), strict=True)],
        ),
    ),
    Check(
        2,
        "hand-off history ends in the state",
        "A hand-off is what its last move made it, and its version counts its moves.",
        ask(MOVE_ENDS, "Hand-off {id} is {state} v{version}; its history ends in {to_state} after {moves} moves."),
    ),
    Check(
        2,
        "times of sla_handoffchange never run backwards",
        "History is written in the order of time.",
        ask(BACKWARDS.format(table="sla_handoffchange", of="handoff_id"), RUNS_BACKWARDS),
    ),
    Check(
        3,
        "phases equal hand-offs",
        "An open episode's phase is its open hand-off's state, else waiting; an ended one has neither.",
        ask(PHASES, "Episode {id} is {phase!r}; its open hand-off is {state}."),
    ),
    Check(
        3,
        "no clock runs on",
        "A clock runs only while what it belongs to is open.",
        ask(RUNS_ON, "Clock {id} ({target}) runs on."),
    ),
    Check(
        3,
        "one clock per target",
        "At most one clock of a target runs.",
        ask(TWICE, "Episode {episode_id} has {times} running {target} clocks."),
    ),
    Check(
        3,
        "one clock per cause",
        "One cause starts one clock.",
        ask(CAUSE_TWICE, "Episode {episode_id} has {times} {target} clocks by {cause}."),
    ),
    Check(3, "promises have clocks", "Where a promise stands, its clock was started.", _without_clock),
    Check(
        4,
        "no step too early",
        "No step fires before it is due.",
        ask(TOO_EARLY, "Step {id} of clock {clock_id} fired at {fired_at}, before {due_at}."),
    ),
    Check(
        4,
        "one row per step",
        "Each fired step has one history row.",
        ask(STEP_TWICE, "Clock {clock_id} fired {key} {times} times."),
    ),
    Check(4, "steps that told", "Each step that told somebody has its message.", _untold),
    Check(
        4,
        "breaches are history",
        "Every missed clock has its breach in the history.",
        ask(BREACHES, "Clock {id} is past due without a breach in its history."),
    ),
    Check(5, "due instants recompute", "The stored due instant comes out again from its inputs.", _miscounted),
    Check(
        5,
        "verdicts are arithmetic",
        "A clock is met iff it was met no later than due.",
        ask(VERDICTS, "Clock {id} says {verdict!r}, which its times contradict."),
    ),
    Check(
        8,
        "offers are explained",
        "Every offer stores the rules tried, the chosen rep, the next and a reason for each other.",
        ask(UNTRACED, "Hand-off {id} does not say why its rep was chosen."),
    ),
    Check(
        8,
        "capacity holds",
        "Nobody is offered more than they have room for without a row that says why.",
        ask(OVERLOADED, "Hand-off {id} was offered at load {load} of {capacity} without an override."),
    ),
    Check(
        9,
        "nobody at rest is handed over",
        "A resting lead is handed over only after a hand-raise or on a named date.",
        ask(AT_REST, "Hand-off {id} was made while lead {lead_id} rested until {rest_until}."),
    ),
    *matters.CHECKS,
    *contests.CHECKS,
    *next_steps.CHECKS,
    *watching.CHECKS,
    *people.CHECKS,
    *shadow.CHECKS,
]
