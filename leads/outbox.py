"""The outbox: whatever leaves the house is first a row, written in the transaction of its cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec

from django.db.models import QuerySet

from leads.errors import Refused
from leads.models import DeliveryStep, Endpoint, Lead, Notification, Topic, User
from leads.transactions import business
from leads.wake import wake

State = Notification.State
P = ParamSpec("P")


class EndpointOff(Refused):
    """The endpoint is switched off."""

    code = "endpoint_off"


def letter(
    effect_key: str,
    *,
    kind: str,
    recipient: User,
    subject: str,
    text: str = "",
    html: str = "",
    template: str = "",
    data: Mapping[str, Any] | None = None,
    lead: Lead | None = None,
    now: datetime,
    not_before: datetime | None = None,
    promise: str = Notification.Promise.AT_LEAST_ONCE,
    topic: str = Topic.OPERATIONS,
    is_urgent: bool = False,
) -> Notification:
    """One message to one person on our side, to be queued.

    The effect key names the effect (`clock:12:step:3:user:7`): queueing it a second time changes nothing, so one cause
    never mails twice. It leaves at `not_before` (now by default), which gives undo its time. The topic is what the
    person chooses by: at once, in a digest, not by mail; what is urgent passes their quiet hours. It brings its words,
    or the `template` of a letter and plain `data`, out of which they are written at sending.
    """
    return Notification(
        effect_key=effect_key,
        kind=kind,
        topic=topic,
        is_urgent=is_urgent,
        recipient=recipient,
        to_address=recipient.email,
        subject=_in_one_line(subject),
        text=text,
        html=html,
        template=template,
        data=dict(data or {}),
        lead=lead,
        created_at=now,
        not_before=not_before or now,
        promise=promise,
    )


def event_for(
    endpoint: Endpoint,
    effect_key: str,
    *,
    event: str,
    subject: str,
    body: str,
    lead: Lead | None,
    now: datetime,
    not_before: datetime | None = None,
) -> Notification:
    """One event for one endpoint, to be queued, once per effect; `body` is posted as it stands."""
    return Notification(
        effect_key=effect_key,
        kind=event,
        endpoint=endpoint,
        subject=_in_one_line(subject),
        text=body,
        lead=lead,
        created_at=now,
        not_before=not_before or now,
    )


def queue(messages: Sequence[Notification]) -> None:
    """Queue messages, each once per effect: one whose effect key is known already changes nothing. Within a verb."""
    if messages:
        Notification.objects.bulk_create(messages, ignore_conflicts=True)
        wake("deliver")


def _queued(made: Callable[P, Notification]) -> Callable[P, None]:
    """Make it, and queue it."""

    @wraps(made)
    def enqueue(*args: P.args, **kwargs: P.kwargs) -> None:
        queue([made(*args, **kwargs)])

    return enqueue


enqueue, enqueue_for = _queued(letter), _queued(event_for)


def hearing() -> list[Endpoint]:
    """The endpoints that are switched on: few, in the order in which they are told."""
    return list(Endpoint.objects.filter(is_active=True).order_by("pk"))


def listeners(event: str, *, team_id: int | None, among: Iterable[Endpoint] | None = None) -> list[Endpoint]:
    """The active endpoints that are told of this event: those of every team, and those of this one."""
    active = hearing() if among is None else among
    return [each for each in active if event in each.events and each.team_id in (None, team_id)]


@business
def cancel(effect_key_prefix: str, *, now: datetime, why: str = "undone") -> int:
    """Cancel what has not left yet of all effects whose key starts so; returns how many."""
    return cancel_all(Notification.objects.filter(effect_key__startswith=effect_key_prefix), now=now, why=why)


def cancel_all(messages: QuerySet[Notification], *, now: datetime, why: str) -> int:
    """Cancel those of these messages that have not left yet; returns how many. Within a verb."""
    queued = messages.filter(state=State.QUEUED).select_for_update(of=("self",)).order_by("pk")
    ids = list(queued.values_list("pk", flat=True))
    Notification.objects.filter(pk__in=ids).update(state=State.CANCELLED, settled_at=now)
    note(ids, DeliveryStep.What.CANCELLED, now=now, said=why)
    return len(ids)


def give_up(messages: QuerySet[Notification], *, now: datetime, why: str) -> int:
    """Give up those of these messages that have not left yet; a person may queue them again. Within a verb."""
    queued = messages.filter(state=State.QUEUED).select_for_update(of=("self",)).order_by("pk")
    ids = list(queued.values_list("pk", flat=True))
    if not ids:
        return 0
    Notification.objects.filter(pk__in=ids).update(state=State.DEAD, settled_at=now, last_error=why[:500])
    note(ids, DeliveryStep.What.DEAD, now=now, said=why)
    return len(ids)


def told_already(effect_key_prefix: str) -> list[Endpoint]:
    """The endpoints to which an effect whose key starts so has left, or may have."""
    gone = Notification.objects.filter(effect_key__startswith=effect_key_prefix).exclude(state=State.CANCELLED)
    return list(Endpoint.objects.filter(pk__in=gone.values("endpoint")).order_by("pk"))


@business
def requeue(notification_ids: Iterable[int], *, now: datetime, by: User | None = None) -> int:
    """Try again what was given up, as if it were new; returns how many. What was sent or cancelled stays so.

    Raises EndpointOff where one of them is for an endpoint that is switched off: nothing would be sent to it.
    """
    given_up = Notification.objects.filter(pk__in=list(notification_ids), state=State.DEAD)
    rows = list(given_up.select_for_update(of=("self",)).select_related("endpoint").order_by("pk"))
    off = sorted({row.endpoint.name for row in rows if row.endpoint is not None and not row.endpoint.is_active})
    if off:
        raise EndpointOff(f"Switch {', '.join(off)} on first: nothing is sent to an endpoint that is off.")
    ids = [row.pk for row in rows]
    Notification.objects.filter(pk__in=ids).update(
        state=State.QUEUED, settled_at=None, attempts=0, not_before=now, last_error=""
    )
    note(ids, DeliveryStep.What.AGAIN, now=now, by=by)
    if ids:
        wake("deliver")
    return len(ids)


def note(
    notification_ids: Iterable[int],
    what: str,
    *,
    now: datetime,
    said: str = "",
    by: User | None = None,
) -> None:
    """Write into the history of these messages what became of them. Within a verb."""
    DeliveryStep.objects.bulk_create(
        DeliveryStep(notification_id=pk, what=what, at=now, said=said[:500], by=by) for pk in notification_ids
    )


@business
def probe(effect_key: str, *, kind: str, now: datetime) -> None:
    """Queue a message to nobody: it goes the whole way of a letter up to the mail server's door, and proves the way."""
    queue([Notification(effect_key=effect_key, kind=kind, subject=kind, created_at=now, not_before=now)])


@business
def forget_probes(effect_keys: Iterable[str]) -> None:
    """Delete messages to nobody; what was written to somebody stays."""
    Notification.objects.filter(effect_key__in=list(effect_keys), recipient=None, to_address="").delete()


def _in_one_line(subject: str) -> str:
    return " ".join(subject.split())[:250]
