"""The state of the house: facts out of one question to the database, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from leads.words import length

OK, DEGRADED, RED = "ok", "degraded", "red"
_ORDER: Final = (OK, DEGRADED, RED)

# Seconds. A clock that stops is red within a minute: half of it for the silence, the rest for who asks.
CLOCK_SILENT, SWEEP_SILENT, WORKER_SILENT = 30, 120, 120
CLOCK_LATE = CANARY_LATE = 45
UNARMED = 150
OUTBOX_LATE = 60
REFUSED_FOR = 600
MARKS_LATE, MARKS_STUCK = 60, 900

# Instants, or NULL. What waits is read off the indexes that the work itself reads; nothing is counted but what is due.
_FACTS: Final = """
SELECT
    (SELECT max(at) FROM sla_heartbeat WHERE part = 'clock') AS clock_at,
    (SELECT max(at) FROM sla_heartbeat WHERE part = 'sweep') AS sweep_at,
    (SELECT max(at) FROM sla_heartbeat WHERE part = 'worker') AS worker_at,
    (SELECT next_step_at FROM sla_clock WHERE next_step_at <= %(now)s AND verdict = '' AND held_back_at IS NULL
     ORDER BY next_step_at, id LIMIT 1) AS clock_due,
    (SELECT count(*) FROM sla_clock WHERE next_step_at <= %(now)s AND verdict = '' AND held_back_at IS NOT NULL)
        AS held_back,
    (SELECT count(*) FROM sla_absence WHERE starts_at <= %(now)s AND begun_at IS NULL AND held_back_at IS NOT NULL)
    + (SELECT count(*) FROM sla_leftbehind WHERE due_at <= %(now)s AND settled_at IS NULL AND held_back_at IS NOT NULL)
        AS absences_held_back,
    (SELECT max(armed_at) FROM sla_canary) AS canary_armed,
    (SELECT min(due_at) FROM sla_canary WHERE fired_at IS NULL) AS canary_due,
    (SELECT min(created_at) FROM leads_notification WHERE kind = 'canary' AND state = 'queued' AND endpoint_id IS NULL)
        AS canary_queued,
    (SELECT greatest(min(not_before), (SELECT held_until FROM leads_mailrelay)) FROM leads_notification
     WHERE state = 'queued' AND endpoint_id IS NULL AND not_before <= %(now)s) AS letter_due,
    (SELECT min(not_before) FROM leads_notification WHERE state = 'sending' AND not_before <= %(now)s) AS letter_stuck,
    (SELECT held_until FROM leads_mailrelay WHERE failures > 0 AND held_until > %(now)s) AS relay_held_until,
    (SELECT count(*) FROM leads_endpoint WHERE is_active AND held_until > %(now)s) AS endpoints_held,
    least(
        (SELECT min(created_at) FROM leads_notification
         WHERE state = 'queued' AND endpoint_id IS NULL AND attempts >= 3),
        (SELECT failing_since FROM leads_mailrelay WHERE failures > 0)) AS refused_since,
    (SELECT max(settled_at) FROM (SELECT settled_at, state, kind FROM leads_notification
     WHERE endpoint_id IS NULL ORDER BY id DESC LIMIT 500) r
     WHERE state = 'sent' AND kind <> 'canary') AS letter_sent,
    (SELECT min(since) FROM leads_awaitingassessment) AS mark_since
"""


@dataclass(frozen=True)
class Facts:
    """What the database tells: instants of last signs of life and of what waits longest, None where nothing does."""

    clock_at: datetime | None = None
    sweep_at: datetime | None = None
    worker_at: datetime | None = None
    clock_due: datetime | None = None
    held_back: int = 0
    absences_held_back: int = 0
    canary_armed: datetime | None = None
    canary_due: datetime | None = None
    canary_queued: datetime | None = None
    letter_due: datetime | None = None
    letter_stuck: datetime | None = None
    relay_held_until: datetime | None = None
    endpoints_held: int = 0
    refused_since: datetime | None = None
    letter_sent: datetime | None = None
    mark_since: datetime | None = None


@dataclass(frozen=True)
class Part:
    """How one part is: its state, why in a sentence, and its numbers in seconds."""

    name: str
    state: str
    says: str
    numbers: Mapping[str, int | None]


@dataclass(frozen=True)
class Health:
    """The whole house."""

    parts: tuple[Part, ...]

    def part(self, name: str) -> Part | None:
        return next((part for part in self.parts if part.name == name), None)

    @property
    def state(self) -> str:
        """Red where promises break. A worker that is away makes things late by seconds, since the clock process sweeps:
        alone it only degrades the whole."""
        states = [
            min(part.state, DEGRADED, key=_ORDER.index) if part.name == "worker" else part.state for part in self.parts
        ]
        return max(states, key=_ORDER.index)


def facts(*, now: datetime) -> Facts:
    """Ask the database, once. Raises DatabaseError where it is away."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"now": now})
        columns = [column.name for column in cursor.description]
        values: dict[str, Any] = dict(zip(columns, cursor.fetchone(), strict=True))
    return Facts(**values)


