"""A published definition of the classic criteria, and leads that act."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads.marking import mark
from leads.models import Account, Activity, ActivityType, AttributeChange, Lead, Source, Stage, User
from scoring.assessment import assess
from scoring.models import DefinitionVersion, Episode, Qualification, Score
from sla.demo.company import define


@dataclass
class Floor:
    """The scoring floor with one definition in force, published ten days ago."""

    version: DefinitionVersion
    source: Source
    marketer: User
    numbers: Any = field(default_factory=itertools.count)

    def lead(self, *, now: datetime, employees: int | None = 120, **columns: Any) -> Lead:
        """A person we came to know a day ago."""
        known = now - timedelta(days=1)
        number = next(self.numbers)
        account = Account.objects.create(
            name="Brightforge", domain=f"b{number}.example", employees=employees, created_at=known
        )
        values = {"seniority": "director", "domain_kind": "company", "email": f"d{number}@b{number}.example"} | columns
        lead = Lead.objects.create(account=account, stage=Stage.LEAD, stage_at=known, created_at=known, **values)
        for name, value in [*values.items(), ("account", account.pk)]:
            if name in ("seniority", "domain_kind", "email", "email_permission", "phone_permission", "account"):
                AttributeChange.objects.create(lead=lead, attribute=name, value=value, known_at=known)
        if employees is not None:
            AttributeChange.objects.create(account=account, attribute="employees", value=employees, known_at=known)
        return lead

    def act(
        self, lead: Lead, name: str, at: datetime, *, times: int = 1, late: timedelta = timedelta(), origin: str = "api"
    ) -> Activity:
        """The lead does something; we hear of it `late`. Marks the lead, as intake does."""
        kind, _ = ActivityType.objects.get_or_create(name=name, defaults={"first_seen_at": at})
        heard = at + late
        for _ in range(times):
            row = Activity.objects.create(
                lead=lead,
                type=kind,
                occurred_at=at,
                received_at=heard,
                known_at=heard,
                source=self.source,
                message_id=f"m{next(self.numbers)}",
                origin=origin,
            )
        mark([lead.pk], now=heard)
        return row

    def judge(self, now: datetime) -> None:
        """Assess until nothing is marked."""
        while assess(now=now):
            pass

    def score(self, lead: Lead) -> Score:
        return Score.objects.get(lead=lead)

    def episode(self, lead: Lead) -> Episode | None:
        return Episode.objects.filter(lead=lead, closed_at=None).first()

    def waiting(self, lead: Lead) -> list[Qualification]:
        return list(Qualification.objects.filter(lead=lead, waiting=True))


@pytest.fixture
def floor(db: None, now: datetime) -> Floor:
    marketer = User.objects.create_user("theo@example.com", full_name="A marketer")
    source = Source.objects.create(name="Product", kind="server", write_key_hash="x" * 64)
    version = define(now=now - timedelta(days=10), by=marketer)
    return Floor(version=version, source=source, marketer=marketer)
