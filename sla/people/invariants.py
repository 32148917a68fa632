"""What must hold of absences, of those who leave, and of what they leave behind, on any database."""

from __future__ import annotations

from leads.invariants import BACKWARDS, RUNS_BACKWARDS, Check, ask

NO_LOGIN = """
SELECT handoff.id, handoff.user_id FROM sla_handoff AS handoff
JOIN leads_user AS holder ON holder.id = handoff.user_id AND NOT holder.is_active
WHERE handoff.state IN ('offered', 'accepted')
"""
UNLIKE_HISTORY = """
SELECT absence.id FROM sla_absence AS absence
JOIN LATERAL (
    SELECT starts_at, ends_at, what FROM sla_absencechange AS change
    WHERE change.absence = absence.public_id ORDER BY change.id DESC LIMIT 1
) AS last ON (last.starts_at, last.ends_at) IS DISTINCT FROM (absence.starts_at, absence.ends_at)
    OR last.what = 'cancelled'
"""
BEGUN_UNTOLD = """
SELECT absence.id FROM sla_absence AS absence
WHERE (absence.begun_at IS NOT NULL) IS DISTINCT FROM EXISTS (
    SELECT 1 FROM sla_absencechange AS change WHERE change.absence = absence.public_id AND change.what = 'begun')
"""
SOMEBODY_ELSES = """
SELECT left_behind.id, left_behind.handoff_id FROM sla_leftbehind AS left_behind
JOIN sla_handoff AS handoff ON handoff.id = left_behind.handoff_id
JOIN sla_absence AS absence ON absence.id = left_behind.absence_id
JOIN sla_rep AS rep ON rep.id = absence.rep_id
WHERE rep.user_id <> handoff.user_id OR absence.begun_at IS NULL AND left_behind.settled_at IS NOT NULL
"""

CHECKS = [
    Check(
        1,
        "open hand-offs have somebody who can log in",
        "No open hand-off is with somebody whose log-in is closed.",
        ask(NO_LOGIN, "Hand-off {id} is open with user {user_id}, who can't log in."),
    ),
    Check(
        2,
        "absences are as their history says",
        "An absence stands as its last change left it; what was cancelled is gone.",
        ask(UNLIKE_HISTORY, "Absence {id} is not what its last change made of it."),
    ),
    Check(
        2,
        "absences begin in their history",
        "Each absence whose beginning was acted on has it in its history, and no other has.",
        ask(BEGUN_UNTOLD, "Absence {id} has begun without a row that says so, or the other way round."),
    ),
    Check(
        2,
        "times of sla_absencechange never run backwards",
        "History is written in the order of time.",
        ask(BACKWARDS.format(table="sla_absencechange", of="absence"), RUNS_BACKWARDS),
    ),
    Check(
        3,
        "what is left behind is of who is away",
        "A hand-off is left behind by the one who has it.",
        ask(SOMEBODY_ELSES, "Row {id} says that hand-off {handoff_id} was left behind by somebody who never had it."),
    ),
]
