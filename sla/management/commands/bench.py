"""`manage.py bench --url URL [N]`: measures intake, scoring and the way to the offer, in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from leads import clock
from leads.models import Lead, Source, User
from scoring.models import DefinitionVersion, Score
from sla.bench import definitions, intake, offers, people, report, rescoring
from sla.demo import company
from sla.models import Rep


class Command(BaseCommand):
    """Fills an empty database, whose web, worker and clock are running, and measures them."""

    help = "Measure intake, re-scoring and the delay to the offer, on an empty database whose processes are running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("n", nargs="?", type=int, default=100_000, metavar="N", help="Leads, and activities sent.")
        parser.add_argument("--url", required=True, help="Where the web processes of this database answer.")
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write the figures to this file as well.")
        parser.add_argument("--plans", type=Path, default=settings.BASE_DIR / "var" / "bench", help="Where plans go.")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists() or Lead.objects.exists():
            raise CommandError("This database is not empty. The bench fills a database of its own.")
        if options["n"] < 1000:
            raise CommandError("N is at least 1,000.")
        found = self.measure(options["n"], options["url"], options["plans"])
        self.stdout.write("\n".join(["", *found.lines()]))
        self.stdout.write(f"\nThe whole plans are in {options['plans']}.")
        if options["json"]:
            options["json"].write_text(json.dumps(found.as_json(), indent=2) + "\n")

    def measure(self, n: int, url: str, plans: Path) -> report.Report:
        now = clock.now()
        company.found(now=now)
        Rep.objects.update(capacity=1_000_000)
        source, write_key = Source.objects.get(), company.write_key()
        self.stdout.write(f"Making {n:,} leads with {people.ACTIVITIES_EACH} activities each ...")
        activities = people.populate(n, source=source, now=now)
        rescored = self._rescore(plans)
        self.stdout.write(f"Sending {n:,} activities ...")
        taken = intake.measure(n, url=url, write_key=write_key, source=source)
        self.stdout.write("Sending hot leads, while it is quiet and beside others ...")
        delays = {
            "idle": offers.idle(url=url, write_key=write_key),
            "intake at half pace": offers.under_intake("half", pace=taken.http / 2, url=url, write_key=write_key),
            "intake at full pace": offers.under_intake("full", pace=0.0, url=url, write_key=write_key),
        }
        return report.Report(n, activities, report.settings_of_server(), rescored, taken, delays)

    def _rescore(self, plans: Path) -> list[rescoring.Rescored]:
        classic = DefinitionVersion.objects.get(state=DefinitionVersion.State.PUBLISHED)
        now, by = clock.now(), User.objects.get(email=f"theo@{company.DOMAIN}")
        versions = {
            "classic": classic,
            "counting": definitions.widened(classic, "Counting", definitions.COUNTING, now=now, by=by),
            "decaying": definitions.widened(classic, "Decaying", definitions.DECAYING, now=now, by=by),
        }
        found = []
        for name, version in versions.items():
            self.stdout.write(f"Re-scoring everybody, {name} criteria ...")
            found.append(rescoring.rescore(name, version, now=now, plans=plans))
        # Scores of drafts would come up for reassessment while the rest is measured.
        Score.objects.exclude(definition=classic.definition).delete()
        return found
