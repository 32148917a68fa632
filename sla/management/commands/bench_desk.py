"""`manage.py bench_desk --url URL [N]`: measures the pages of the desk, on an empty database whose web process runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from leads import clock
from leads.models import Lead, User
from sla.bench import desk, report


class Command(BaseCommand):
    """Fills an empty database with the demo and many leads beside it, measures, and empties it again."""

    help = "Measure inbox, lead page and board, on an empty database whose web process runs; it is emptied afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "n", nargs="?", type=int, default=1_000_000, metavar="N", help="Leads; a fifth is on offer."
        )
        parser.add_argument("--url", required=True, help="Where the web processes of this database answer.")
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write the figures to this file as well.")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists() or Lead.objects.exists():
            raise CommandError("This database is not empty. The bench fills a database of its own.")
        call_command("seed_demo", stdout=self.stdout)
        server = report.settings_of_server()
        activities = desk.fill(options["n"], now=clock.now(), say=self.stdout.write)
        found = desk.measure(options["n"], activities, url=options["url"])
        call_command("flush", interactive=False, verbosity=0)
        self.stdout.write("\n".join([f"PostgreSQL {server['server_version']}", *found.lines(), ""]))
        if options["json"]:
            options["json"].write_text(json.dumps(found.as_json(), indent=2) + "\n")
