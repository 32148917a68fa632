"""The clock process: `manage.py runclock`."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leads import clock
from sla import clockwork


class Command(BaseCommand):
    help = (
        "Runs the SLA clocks and the sweeps. Any number of copies may run, on any number of hosts; "
        "SIGTERM ends one after what it is working on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Do everything that is due now, then end.")

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        if once:
            done = clockwork.run_once(clock.now)
            self.stdout.write(f"{done} done.")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write("The clocks run.")
        clockwork.run(clock.now, stop)
