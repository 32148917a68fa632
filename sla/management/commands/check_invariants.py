"""`manage.py check_invariants`: prove on any database what the design promises."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

import leads.invariants
import scoring.invariants
import sla.invariants
from leads.invariants import Check


def all_checks() -> list[Check]:
    """Those of every floor, by number."""
    floors = (leads.invariants, scoring.invariants, sla.invariants)
    return sorted((check for floor in floors for check in floor.CHECKS), key=lambda check: check.number)


class Command(BaseCommand):
    help = "Check the invariants of the design on this database; ends with an error where one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--show", type=int, default=10, help="How many offending rows to show of each (10).")

    def handle(self, *args: Any, show: int, **options: Any) -> None:
        broken = 0
        alone = not connection.in_atomic_block
        with transaction.atomic():
            if alone:
                # One picture of the whole, while others go on writing.
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for check in all_checks():
                found = list(islice(check.find(), show + 1))
                broken += bool(found)
                mark = "BROKEN" if found else "ok"
                self.stdout.write(f"{check.number:>2}  {mark:<6}  {check.name}")
                for sentence in found[:show]:
                    self.stdout.write(f"            {sentence}")
                if len(found) > show:
                    self.stdout.write("            … and more.")
        if broken:
            raise CommandError(f"{broken} of {len(all_checks())} checks found something. See above.")
        self.stdout.write(f"All {len(all_checks())} checks hold.")