def examine(*, has_broker: bool, now: datetime) -> Health:
    """How the house is now. `has_broker`: whether Valkey answers, which the caller has tried."""
    return judge(facts(now=now), has_broker=has_broker, now=now)


def judge(known: Facts, *, has_broker: bool, now: datetime) -> Health:
    """What follows from the facts. Pure."""

    def age(at: datetime | None) -> int | None:
        return None if at is None else max(0, int((now - at).total_seconds()))

    return Health(
        (
            Part("web", OK, "Answers.", {}),
            _clock(known, age(known.clock_at), age(known.sweep_at), age),
            _worker(age(known.worker_at), has_broker=has_broker),
            _outbox(known, age),
            _assessment(age(known.mark_since)),
            Part(
                "broker",
                *(
                    (OK, "Answers.")
                    if has_broker
                    else (DEGRADED, "Valkey does not answer. The sweeps do the work, some seconds later.")
                ),
                {},
            ),
        )
    )


def _clock(known: Facts, silent: int | None, sweep: int | None, age: Any) -> Part:
    late, canary, armed = age(known.clock_due), age(known.canary_due), age(known.canary_armed)
    numbers = {
        "silent": silent,
        "sweeper_silent": sweep,
        "behind": late or 0,
        "canary_late": canary or 0,
        "held_back": known.held_back + known.absences_held_back,
    }
    state, says = OK, "Fires what is due."
    if silent is None:
        state, says = RED, "No clock process has ever run here. Start one: python manage.py runclock."
    elif silent > CLOCK_SILENT:
        state, says = (
            RED,
            f"No clock process has been heard of for {length(silent)}. Start one: python manage.py runclock.",
        )
    elif late is not None and late > CLOCK_LATE:
        state, says = RED, f"The longest due clock has waited for {length(late)}."
    elif canary is not None and canary > CANARY_LATE:
        state, says = RED, f"The canary is {length(canary)} late."
    elif sweep is None or sweep > SWEEP_SILENT:
        state, says = RED, "The sweeper of the clock process is silent: nothing that was left behind is taken up."
    elif armed is not None and armed > UNARMED:
        state, says = RED, f"No canary has been armed for {length(armed)}."
    elif known.held_back or known.absences_held_back:
        what = [
            f"{count} {noun}{'' if count == 1 else 's'}"
            for count, noun in ((known.held_back, "clock"), (known.absences_held_back, "absence or grace"))
            if count
        ]
        state, says = DEGRADED, f"Failed at their step and tried again each minute: {' and '.join(what)}."
    return Part("clock", state, says, numbers)


def _worker(silent: int | None, *, has_broker: bool) -> Part:
    numbers = {"silent": silent}
    if silent is not None and silent <= WORKER_SILENT:
        return Part("worker", OK, "Works.", numbers)
    if not has_broker:
        return Part(
            "worker", DEGRADED, "Without Valkey nothing reaches a worker; the clock process does its work.", numbers
        )
    said = "has ever run here" if silent is None else f"has been heard of for {length(silent)}"
    return Part("worker", RED, f"No worker {said}. The clock process does its work, some seconds later.", numbers)


def _outbox(known: Facts, age: Any) -> Part:
    waits = max(age(known.letter_due) or 0, age(known.canary_queued) or 0, age(known.letter_stuck) or 0)
    refused = age(known.refused_since)
    numbers = {"behind": waits, "refused_for": refused or 0, "endpoints_held": known.endpoints_held}
    state, says = OK, "Delivers."
    if waits > OUTBOX_LATE:
        state, says = RED, f"The longest due message has waited for {length(waits)}: nobody delivers."
    elif refused is not None and refused > REFUSED_FOR and not _left_since(known):
        state, says = RED, f"The mail server has taken nothing for {length(refused)}.{_on_hold(known)}"
    elif known.relay_held_until is not None:
        state, says = DEGRADED, f"The mail server fails.{_on_hold(known)}"
    elif refused is not None:
        state, says = DEGRADED, "Some messages are refused for now and are tried again."
    if known.endpoints_held:
        fail = "endpoint fails and is" if known.endpoints_held == 1 else "endpoints fail and are"
        says += f" {known.endpoints_held} {fail} tried again."
    return Part("outbox", state, says, numbers)


def _left_since(known: Facts) -> bool:
    """Whether any letter has left since the first of those that are refused."""
    sent, refused = known.letter_sent, known.refused_since
    return sent is not None and refused is not None and sent >= refused


def _on_hold(known: Facts) -> str:
    """What the hold of the relay means: nothing is tried until then, and no letter's attempts are counted."""
    if known.relay_held_until is None:
        return ""
    return f" Mail is on hold and is tried again at {known.relay_held_until:%H:%M:%S} UTC; none is lost."


def _assessment(waits: int | None) -> Part:
    numbers = {"behind": waits or 0}
    if waits is not None and waits > MARKS_STUCK:
        return Part("assessment", RED, f"A lead has waited for {length(waits)} to be judged.", numbers)
    if waits is not None and waits > MARKS_LATE:
        return Part("assessment", DEGRADED, f"A lead has waited for {length(waits)} to be judged.", numbers)
    return Part("assessment", OK, "Judges.", numbers)
