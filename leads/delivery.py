"""Delivery: takes what is due from the outbox and holds the SMTP conversation.

A row is claimed and committed before the conversation, for a lease. What a crash leaves behind is found when its lease
has passed: *at least once* is sent again under the same Message-ID, *at most once* is shown as unknown.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from leads.models import Notification
from leads.transactions import business

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)  # longer than any one conversation may take (EMAIL_TIMEOUT per answer)
ATTEMPTS = 12
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=10), timedelta(hours=1)

State = Notification.State
Promise = Notification.Promise


@business
def claim(*, now: datetime, limit: int) -> list[Notification]:
    """Take up to `limit` due messages, the longest due first; nobody else is given them while the lease lasts."""
    due = (
        Notification.objects.select_for_update(skip_locked=True)
        .filter(state=State.QUEUED, endpoint=None, not_before__lte=now)
        .order_by("not_before", "id")[:limit]
    )
    taken = list(due)
    for message in taken:
        message.state, message.attempts, message.not_before = State.SENDING, message.attempts + 1, now + LEASE
    Notification.objects.bulk_update(taken, ["state", "attempts", "not_before"])
    return taken


@business
def recover(*, now: datetime) -> int:
    """Find what a dead worker left in the middle: queue it again, or call it unknown. Returns how many."""
    lapsed = Notification.objects.select_for_update(skip_locked=True).filter(state=State.SENDING, not_before__lte=now)
    keys = list(lapsed.order_by("not_before", "id").values_list("pk", "promise")[:500])
    again = [pk for pk, promise in keys if promise == Promise.AT_LEAST_ONCE]
    once = [pk for pk, promise in keys if promise == Promise.AT_MOST_ONCE]
    Notification.objects.filter(pk__in=again).update(state=State.QUEUED)
    Notification.objects.filter(pk__in=once).update(state=State.UNKNOWN, settled_at=now)
    return len(keys)


@business
def settle(message: Notification, *, error: Exception | None, now: datetime) -> None:
    """Write down how one conversation ended: sent, to be tried again later, given up, or unknown."""
    message.last_error = "" if error is None else f"{type(error).__name__}: {error}"[:500]
    if error is None:
        message.state, message.settled_at = State.SENT, now
    elif message.promise == Promise.AT_MOST_ONCE and not _never_began(error):
        message.state, message.settled_at = State.UNKNOWN, now
    elif _is_final(error) or message.attempts >= ATTEMPTS:
        message.state, message.settled_at = State.DEAD, now
    else:
        message.state = State.QUEUED
        message.not_before = now + min(FIRST_RETRY * 2 ** (message.attempts - 1), LONGEST_RETRY)
    fields = ["state", "settled_at", "not_before", "last_error"]
    # A lease that lapsed meanwhile belongs to someone else.
    Notification.objects.filter(pk=message.pk, state=State.SENDING, attempts=message.attempts).update(
        **{field: getattr(message, field) for field in fields}
    )


def deliver_due(clock: Callable[[], datetime], *, limit: int = 100) -> int:
    """Send what is due, up to `limit`; returns how many conversations were held. One failing never stops the others."""
    recover(now=clock())
    messages = claim(now=clock(), limit=limit)
    if not messages:
        return 0
    connection: BaseEmailBackend = get_connection()
    try:
        for message in messages:
            error: Exception | None = None
            try:
                if message.to_address:  # a probe is to nobody, and has arrived
                    compose(message, connection).send()
            except (smtplib.SMTPException, OSError, ValueError) as caught:
                error = caught
                log.warning("mail_not_sent", notification=message.pk, attempt=message.attempts, error=str(caught)[:200])
                _hang_up(connection)
            settle(message, error=error, now=clock())
    finally:
        _hang_up(connection)
    return len(messages)


def compose(message: Notification, connection: BaseEmailBackend | None = None) -> EmailMultiAlternatives:
    """The mail of one outbox row; its Message-ID is the same on every try."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ") or "localhost"
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=message.text,
        to=[message.to_address],
        headers={"Message-ID": f"<{message.public_id}@{domain}>", "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    return mail


def _is_final(error: Exception) -> bool:
    """True where the server said that trying again is of no use (5xx), or the message can't be written at all."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # a wrong password is mended by an operator, and then everything goes out
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    return isinstance(error, ValueError)


def _never_began(error: Exception) -> bool:
    """True where no conversation was held at all, so that nothing can have been delivered."""
    return isinstance(error, ConnectionRefusedError | smtplib.SMTPConnectError)


def _hang_up(connection: BaseEmailBackend) -> None:
    """Close the conversation, whatever state it is in."""
    try:
        connection.close()
    except (smtplib.SMTPException, OSError):
        log.debug("smtp_close_failed")
