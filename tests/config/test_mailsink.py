"""The mail sink."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

from django.core.mail import EmailMultiAlternatives, get_connection


def compose(*recipients: str) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives("A new lead: Zoë", "Grüße", "baton@example.com", list(recipients))
    message.attach_alternative("<p>Grüße</p>", "text/html")
    return message


class TestSending:
    def test_makes_one_readable_file_of_each_mail(self, tmp_path: Path) -> None:
        sink = get_connection("config.mailsink.EmailBackend", file_path=str(tmp_path / "mail"))
        assert sink.send_messages([compose("ana@example.com"), compose("ben@example.com")]) == 2
        files = sorted((tmp_path / "mail").iterdir())
        read = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
        assert [file.suffix for file in files] == [".eml", ".eml"]
        assert [mail["To"] for mail in read] == ["ana@example.com", "ben@example.com"]
        assert read[0]["Subject"] == "A new lead: Zoë"
        assert read[0].get_body(("html",)).get_content().strip() == "<p>Grüße</p>"

    def test_writes_nothing_for_a_mail_to_nobody(self, tmp_path: Path) -> None:
        sink = get_connection("config.mailsink.EmailBackend", file_path=str(tmp_path))
        assert sink.send_messages([compose()]) == 0
        assert not list(tmp_path.iterdir())
