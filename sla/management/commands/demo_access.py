"""`manage.py demo_access --json`: how to get into the demo, for the terminal and for scripts."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leads import clock
from leads.models import User
from sla.demo import company


class Command(BaseCommand):
    """Prints the write key, a fresh API key and the log-ins of the demo company."""

    help = "Print the demo's write key, a new API key (the last one is revoked) and its log-ins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="As JSON, for scripts.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not User.objects.filter(email=company.PEOPLE[0].email).exists():
            raise CommandError("There is no demo company in this database. Run: manage.py seed_demo")
        access = {
            "write_key": company.write_key(),
            "api_key": company.renew_api_key(now=clock.now()),
            "users": [
                {"role": person.role.value, "email": person.email, "password": company.password()}
                for person in company.PEOPLE
            ],
        }
        if options["json"]:
            self.stdout.write(json.dumps(access))
            return
        for name, value in access.items():
            self.stdout.write(f"{name}: {value}")
