"""Delivery against a real SMTP conversation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from leads import delivery, outbox
from leads.delivering import claiming, settling
from leads.delivering.results import SENT
from leads.models import MailRelay, Notification, User
from tests.leads.smtp import Inbox, Silent, free_port, serving, use

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    with serving(settings) as handler:
        yield handler


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
        assert timedelta(seconds=10) <= row.not_before - now <= timedelta(seconds=12)
        assert "451" in row.last_error
        delivery.deliver_due(lambda: row.not_before)
        (mail,) = inbox.mails
        assert str(row.public_id) in mail["Message-ID"]
        row.refresh_from_db()
        assert (row.state, row.attempts, row.last_error) == ("sent", 2, "")
        assert [(step.what, step.attempt, step.status) for step in row.steps.all()] == [
            ("later", 1, 451),
            ("sent", 2, None),
        ]

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

    def test_gives_up_after_the_last_attempt(self, inbox: Inbox, rep: User, now: datetime) -> None:
        inbox.data_answers = ["451 later"] * 20
        queue(rep, now)
        instant = now
        for _ in range(settling.ATTEMPTS):
            delivery.deliver_due(lambda at=instant: at)
            instant += timedelta(hours=2)
        assert Notification.objects.get().state == "dead"


class TestRecover:
    def test_queues_again_what_a_dead_worker_left(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now)
        assert len(claiming.claim_mail(now=now, limit=10)) == 1
        assert delivery.deliver_due(lambda: now + timedelta(seconds=30)) == 0
        assert delivery.deliver_due(lambda: now + claiming.LEASE) == 1
        assert len(inbox.mails) == 1

    def test_calls_unknown_what_may_leave_at_most_once(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now, promise=Notification.Promise.AT_MOST_ONCE)
        claiming.claim_mail(now=now, limit=10)
        assert delivery.deliver_due(lambda: now + claiming.LEASE) == 0
        assert Notification.objects.get().state == "unknown"
        assert inbox.mails == []

    def test_a_late_answer_does_not_overwrite_the_next_attempt(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now)
        (first,) = claiming.claim_mail(now=now, limit=1)
        claiming.recover(now=now + claiming.LEASE)
        claiming.claim_mail(now=now + claiming.LEASE, limit=1)
        settling.settle(first, SENT, now=now + claiming.LEASE)
        assert Notification.objects.get().state == "sending"


class TestCancel:
    def test_stops_what_has_not_left(self, inbox: Inbox, rep: User, now: datetime) -> None:
        queue(rep, now, "handoff:1:rejected", not_before=now + timedelta(seconds=15))
        assert outbox.cancel("handoff:1:", now=now) == 1
        assert delivery.deliver_due(lambda: now + timedelta(minutes=1)) == 0
        assert Notification.objects.get().state == "cancelled"


class TestRelay:
    """Where the relay itself fails, nobody's attempts are counted and nothing is lost."""

    def queue(self, rep: User, now: datetime, many: int) -> None:
        for number in range(many):
            queue(rep, now, f"k{number}")

    def test_that_refuses_the_connection_is_asked_once_for_all(self, rep: User, now: datetime, settings: Any) -> None:
        use(settings, free_port())
        self.queue(rep, now, 3)
        assert delivery.deliver_due(lambda: now) == 1
        assert set(Notification.objects.values_list("state", "attempts", "not_before")) == {("queued", 0, now)}
        relay = MailRelay.objects.get()
        assert timedelta(seconds=10) <= relay.held_until - now <= timedelta(seconds=12)
        assert delivery.deliver_due(lambda: now + timedelta(seconds=9)) == 0

    def test_backs_off_to_five_minutes_and_never_gives_a_message_up(
        self, rep: User, now: datetime, settings: Any
    ) -> None:
        use(settings, free_port())
        queue(rep, now)
        instant = now
        for _ in range(20):
            delivery.deliver_due(lambda at=instant: at)
            instant = MailRelay.objects.get().held_until
        assert Notification.objects.get().state == "queued"
        assert MailRelay.objects.get().failures == 20
        with serving(settings) as inbox:
            assert delivery.deliver_due(lambda: instant) == 1
        assert len(inbox.mails) == 1
        relay = MailRelay.objects.get()
        assert (relay.failures, relay.held_until) == (0, None)

    @pytest.mark.parametrize("answer", ["421 closing", "550 we don't know you"])
    def test_that_turns_the_sender_away_is_held(self, inbox: Inbox, rep: User, now: datetime, answer: str) -> None:
        inbox.mail_answer = answer
        self.queue(rep, now, 3)
        assert delivery.deliver_due(lambda: now) == 1
        assert set(Notification.objects.values_list("state", "attempts")) == {("queued", 0)}

    @pytest.mark.parametrize("word", ["connect", "EHLO", "RCPT", "DATA"])
    def test_that_goes_silent_is_left_after_a_time_and_asked_again_under_the_same_id(
        self, rep: User, now: datetime, settings: Any, word: str
    ) -> None:
        silent = Silent(after=word)
        use(settings, silent.port, time_out=0.3)
        self.queue(rep, now, 3)
        try:
            assert delivery.deliver_due(lambda: now) == 1
        finally:
            silent.close()
        first = Notification.objects.order_by("pk").first()
        assert first is not None
        assert first.state == "queued"
        assert first.attempts == (0 if word == "connect" else 1)
        assert len(silent.heard) == (1 if word == "DATA" else 0)
        with serving(settings) as inbox:
            delivery.deliver_due(lambda: now + timedelta(minutes=1))
        ids = {mail["Message-ID"] for mail in inbox.mails}
        assert len(ids) == len(inbox.mails) == 3
        assert Notification.objects.filter(state="sent").count() == 3
        if word == "DATA":
            assert f"{first.public_id}@".encode() in silent.heard[0]

    def test_that_goes_silent_leaves_a_mail_unknown_that_may_leave_at_most_once(
        self, rep: User, now: datetime, settings: Any
    ) -> None:
        silent = Silent(after="DATA")
        use(settings, silent.port, time_out=0.3)
        queue(rep, now, promise=Notification.Promise.AT_MOST_ONCE)
        try:
            delivery.deliver_due(lambda: now)
        finally:
            silent.close()
        assert Notification.objects.get().state == "unknown"

    def test_greylisting_one_message_does_not_hold_the_others(self, inbox: Inbox, rep: User, now: datetime) -> None:
        inbox.data_answers = ["451 greylisted"]
        self.queue(rep, now, 3)
        assert delivery.deliver_due(lambda: now) == 3
        assert sorted(Notification.objects.values_list("state", flat=True)) == ["queued", "sent", "sent"]


