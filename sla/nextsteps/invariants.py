"""What must hold of next steps and snoozes on any database."""

from __future__ import annotations

from leads.invariants import Check, ask

UNKEPT = """
SELECT handoff.id, handoff.next_step_at, last.step_at FROM sla_handoff AS handoff
LEFT JOIN (SELECT DISTINCT ON (handoff_id) * FROM sla_nextstepchange ORDER BY handoff_id, id DESC) AS last
  ON last.handoff_id = handoff.id
WHERE (handoff.next_step_at, handoff.next_step, handoff.next_step_is_own, handoff.snoozed_until) IS DISTINCT FROM
      (last.step_at, coalesce(last.step, ''), coalesce(last.is_own, false), last.snoozed_until)
"""
# A warning that was due when runclock came by late is no longer ahead; what is ahead must not be slept through.
SLEPT_THROUGH = """
SELECT handoff.id, handoff.snoozed_until, min(clock.next_step_at) AS warns_at FROM sla_handoff AS handoff
JOIN sla_clock AS clock ON clock.handoff_id = handoff.id AND clock.verdict = ''
WHERE handoff.state IN ('offered', 'accepted')
GROUP BY handoff.id, handoff.snoozed_until HAVING handoff.snoozed_until > min(clock.next_step_at)
"""

CHECKS: list[Check] = [
    Check(
        2,
        "next steps are history",
        "A hand-off's next step and snooze are what the newest row of their history says.",
        ask(UNKEPT, "Hand-off {id} has its next step at {next_step_at}; its history ends in {step_at}."),
    ),
    Check(
        4,
        "nothing sleeps through a warning",
        "No row is out of sight past the next warning of its clocks.",
        ask(SLEPT_THROUGH, "Hand-off {id} is snoozed until {snoozed_until}, past its warning at {warns_at}."),
    ),
]
