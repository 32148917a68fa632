"""The SMTP conversation: what is said in it, and what each way it can fail means for the message and the relay."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from leads.delivering import words
from leads.delivering.results import SENT, Result
from leads.models import Notification

log = structlog.get_logger(__name__)

BUSY_FOR: Final = 30.0  # seconds one batch may take before what is left of it goes back into the queue
SERVICE_NOT_AVAILABLE, TOO_LARGE = 421, 552


def compose(message: Notification) -> EmailMultiAlternatives:
    """The mail of one outbox row; its Message-ID is the same on every try."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ") or "localhost"
    letter = words.of(message)
    mail = EmailMultiAlternatives(
        subject=letter.subject,
        body=letter.text,
        to=[message.to_address] if message.to_address else [],
        headers={"Message-ID": f"<{message.public_id}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    if letter.html:
        mail.attach_alternative(letter.html, "text/html")
    return mail


def send(mails: Sequence[EmailMessage], *, elapsed: Callable[[], float] = time.monotonic) -> list[Result]:
    """Hold one conversation for these mails, in their order; touches no database.

    Returns the results of those tried: it ends early where the relay fails, or when it has taken long enough.
    """
    until = elapsed() + BUSY_FOR
    connection: BaseEmailBackend = get_connection()
    results: list[Result] = []
    try:
        for mail in mails:
            if results and elapsed() > until:
                break
            results.append(_send(mail, connection))
            if results[-1].holds:
                break
    finally:
        _hang_up(connection)
    return results


def _send(mail: EmailMessage, connection: BaseEmailBackend) -> Result:
    if not mail.recipients():
        return SENT  # a probe is to nobody, and has arrived
    try:
        connection.open()
    except (smtplib.SMTPException, OSError) as error:
        # No conversation came about: the relay is away, or doesn't know us. That is nobody's attempt.
        _hang_up(connection)
        return Result(said=_said(error), status=_code(error), holds=True, counts=False)
    try:
        connection.send_messages([mail])
    except (smtplib.SMTPException, OSError, ValueError) as error:
        _hang_up(connection)
        return judge(error)
    return SENT


def judge(error: Exception) -> Result:
    """What a failure in the middle of a conversation means.

    A 5xx for the recipient or the message is final; a 4xx is tried again; a relay that says it is closing, refuses
    the sender, hangs or hangs up is left alone for a while, and where it hung the message may have left.
    """
    code, said = _code(error), _said(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [answer[0] for answer in error.recipients.values()]
        if SERVICE_NOT_AVAILABLE in codes:
            return Result(status=code, said=said, holds=True, counts=False)
        return Result(status=code, said=said, is_final=all(each >= 500 for each in codes))
    if code == SERVICE_NOT_AVAILABLE or isinstance(error, smtplib.SMTPHeloError | smtplib.SMTPAuthenticationError):
        return Result(status=code, said=said, holds=True, counts=False)
    if isinstance(error, smtplib.SMTPSenderRefused) and code != TOO_LARGE:
        return Result(status=code, said=said, holds=True, counts=False)
    if isinstance(error, smtplib.SMTPResponseException):
        return Result(status=code, said=said, is_final=(code or 0) >= 500)
    if isinstance(error, ValueError | smtplib.SMTPNotSupportedError):
        return Result(said=said, is_final=True)
    return Result(said=said, holds=True, may_have_left=True)


def _code(error: Exception) -> int | None:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next((int(answer[0]) for answer in error.recipients.values()), None)
    return int(error.smtp_code) if isinstance(error, smtplib.SMTPResponseException) else None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _hang_up(connection: BaseEmailBackend) -> None:
    """Close the conversation, whatever state it is in."""
    try:
        connection.close()
    except (smtplib.SMTPException, OSError):
        log.debug("smtp_close_failed")
