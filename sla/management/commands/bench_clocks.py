"""`manage.py bench_clocks [N]`: measures what clocks cost, on an empty database that no clock process works on."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from leads import clock
from leads.models import Lead, User
from sla.bench import firing, report
from sla.demo import company


class Command(BaseCommand):
    """Fills an empty database with open clocks, measures, and empties it again."""

    help = "Measure finding and firing due clocks, on an empty database without processes; it is emptied afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("n", nargs="?", type=int, default=1_000_000, metavar="N", help="Open clocks.")
        parser.add_argument("--fire", action="store_true", help="Be one of its processes: fire what is due.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["fire"]:
            self.stdout.write("ready")
            self.stdout.flush()
            sys.stdin.readline()
            self.stdout.write(json.dumps(firing.fire_all()))
            return
        if User.objects.exists() or Lead.objects.exists():
            raise CommandError("This database is not empty. The bench fills a database of its own.")
        company.found(now=clock.now())
        server = report.settings_of_server()
        self.stdout.write(f"Making {options['n']:,} open clocks ...")
        cost = firing.measure(options["n"])
        call_command("flush", interactive=False, verbosity=0)
        durable = ", ".join(f"{name} {server[name]}" for name in ("fsync", "synchronous_commit", "full_page_writes"))
        self.stdout.write("\n".join([f"PostgreSQL {server['server_version']}, {durable}", *cost.lines(), ""]))
