"""What must hold of orders to release."""

from __future__ import annotations

from leads.invariants import Check, ask

DAYS = """
SELECT day.order_id, day.date, day.quota, day.released, count(made.id) AS made FROM sla_releaseday AS day
LEFT JOIN sla_orderedrelease AS made ON made.order_id = day.order_id AND made.date = day.date AND made.passed_over = ''
GROUP BY day.id HAVING day.released <> count(made.id) OR day.released > day.quota
"""
UNRELEASED = """
SELECT made.order_id, made.qualification_id FROM sla_orderedrelease AS made
JOIN scoring_qualification AS standing ON standing.id = made.qualification_id
WHERE made.passed_over = '' AND (standing.waiting OR made.date IS NULL)
"""

CHECKS: list[Check] = [
    Check(
        8,
        "orders release what a day allows",
        "What an order released on a day is what that day counts, and no more than its number.",
        ask(DAYS, "Order {order_id} released {made} on {date}; that day says {released} of {quota}."),
    ),
    Check(
        8,
        "what was released by order waits no more",
        "A lead that an order released no longer stands.",
        ask(UNRELEASED, "Order {order_id} released qualification {qualification_id}, which still waits."),
    ),
]
