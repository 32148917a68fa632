"""What must hold on any database, as far as the ground floor knows: each check names what breaks it.

The floors above have their own; `manage.py check_invariants` runs them all. Numbers are those of the design.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from leads.lifecycle import LEGAL


@dataclass(frozen=True)
class Check:
    """One question to the database; `find` answers with a sentence for each row that breaks the invariant."""

    number: int
    name: str
    sentence: str
    find: Callable[[], Iterable[str]]


@dataclass(frozen=True)
class Question:
    """A check in SQL: the rows it returns break the invariant, and fill the sentence by their column names."""

    sql: str
    sentence: str
    params: Sequence[Any] = ()

    def __call__(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.params or None)
            names = [column.name for column in cursor.description]
            return [self.sentence.format(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


ask = Question


STAGE_GAPS = """
SELECT lead_id, from_stage, before FROM (
    SELECT lead_id, from_stage, lag(to_stage) OVER (PARTITION BY lead_id ORDER BY id) AS before
    FROM leads_stagechange) AS chain
WHERE before <> from_stage
"""
STAGE_ENDS = """
SELECT lead.id AS lead_id, lead.stage, last.to_stage, lead.stage_at, last.at
FROM leads_lead AS lead
JOIN (SELECT DISTINCT ON (lead_id) lead_id, to_stage, at FROM leads_stagechange ORDER BY lead_id, id DESC) AS last
  ON last.lead_id = lead.id
WHERE lead.stage <> last.to_stage OR lead.stage_at <> last.at
"""
BACKWARDS = """
SELECT '{table}' AS history, {of} AS subject, at, before FROM (
    SELECT {of}, at, lag(at) OVER (PARTITION BY {of} ORDER BY id) AS before FROM {table}) AS chain
WHERE at < before
"""
RUNS_BACKWARDS = "Times run backwards in {history} of {subject}: {at} follows {before}."
REST_ENDS = """
SELECT lead.id AS lead_id FROM leads_lead AS lead
JOIN (SELECT DISTINCT ON (lead_id) * FROM leads_restchange ORDER BY lead_id, id DESC) AS last ON last.lead_id = lead.id
WHERE (lead.rest_until, lead.evidence_from, lead.callback_at)
      IS DISTINCT FROM (last.rest_until, last.evidence_from, last.callback_at)
"""
HOLDER_ENDS = """
SELECT lead.id AS lead_id FROM leads_lead AS lead
LEFT JOIN (SELECT DISTINCT ON (lead_id) * FROM leads_holderchange ORDER BY lead_id, id DESC) AS last
  ON last.lead_id = lead.id
WHERE (lead.holder_id, lead.holder_team_id) IS DISTINCT FROM (last.holder_id, last.team_id)
"""
TAKEN_TWICE = """
SELECT source_id, message_id, count(*) AS times FROM (
    SELECT source_id, message_id FROM leads_activity
    UNION ALL SELECT source_id, message_id FROM leads_anonymousactivity) AS taken
GROUP BY source_id, message_id HAVING count(*) > 1
"""
WITHOUT_RECEIPT = """
SELECT taken.kind, taken.id FROM (
    SELECT 'Activity' AS kind, id, source_id, message_id FROM leads_activity
    UNION ALL SELECT 'Anonymous activity', id, source_id, message_id FROM leads_anonymousactivity) AS taken
JOIN leads_source AS source ON source.id = taken.source_id AND source.kind <> 'import'
LEFT JOIN leads_receipt AS receipt
  ON receipt.source_id = taken.source_id AND receipt.message_id = taken.message_id
WHERE receipt.message_id IS NULL
"""
# What waits for a relay or an endpoint that fails may be older than what was settled since.
NEVER_ENDS = """
SELECT message.id, message.state FROM leads_notification AS message
LEFT JOIN leads_endpoint AS endpoint ON endpoint.id = message.endpoint_id
LEFT JOIN leads_mailrelay AS relay ON message.endpoint_id IS NULL
WHERE message.state NOT IN ('queued', 'sending', 'sent', 'dead', 'unknown', 'cancelled', 'digested')
   OR (message.state IN ('queued', 'sending')) <> (message.settled_at IS NULL)
   OR (message.state IN ('queued', 'sending')
       AND coalesce(endpoint.failures, relay.failures, 0) = 0
       AND message.not_before < (SELECT max(settled_at) FROM leads_notification) - interval '1 day')