class TestLetters:
    """Of some messages plain data is queued, and the words are written at sending."""

    LINES = {"lines": [{"subject": "Late: one & all", "url": ""}], "to": "Ann", "url": "http://x.example/inbox/"}

    def letter(self, rep: User, now: datetime, key: str, template: str = "leads/mail/digest") -> None:
        says = {"kind": "breach", "subject": "Late", "template": template, "data": self.LINES}
        outbox.enqueue(key, recipient=rep, now=now, **says)

    def test_are_written_at_sending_and_not_kept(self, inbox: Inbox, rep: User, now: datetime) -> None:
        self.letter(rep, now, "k")
        assert delivery.deliver_due(lambda: now) == 1
        (mail,) = inbox.mails
        assert mail["Subject"] == "Late"
        assert "Late: one & all" in mail.get_body(("plain",)).get_content()
        assert "Late: one &amp; all" in mail.get_body(("html",)).get_content()
        row = Notification.objects.get()
        assert (row.state, row.text, row.html, row.data) == ("sent", "", "", self.LINES)

    def test_that_cannot_be_written_stop_no_other_and_say_why(self, inbox: Inbox, rep: User, now: datetime) -> None:
        MailRelay.objects.update(failures=3, failing_since=now)
        self.letter(rep, now, "bad", "no/such/letter")
        assert delivery.deliver_due(lambda: now) == 0
        assert MailRelay.objects.get().failures == 3  # the relay was not asked
        self.letter(rep, now, "good")
        assert delivery.deliver_due(lambda: now) == 1
        bad = Notification.objects.get(effect_key="bad")
        assert (bad.state, bad.attempts) == ("queued", 1)
        assert bad.not_before > now
        assert bad.last_error == "TemplateDoesNotExist: no/such/letter.txt"
        assert [step.what for step in bad.steps.all()] == ["later"]

    def test_have_words_or_what_they_are_written_of(self, rep: User, now: datetime) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            queue(rep, now, template="leads/mail/digest")


