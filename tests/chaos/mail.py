"""A mail server that is down, slow, hangs after DATA, says later, says no: every letter ends, none goes out twice."""

from __future__ import annotations

import asyncio
import email
import sys
from contextlib import ExitStack
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from config.home.valkey import free_port
from leads import clock, outbox
from leads.models import MailRelay, Notification, User
from tests.chaos.scenario import Scene
from tests.desk import person
from tests.processes import Process, eventually, running_ahead

# Conversations last seconds of the wall, and must stay shorter than a lease of the house's clock.
SPEED = 4
PATIENCE = 300.0
PROCESSES = 2
AT_MOST_ONCE = Notification.Promise.AT_MOST_ONCE


class FaultySmtp:
    """A real server on a real socket that fails as it is told to, and keeps what it said yes to or never answered."""

    def __init__(self) -> None:
        self.port = free_port()
        self.fault = "none"
        self.kept: list[str] = []  # Message-IDs that a reader has, or may have
        self.seen: set[str] = set()
        self.controller: Controller | None = None

    async def handle_MAIL(  # noqa: N802  (aiosmtpd's name)
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.fault == "slow":
            await asyncio.sleep(2)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        letter: EmailMessage = email.message_from_bytes(envelope.content)  # type: ignore[assignment]
        key = str(letter["Message-ID"]).strip("<>").partition("@")[0]
        self.seen.add(key)
        if self.fault == "later":
            return "451 Come again"
        if self.fault == "no":
            return "554 Never"
        self.kept.append(key)
        if self.fault == "hang":
            await asyncio.sleep(3600)
        return "250 Kept"

    def up(self) -> None:
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def down(self) -> None:
        if self.controller is not None:
            self.controller.stop()
            self.controller = None


def run(scene: Scene) -> None:
    server = FaultySmtp()
    with running_ahead(speed=SPEED), ExitStack() as stack:
        # One letter each: many to one person would leave as one.
        readers = [person("rep", f"Iris{number} Reader") for number in range(scene.options["letters"])]
        for number in range(PROCESSES):
            log = scene.home / f"clock-{number}.log"
            more = {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"}
            command = [sys.executable, "manage.py", "runclock"]
            stack.enter_context(Process(f"clock-{number}", command, log, **more))
        stack.callback(server.down)
        faults = ["down", "slow", "hang", "later", "no"]
        scene.chance.shuffle(faults)
        for fault in faults:
            _suffer(scene, server, readers, fault)


def _suffer(scene: Scene, server: FaultySmtp, readers: list[User], fault: str) -> None:
    """Letters while the server fails so, then a server that works: what became of them."""
    server.fault = fault
    server.down() if fault == "down" else server.controller or server.up()
    written = _write(readers, fault)
    if fault in ("down", "hang"):
        # The relay is held after the first failure, and the others are not tried in vain.
        failing = MailRelay.objects.exclude(failures=0)
        eventually(lambda: failing.exists(), f"the relay is held while it is {fault}", within=PATIENCE)
    else:
        eventually(lambda: not _untried(written, fault).exists(), f"each is tried while it is {fault}", within=PATIENCE)
    if fault == "hang":
        assert server.seen & _keys(written), "none came as far as DATA"
    server.fault = "none"
    server.down()  # conversations that hang are over
    server.up()
    unsettled = written.filter(state__in=["queued", "sending"])
    eventually(lambda: not unsettled.exists(), f"each has ended after {fault}", within=PATIENCE)
    states = dict.fromkeys(("sent", "dead", "unknown"), 0)
    for letter in written:
        states[letter.state] += 1
        times = server.kept.count(str(letter.public_id))
        if letter.promise == AT_MOST_ONCE:
            assert times <= 1, f"{letter} went out {times} times while it was {fault}"
        if letter.state == "sent":
            assert times >= 1, f"{letter} is called sent and never arrived"
        if fault != "hang":  # unanswered, it is sent again under the same Message-ID: one letter to whoever reads it
            assert times == (letter.state == "sent"), (letter, letter.state, times)
    assert (states["dead"] > 0, states["sent"] > 0) == (fault == "no", fault != "no"), (fault, states)
    scene.say(f"{fault}: " + ", ".join(f"{count} {state}" for state, count in states.items() if count))


def _write(readers: list[User], fault: str) -> Any:
    now = clock.now()
    for number, reader in enumerate(readers):
        outbox.enqueue(
            f"{fault}:{number}",
            kind="trial",
            recipient=reader,
            subject=f"{fault} {number}",
            text="One letter.",
            now=now,
            promise=AT_MOST_ONCE if number % 4 == 3 else Notification.Promise.AT_LEAST_ONCE,
        )
    return Notification.objects.filter(effect_key__startswith=f"{fault}:").order_by("id")


def _untried(written: Any, fault: str) -> Any:
    """Letters that have not met the fault yet: those nobody said no to, or those of which no failure is known."""
    if fault in ("no", "slow"):
        return written.filter(state__in=["queued", "sending"])
    return written.filter(last_error="")


def _keys(written: Any) -> set[str]:
    return {str(key) for key in written.values_list("public_id", flat=True)}
