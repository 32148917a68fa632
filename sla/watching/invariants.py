"""What must hold of the canaries on any database."""

from __future__ import annotations

from leads.invariants import Check, ask

UNTOLD = """
SELECT canary.id, canary.fired_at FROM sla_canary AS canary
WHERE canary.fired_at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM leads_notification WHERE effect_key = 'canary:' || canary.id)
"""

CHECKS = [
    Check(
        4,
        "canaries are told of",
        "Each canary that fired has its message in the outbox.",
        ask(UNTOLD, "Canary {id} fired at {fired_at} and no message says so."),
    )
]