class TestStorm:
    """More than a few at once become one mail; each keeps its row."""

    def test_five_hundred_become_one_mail_in_due_order(self, inbox: Inbox, rep: User, now: datetime) -> None:
        rows = [
            Notification(
                effect_key=f"k{number}",
                kind="breach",
                topic="breach",
                recipient=rep,
                to_address=rep.email,
                subject=f"Late: number {number}",
                text="t",
                created_at=now,
                not_before=now - timedelta(minutes=number),
            )
            for number in range(500)
        ]
        Notification.objects.bulk_create(rows)
        assert delivery.deliver_due(lambda: now) == 1
        (mail,) = inbox.mails
        assert mail["Subject"] == "500 messages"
        text = mail.get_body(("plain",)).get_content()
        assert text.count("Late: number ") == 500
        assert re.findall(r"number (\d+)", text) == [str(number) for number in reversed(range(500))]
        carrier = Notification.objects.get(kind="digest")
        assert Notification.objects.filter(state="digested", carrier=carrier).count() == 500
        assert carrier.state == "sent"
        assert {step.what for row in Notification.objects.all()[:3] for step in row.steps.all()} == {"digested"}

    def test_a_few_stay_single(self, inbox: Inbox, rep: User, now: datetime) -> None:
        for number in range(5):
            queue(rep, now, f"k{number}")
        assert delivery.deliver_due(lambda: now) == 5

    def test_after_many_only_one_leaves_in_two_minutes(self, inbox: Inbox, rep: User, now: datetime) -> None:
        for number in range(9):
            queue(rep, now + timedelta(seconds=number), f"k{number}")
            delivery.deliver_due(lambda at=now + timedelta(seconds=number): at)
        assert len(inbox.mails) == 5
        assert delivery.deliver_due(lambda: now + timedelta(seconds=100)) == 0
        assert delivery.deliver_due(lambda: now + timedelta(seconds=4 + 120)) == 1
        assert inbox.mails[-1]["Subject"] == "4 messages"

    def test_forgets_who_was_erased_before_it_left(self, inbox: Inbox, rep: User, now: datetime, settings: Any) -> None:
        port = settings.EMAIL_PORT
        settings.EMAIL_PORT = free_port()
        for number in range(7):
            queue(rep, now, f"k{number}")
        delivery.deliver_due(lambda: now)
        Notification.objects.exclude(kind="digest").filter(effect_key="k3").update(subject="", text="")
        settings.EMAIL_PORT = port
        delivery.deliver_due(lambda: now + timedelta(minutes=1))
        (mail,) = inbox.mails
        assert mail["Subject"] == "6 messages"

    def test_leaves_other_people_alone(self, inbox: Inbox, rep: User, now: datetime) -> None:
        other = User.objects.create_user("other@example.com", full_name="Other")
        for number in range(7):
            queue(rep, now, f"k{number}")
        queue(other, now, "other")
        assert delivery.deliver_due(lambda: now) == 2
        assert {mail["To"] for mail in inbox.mails} == {"rep@example.com", "other@example.com"}