"""
UNTOLD_END = """
SELECT message.id, message.state, last.what FROM leads_notification AS message
LEFT JOIN LATERAL (SELECT what FROM leads_deliverystep AS step
                   WHERE step.notification_id = message.id ORDER BY id DESC LIMIT 1) AS last ON true
WHERE message.settled_at IS NOT NULL AND last.what IS DISTINCT FROM message.state
"""
CARRIED_NOWHERE = """
SELECT message.id, carrier.kind FROM leads_notification AS message
LEFT JOIN leads_notification AS carrier ON carrier.id = message.carrier_id
WHERE (message.state = 'digested') <> (message.carrier_id IS NOT NULL)
   OR carrier.kind <> 'digest' OR carrier.recipient_id <> message.recipient_id
"""
KEY_TWICE = """
SELECT effect_key, count(*) AS times FROM leads_notification GROUP BY effect_key HAVING count(*) > 1
"""
STANDS_ON_TOMBSTONE = """
SELECT lead.id AS lead_id FROM leads_lead AS lead
WHERE (lead.merged_into_id IS NOT NULL OR lead.erased_at IS NOT NULL)
  AND (EXISTS (SELECT 1 FROM leads_identity WHERE lead_id = lead.id) OR lead.holder_id IS NOT NULL)
"""


def _illegal_stages() -> Iterable[str]:
    """Moves of the history that no cause is entitled to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, lead_id, from_stage, to_stage, cause FROM leads_stagechange ORDER BY id")
        for number, lead_id, from_stage, to_stage, cause in cursor.fetchall():
            allowed = {str(to): {str(stage) for stage in stages} for to, stages in LEGAL.get(cause, {}).items()}
            if from_stage not in allowed.get(to_stage, set()):
                yield f"Lead {lead_id}: {from_stage} → {to_stage} by {cause!r} is no legal move (row {number})."


CHECKS: list[Check] = [
    Check(
        2,
        "stage history gapless",
        "Every lead's stages follow one another without a gap.",
        ask(STAGE_GAPS, "Lead {lead_id} moves from {from_stage}, but stood at {before}."),
    ),
    Check(2, "stage history legal", "Every move of a stage is one its cause may make.", _illegal_stages),
    Check(
        2,
        "stage history ends in the state",
        "A lead stands where its last move brought it, since then.",
        ask(STAGE_ENDS, "Lead {lead_id} stands at {stage} since {stage_at}; its history ends in {to_stage} at {at}."),
    ),
    *(
        Check(
            2,
            f"times of {table} never run backwards",
            "History is written in the order of time.",
            ask(BACKWARDS.format(table=table, of="lead_id"), RUNS_BACKWARDS),
        )
        for table in ("leads_stagechange", "leads_restchange", "leads_holderchange")
    ),
    Check(
        2,
        "rests as their history says",
        "Rest, spent evidence and named date are those of the last row of their history.",
        ask(REST_ENDS, "Lead {lead_id} rests otherwise than its history says."),
    ),
    Check(
        2,
        "holders as their history says",
        "Who holds a lead is who the last row of its history names.",
        ask(HOLDER_ENDS, "Lead {lead_id} is held by another than its history says."),
    ),
    Check(
        2,
        "nothing stands on a tombstone",
        "Who was merged away or erased has no key and no holder.",
        ask(STANDS_ON_TOMBSTONE, "Lead {lead_id} was merged away or erased and still has a key or a holder."),
    ),
    Check(
        7,
        "taken in once",
        "What was acknowledged is stored once.",
        ask(TAKEN_TWICE, "Message {message_id} of source {source_id} is stored {times} times."),
    ),
    Check(
        7,
        "receipts for all",
        "Whatever came through a door has its receipt.",
        ask(WITHOUT_RECEIPT, "{kind} {id} has no receipt."),
    ),
    Check(
        10,
        "messages end",
        "Every message ends sent, dead, unknown, cancelled or in a digest.",
        ask(NEVER_ENDS, "Message {id} is {state} and does not end."),
    ),
    Check(
        10,
        "messages' history ends in the state",
        "What became of a message is the last row of its history.",
        ask(UNTOLD_END, "Message {id} is {state}; its history ends in {what}."),
    ),
    Check(
        10,
        "digests carry",
        "What went out in a digest names the digest of the same person that carried it.",
        ask(CARRIED_NOWHERE, "Message {id} is in no digest of its recipient."),
    ),
    Check(
        10,
        "one message per effect",
        "No two messages have the same effect key.",
        ask(KEY_TWICE, "{times} messages for {effect_key}."),
    ),
]
