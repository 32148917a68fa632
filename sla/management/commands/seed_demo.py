"""`manage.py seed_demo`: fills an empty database with the demo company and six weeks of its life."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leads import clock
from leads.models import Lead, Source, User
from leads.transactions import business
from sla.demo import company
from sla.demo.weeks import WEEKS, Weeks


class Command(BaseCommand):
    """Seeds once; a database with leads or users of its own is left alone."""

    help = "Fill an empty database with the demo company and some weeks of plausible history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="Do nothing, quietly, where there is something already."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists() or Lead.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError("This database is not empty. The demo company only moves into an empty one.")
        began = time.monotonic()
        self.stdout.write("Living six weeks at the demo company ...")
        self.seed()
        self.stdout.write(f"{Lead.objects.count()} leads, seeded in {time.monotonic() - began:.0f} s.")

    @business
    def seed(self) -> None:
        """All or nothing: a demo that was interrupted begins anew."""
        now = clock.now()
        company.found(now=now - WEEKS)
        Weeks(end=now, source=Source.objects.get(), say=self.stdout.write).live()
