"""Delivery: rounds of claiming, conversations, and settling, until nothing is due.

Conversations are held in threads that touch no database: one for the mail relay, one for each endpoint, so that none
waits for another. What a crash leaves behind is found when its lease has passed: *at least once* is sent again under
the same id, *at most once* is shown as unknown.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from leads import outbox
from leads.delivering import claiming, digests, mail, settling, webhooks, words
from leads.delivering.results import Result
from leads.models import Endpoint, Notification
from leads.transactions import business

T = TypeVar("T")
log = structlog.get_logger(__name__)

ENDPOINTS_AT_ONCE: Final = 8
BUSY_FOR: Final = 20.0  # seconds after which a call takes nothing new, and ends with what is under way
MAILS_AT_ONCE: Final = 50


class Batch(NamedTuple):
    """What one thread is sending, and to whom; no endpoint is the mail relay."""

    endpoint: Endpoint | None
    messages: Sequence[Notification]


def deliver_due(clock: Callable[[], datetime], *, limit: int = 1000) -> int:
    """Send what is due, up to about `limit`; returns how many conversations were held. One failing never delays or
    stops the others."""
    claiming.recover(now=clock())
    until, tried = time.monotonic() + BUSY_FOR, 0
    with ThreadPoolExecutor(ENDPOINTS_AT_ONCE + 1, thread_name_prefix="deliver") as threads:
        running: dict[Future[list[Result]], Batch] = {}
        while True:
            if tried < limit and time.monotonic() < until:
                for batch in _claim(list(running.values()), clock=clock, limit=limit - tried):
                    running[_start(threads, batch, now=clock())] = batch
            if not running:
                return tried
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                tried += _settle(running.pop(future), future.result(), clock=clock)


def _claim(running: list[Batch], *, clock: Callable[[], datetime], limit: int) -> list[Batch]:
    """What may be sent beside what is being sent."""
    batches: list[Batch] = []
    if all(batch.endpoint is not None for batch in running):
        mails = claiming.claim_mail(now=clock(), limit=min(limit, MAILS_AT_ONCE))
        mails = [each for each in mails if _has_words(each, now=clock())]
        batches += [Batch(None, mails)] if mails else []
    busy = [batch.endpoint.pk for batch in running if batch.endpoint is not None]
    free = ENDPOINTS_AT_ONCE - len(busy)
    if free > 0:
        claimed = claiming.claim_endpoints(now=clock(), busy=busy, limit=free)
        batches += [Batch(endpoint, messages) for endpoint, messages in claimed]
    return batches


def _start(threads: ThreadPoolExecutor, batch: Batch, *, now: datetime) -> Future[list[Result]]:
    endpoint = batch.endpoint
    if endpoint is None:
        return threads.submit(_held, mail.send, [compose(each) for each in batch.messages])
    calls = [
        webhooks.compose(each, endpoint, now=now, may_reach=settings.WEBHOOKS_MAY_REACH) for each in batch.messages
    ]
    return threads.submit(_held, webhooks.send, calls)


def _held(send: Callable[[Sequence[T]], list[Result]], letters: Sequence[T]) -> list[Result]:
    """Hold a conversation; what nobody thought of is a failure as well, and stops only this one."""
    try:
        return send(letters)
    except Exception as error:
        log.exception("conversation_failed")
        return [Result(said=f"{type(error).__name__}: {error}"[:500], holds=True, may_have_left=True)]


def _settle(batch: Batch, results: list[Result], *, clock: Callable[[], datetime]) -> int:
    # First what was not tried, so that it is given up too where an endpoint turns out to be gone.
    settling.release(batch.messages[len(results) :], now=clock())
    for message, result in zip(batch.messages, results, strict=False):
        settling.settle(message, result, now=clock(), spread=random.random())  # noqa: S311  (jitter, not a secret)
    return len(results)


def _has_words(message: Notification, *, now: datetime) -> bool:
    """Write the words of a mail; one that can't be written is tried again later, and stops no other."""
    try:
        words.fill(message)
    except Exception as error:
        log.exception("letter_not_written", notification=message.pk)
        why = Result(said=f"{type(error).__name__}: {error}"[:500])
        settling.settle_alone(message, why, now=now, spread=random.random())  # noqa: S311  (jitter, not a secret)
        return False
    return message.kind != claiming.DIGEST or _filled(message, now=now)


@business
def _filled(carrier: Notification, *, now: datetime) -> bool:
    """Whether a digest has something to say; one that hasn't is cancelled."""
    if digests.fill(carrier):
        return True
    Notification.objects.filter(pk=carrier.pk).update(state=Notification.State.QUEUED)
    outbox.cancel_all(Notification.objects.filter(pk=carrier.pk), now=now, why="Nobody it spoke of is left.")
    return False


def compose(message: Notification) -> EmailMultiAlternatives:
    """The mail of one outbox row; its Message-ID is the same on every try."""
    return mail.compose(message)
