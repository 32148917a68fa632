"""Delivery against a real SMTP conversation."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from leads import delivery, outbox
from leads.models import Notification, User

pytestmark = pytest.mark.django_db


class Inbox:
    """An SMTP server that answers as it is told and keeps what it was given."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.rcpt_answer = "250 OK"
        self.data_answers: list[str] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.data_answers.pop(0) if self.data_answers else "250 OK"
        if answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    yield handler
    controller.stop()


@pytest.fixture
def rep() -> User:
    return User.objects.create_user("rep@example.com", full_name="A rep")


def queue(rep: User, now: datetime, key: str = "k", **extra: Any) -> None:
    outbox.enqueue(key, kind="new lead", recipient=rep, subject="New lead", text="Hello", now=now, **extra)


class TestDelivery:
    def test_sends_text_and_html_once(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now, html="<p>Hello</p>")
        queue(rep, now, html="<p>again</p>")
        assert delivery.deliver_due(lambda: now) == 1
        assert delivery.deliver_due(lambda: now) == 0
        (mail,) = inbox.mails
        assert mail["To"] == "rep@example.com"
        assert mail.get_body(("plain",)).get_content().strip() == "Hello"
        assert "<p>Hello</p>" in mail.get_body(("html",)).get_content()
        assert Notification.objects.get().state == "sent"

    def test_waits_for_its_time(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now, not_before=now + timedelta(seconds=15))
        assert delivery.deliver_due(lambda: now) == 0
        assert delivery.deliver_due(lambda: now + timedelta(seconds=15)) == 1

    def test_tries_again_after_a_4xx_under_the_same_message_id(self, inbox: Inbox, rep: User, now: datetime) -> None:
        inbox.data_answers = ["451 later"]
        queue(rep, now)
        delivery.deliver_due(lambda: now)
        row = Notification.objects.get()
        assert (row.state, row.attempts) == ("queued", 1)
        assert row.not_before == now + timedelta(seconds=10)
        assert "451" in row.last_error
        delivery.deliver_due(lambda: row.not_before)
        (mail,) = inbox.mails
        assert str(row.public_id) in mail["Message-ID"]
        row.refresh_from_db()
        assert (row.state, row.attempts, row.last_error) == ("sent", 2, "")

    def test_gives_up_on_a_5xx_and_sends_the_next(self, inbox: Inbox, rep: User, now: datetime) -> None:
        inbox.data_answers = ["554 never"]
        queue(rep, now, "a")
        queue(rep, now, "b")
        delivery.deliver_due(lambda: now)
        assert list(Notification.objects.order_by("id").values_list("state", flat=True)) == ["dead", "sent"]

    def test_gives_up_on_a_refused_recipient(self, inbox: Inbox, rep: User, now: datetime) -> None:
        inbox.rcpt_answer = "550 no such user"
        queue(rep, now)
        delivery.deliver_due(lambda: now)
        assert Notification.objects.get().state == "dead"

    def test_keeps_the_row_while_the_server_is_down(
        self, inbox: Inbox, rep: User, now: datetime, settings: Any
    ) -> None:
        settings.EMAIL_PORT = free_port()
        queue(rep, now)
        delivery.deliver_due(lambda: now)
        assert Notification.objects.get().state == "queued"

    def test_gives_up_after_the_last_attempt(self, inbox: Inbox, rep: User, now: datetime) -> None:
        inbox.data_answers = ["451 later"] * 20
        queue(rep, now)
        instant = now
        for _ in range(delivery.ATTEMPTS):
            delivery.deliver_due(lambda at=instant: at)
            instant += timedelta(hours=2)
        assert Notification.objects.get().state == "dead"


class TestRecover:
    def test_queues_again_what_a_dead_worker_left(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now)
        assert len(delivery.claim(now=now, limit=10)) == 1
        assert delivery.deliver_due(lambda: now + timedelta(seconds=30)) == 0
        assert delivery.deliver_due(lambda: now + delivery.LEASE) == 1
        assert len(inbox.mails) == 1

    def test_calls_unknown_what_may_leave_at_most_once(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now, promise=Notification.Promise.AT_MOST_ONCE)
        delivery.claim(now=now, limit=10)
        assert delivery.deliver_due(lambda: now + delivery.LEASE) == 0
        assert Notification.objects.get().state == "unknown"
        assert inbox.mails == []

    def test_a_late_answer_does_not_overwrite_the_next_attempt(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now)
        (first,) = delivery.claim(now=now, limit=1)
        delivery.recover(now=now + delivery.LEASE)
        delivery.claim(now=now + delivery.LEASE, limit=1)
        delivery.settle(first, error=None, now=now + delivery.LEASE)
        assert Notification.objects.get().state == "sending"


class TestCancel:
    def test_stops_what_has_not_left(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now, "handoff:1:rejected", not_before=now + timedelta(seconds=15))
        assert outbox.cancel("handoff:1:", now=now) == 1
        assert delivery.deliver_due(lambda: now + timedelta(minutes=1)) == 0
        assert Notification.objects.get().state == "cancelled"
