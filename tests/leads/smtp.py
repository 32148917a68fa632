"""SMTP servers for tests: one that answers as it is told, and one that goes silent where it is told."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller


class Inbox:
    """Answers as it is told and keeps what it was given."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.rcpt_answer = "250 OK"
        self.mail_answer = "250 OK"
        self.data_answers: list[str] = []

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.mail_answer.startswith("250"):
            envelope.mail_from = address
        return self.mail_answer

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.data_answers.pop(0) if self.data_answers else "250 OK"
        if answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return answer


class Silent:
    """Speaks SMTP until one word, and then says nothing more; it still hears what it is sent."""

    def __init__(self, after: str) -> None:
        self.after = after
        self.heard: list[bytes] = []
        self.conversations = 0
        self._listens = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listens.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listens.accept()
                self._open.append(caller)
                self.conversations += 1
                threading.Thread(target=self._talk, args=(caller,), daemon=True).start()

    def _talk(self, caller: socket.socket) -> None:
        with contextlib.suppress(OSError):
            lines = caller.makefile("rb")
            if self.after == "connect":
                lines.read()
                return
            caller.sendall(b"220 here\r\n")
            for line in lines:
                word = line.split()[0].upper().decode() if line.split() else ""
                if word == "DATA":
                    caller.sendall(b"354 go on\r\n")
                    content = b""
                    for part in lines:
                        if part == b".\r\n":
                            break
                        content += part
                    self.heard.append(content)
                    if self.after == "DATA":
                        lines.read()
                        return
                if word == self.after:
                    lines.read()
                    return
                caller.sendall(b"250 OK\r\n")

    def close(self) -> None:
        self._listens.close()
        for caller in self._open:
            with contextlib.suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
            caller.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def use(settings: Any, port: int, *, time_out: float = 5) -> None:
    """Send mail to this port from now on."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, time_out
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""


@contextlib.contextmanager
def serving(settings: Any) -> Iterator[Inbox]:
    """A server that answers as it is told."""
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    use(settings, controller.port)
    try:
        yield handler
    finally:
        controller.stop()
