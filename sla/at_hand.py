"""The clocks of a list, each with what its timer is told from: one question for all, where each relation would ask one.

A timer needs the timing that counts, what the policy is called, and when the clock stood still; nothing else is read.
Inbox and board ask this at every look, so it is written down, and not put together anew each time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.db import connection

from sla.models import Clock, ClockPause, ClockTiming, Handoff

# In the order in which the model has them.
OF_A_CLOCK: Final = ("episode_id", "handoff_id", "target", "started_at", "due_at", "met_at", "voided_at", "verdict")
TIMED: Final = """
SELECT DISTINCT ON (timing.clock_id) timing.id, timing.clock_id, timing.number, timing.start_at,
    timing.budget_seconds, timing.business_days, timing.calendar_versions, policy.name AS policy_name,
    version.number AS policy_number, handoff.user_id AS holder_id,
    EXISTS (SELECT FROM sla_clockpause AS pause WHERE pause.clock_id = clock.id) AS is_paused,
    clock.handoff_id, clock.episode_id, clock.target, clock.verdict, clock.started_at,
    clock.due_at AS clock_due_at, clock.met_at, clock.voided_at
FROM sla_clock AS clock LEFT JOIN sla_handoff AS handoff ON handoff.id = clock.handoff_id
JOIN sla_clocktiming AS timing ON timing.clock_id = clock.id
JOIN sla_policyversion AS version ON version.id = timing.policy_version_id
JOIN sla_policy AS policy ON policy.id = version.policy_id
WHERE {which} ORDER BY timing.clock_id, timing.number DESC
"""
# Of what runs, the clock due next; of what nothing runs, how its clocks ended.
OF_HANDOFFS: Final = TIMED.format(
    which="clock.handoff_id = ANY(%(asked)s) AND (clock.verdict = '' AND clock.due_at = handoff.next_due_at "
    "OR handoff.next_due_at IS NULL AND clock.verdict IN ('met', 'missed'))"
)
OF_PEOPLE: Final = TIMED.format(
    which="clock.verdict = '' AND clock.due_at = ANY(%(dues)s) AND handoff.user_id = ANY(%(asked)s)"
)
OF_WAITING: Final = TIMED.format(
    which="clock.verdict = '' AND clock.target = 'assign' AND clock.episode_id = ANY(%(asked)s)"
)


def bring_clocks(handoffs: Collection[Handoff]) -> None:
    """Give these hand-offs the clocks from which their timers are told."""
    of: dict[int, list[Clock]] = {handoff.pk: [] for handoff in handoffs}
    for _, clock in _timed(OF_HANDOFFS, asked=list(of)) if of else ():
        if clock.handoff_id is not None:
            of[clock.handoff_id].append(clock)
    for handoff in handoffs:
        vars(handoff)["clocks_at_hand"] = of[handoff.pk]


def nearest_of_people(dues: dict[int, datetime]) -> dict[int, Clock]:
    """Of each of these users, by id, the running clock that is due at the instant known to be their nearest."""
    if not dues:
        return {}
    found = _timed(OF_PEOPLE, asked=list(dues), dues=list(dues.values()))
    return {holder: clock for holder, clock in reversed(found) if clock.due_at == dues[holder]}


def assigning(episode_ids: Iterable[int]) -> list[Clock]:
    """The running clocks of these episodes in which somebody is to be found."""
    return [clock for _, clock in _timed(OF_WAITING, asked=list(episode_ids))]


def _timed(sql: str, **asked: Any) -> list[tuple[int, Clock]]:
    """The clocks a question finds, the oldest first, each beside whoever has it."""
    timings: list[Any] = list(ClockTiming.objects.raw(sql, asked))
    found = [(timing.holder_id, _clock(timing)) for timing in timings]
    paused = {timing.clock_id: clock for timing, (_, clock) in zip(timings, found, strict=True) if timing.is_paused}
    if paused:
        for pause in ClockPause.objects.filter(clock__in=list(paused)).select_related("by", "ended_by"):
            vars(paused[pause.clock_id])["pauses_at_hand"].append(pause)
    return found


def _clock(timing: Any) -> Clock:
    values = [getattr(timing, "clock_due_at" if field == "due_at" else field) for field in OF_A_CLOCK]
    clock = Clock.from_db(connection.alias, ("id", *OF_A_CLOCK), [timing.clock_id, *values])
    timing.clock = clock
    vars(clock).update(timings_at_hand=[timing], pauses_at_hand=[])
    return clock
