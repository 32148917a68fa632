"""`manage.py bench_routing [N]`: measures what routing costs, on an empty database that no worker works on."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from leads import clock
from leads.models import Lead, User
from sla.bench import report, routing
from sla.demo import company


class Command(BaseCommand):
    """Fills an empty database with waiting leads, measures, and empties it again."""

    help = "Measure routing, on an empty database without processes; it is emptied afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("n", nargs="?", type=int, default=routing.LEADS, metavar="N", help="Leads that wait.")
        parser.add_argument("--teams", type=int, default=routing.TEAMS, help="In how many teams the reps are.")
        parser.add_argument("--route", action="store_true", help="Be one of its processes: route who waits.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["route"]:
            reverse("home")  # what a process reads once is not counted
            self.stdout.write("ready")
            self.stdout.flush()
            sys.stdin.readline()
            self.stdout.write(json.dumps(routing.route_all()))
            return
        if User.objects.exists() or Lead.objects.exists():
            raise CommandError("This database is not empty. The bench fills a database of its own.")
        company.found(now=clock.now())
        server = report.settings_of_server()
        self.stdout.write(f"Letting {options['n']:,} leads wait ...")
        cost = routing.measure(options["n"], teams=options["teams"])
        call_command("flush", interactive=False, verbosity=0)
        durable = ", ".join(f"{name} {server[name]}" for name in ("fsync", "synchronous_commit", "full_page_writes"))
        self.stdout.write("\n".join([f"PostgreSQL {server['server_version']}, {durable}", *cost.lines(), ""]))
