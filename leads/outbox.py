"""The outbox: whatever leaves the house is first a row, written in the transaction of its cause."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from leads.models import Lead, Notification, User
from leads.transactions import business
from leads.wake import wake


def enqueue(
    effect_key: str,
    *,
    kind: str,
    recipient: User,
    subject: str,
    text: str,
    html: str = "",
    lead: Lead | None = None,
    now: datetime,
    not_before: datetime | None = None,
    promise: str = Notification.Promise.AT_LEAST_ONCE,
) -> None:
    """Queue one message to one person on our side, once per effect.

    The effect key names the effect (`clock:12:step:3:user:7`): a second call with it changes nothing, so one cause
    never mails twice. It leaves at `not_before` (now by default), which gives undo its time.
    """
    Notification.objects.bulk_create(
        [
            Notification(
                effect_key=effect_key,
                kind=kind,
                recipient=recipient,
                to_address=recipient.email,
                subject=" ".join(subject.split())[:250],
                text=text,
                html=html,
                lead=lead,
                created_at=now,
                not_before=not_before or now,
                promise=promise,
            )
        ],
        ignore_conflicts=True,
    )
    wake("deliver")


def cancel(effect_key_prefix: str, *, now: datetime) -> int:
    """Cancel what has not left yet of all effects whose key starts so; returns how many."""
    queued = Notification.objects.filter(effect_key__startswith=effect_key_prefix, state=Notification.State.QUEUED)
    return queued.update(state=Notification.State.CANCELLED, settled_at=now)


@business
def requeue(notification_ids: Iterable[int], *, now: datetime) -> int:
    """Try again what was given up, as if it were new; returns how many. What was sent or cancelled stays so."""
    given_up = Notification.objects.filter(pk__in=list(notification_ids), state=Notification.State.DEAD)
    queued = given_up.update(
        state=Notification.State.QUEUED, settled_at=None, attempts=0, not_before=now, last_error=""
    )
    if queued:
        wake("deliver")
    return queued
