"""Settling: how a conversation ended is written down, with its history row, and what follows for where it went."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import Q

from leads import endpoints
from leads.delivering import backing_off
from leads.delivering.results import Result
from leads.models import DeliveryStep, Endpoint, MailRelay, Notification
from leads.transactions import business

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 12  # of one message; what the relay's or the endpoint's own failure costs is not among them
ENDPOINT_MAY_FAIL_FOR: Final = timedelta(days=3)
RELAY_HELD_AT_MOST: Final = timedelta(minutes=5)

State = Notification.State
Promise = Notification.Promise
What = DeliveryStep.What


@business
def settle(message: Notification, result: Result, *, now: datetime, spread: float = 0.0) -> str:
    """Write down how one conversation ended; returns the message's new state.

    Sent, to be tried again later, given up, or unknown. What fails at the relay or the endpoint holds everything else
    that goes there. A lease that has lapsed meanwhile belongs to someone else: then nothing is written.
    """
    state = settle_alone(message, result, now=now, spread=spread)
    if message.endpoint_id is None:
        _relay(result, now=now, spread=spread)
    else:
        _endpoint(message.endpoint_id, result, now=now, spread=spread)
    return state


@business
def settle_alone(message: Notification, result: Result, *, now: datetime, spread: float = 0.0) -> str:
    """The same where it says nothing of the relay or the endpoint, since no conversation came about."""
    step = _state(message, result, now=now, spread=spread)
    fields = {field: getattr(message, field) for field in ("state", "settled_at", "not_before", "last_error")}
    ours = Notification.objects.filter(pk=message.pk, state=State.SENDING, attempts=message.attempts)
    tried = message.attempts
    if not result.is_sent and not result.counts:
        fields["attempts"] = message.attempts - 1
    if ours.update(**fields):
        DeliveryStep.objects.create(
            notification=message, what=step, at=now, attempt=tried, status=result.status, said=result.said[:500]
        )
    return message.state


@business
def release(messages: Iterable[Notification], *, now: datetime) -> None:
    """Put back what was claimed and not tried: as if it had not been taken."""
    for message in messages:
        Notification.objects.filter(pk=message.pk, state=State.SENDING, attempts=message.attempts).update(
            state=State.QUEUED, attempts=message.attempts - 1, not_before=message.due_at
        )


def _state(message: Notification, result: Result, *, now: datetime, spread: float) -> str:
    """The message's new state, written onto it; returns what its history says."""
    message.last_error = result.said[:500]
    message.settled_at = now
    if result.is_sent:
        message.state = State.SENT
        return What.SENT
    if result.may_have_left and message.promise == Promise.AT_MOST_ONCE:
        message.state = State.UNKNOWN
        return What.UNKNOWN
    if result.is_final or _is_tired(message, result, now=now):
        message.state = State.DEAD
        return What.DEAD
    message.state, message.settled_at = State.QUEUED, None
    if result.counts:
        message.not_before = now + (result.wait or backing_off.wait(message.attempts, spread=spread))
    else:
        message.not_before = message.due_at
    return What.LATER


def _is_tired(message: Notification, result: Result, *, now: datetime) -> bool:
    """Whether it was tried often enough: an endpoint that fails as a whole is given its days instead."""
    if message.endpoint_id is not None and result.holds:
        return False
    return result.counts and message.attempts >= ATTEMPTS


def _relay(result: Result, *, now: datetime, spread: float) -> None:
    """Hold the relay after a failure of its own, and let it go with the first mail that leaves."""
    if not result.holds:
        failing = MailRelay.objects.exclude(failures=0)
        failing.update(failures=0, held_until=None, failing_since=None, last_error="")
        return
    relay, _ = MailRelay.objects.select_for_update().get_or_create(id=1)
    relay.failures += 1
    relay.failing_since = relay.failing_since or now
    waits = min(backing_off.wait(relay.failures, spread=spread), RELAY_HELD_AT_MOST)
    relay.held_until, relay.last_error = now + waits, result.said[:500]
    relay.save()
    log.warning("mail_relay_held", failures=relay.failures, seconds=int(waits.total_seconds()), why=result.said[:200])


def _endpoint(endpoint_id: int, result: Result, *, now: datetime, spread: float) -> None:
    """Hold an endpoint that fails, switch off one that is gone or has failed for days, let go one that answers."""
    if result.is_gone:
        endpoints.disable(endpoint_id, why="It answered 410: it is gone.", now=now)
        return
    if not result.holds:
        failing = Endpoint.objects.filter(~Q(failures=0), pk=endpoint_id)
        failing.update(failures=0, held_until=None, failing_since=None, last_error="")
        return
    endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint_id)
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    waits = backing_off.wait(endpoint.failures, spread=spread)
    endpoint.held_until = now + (result.wait if result.wait is not None else waits)
    endpoint.last_error = result.said[:500]
    endpoint.save(update_fields=["failures", "failing_since", "held_until", "last_error"])
    log.warning("endpoint_held", endpoint=endpoint.pk, failures=endpoint.failures, why=result.said[:200])
    if now - endpoint.failing_since >= ENDPOINT_MAY_FAIL_FOR:
        why = f"It has failed for {ENDPOINT_MAY_FAIL_FOR.days} days. The last answer: {result.said[:150]}"
        endpoints.disable(endpoint_id, why=why, now=now)
