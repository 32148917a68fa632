"""Who opens the admin, and a company with a row of everything."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from leads.keys import digest
from leads.models import (
    Account,
    ApiKey,
    Endpoint,
    IdentityConflict,
    Job,
    Lead,
    Notification,
    RefusedItem,
    Role,
    Source,
    WebForm,
)
from scoring.models import Qualification, Score
from sla.models import Absence, Shadow
from tests import desk
from tests.admin.pages import NASTY, signed_in


@pytest.fixture
def boss() -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def shop(now: datetime) -> desk.Company:
    """A company in which every kind of row exists, with names that try to break out."""
    made = desk.company(now)
    handoff = made.accepted(now=now)
    lead = handoff.episode.lead
    account = Account.objects.create(name=NASTY, domain="nasty.example", created_at=now)
    Lead.objects.filter(pk=lead.pk).update(first_name=NASTY, title=NASTY, account=account, traits={NASTY: NASTY})
    source = Source.objects.create(name=NASTY, kind="import")
    RefusedItem.objects.create(
        source=source, received_at=now, code="bad", sentence=NASTY, body=NASTY.encode() + b"\xff\x00"
    )
    website = Source.objects.create(name="Website", kind="browser", write_key_hash=digest("w"), origins=[NASTY[:200]])
    WebForm.objects.create(source=website, name=NASTY, activity=NASTY)
    other = made.lead(now=now)
    IdentityConflict.objects.create(lead=lead, other=other, kind="email", noticed_at=now)
    ApiKey.objects.create(user=made.manager, name=NASTY, prefix="ak_12345", key_hash=digest("x"))
    Job.objects.create(kind="import", title=NASTY, started_at=now, report={"why": NASTY})
    Absence.objects.create(rep=made.ada, starts_at=now + timedelta(days=3), ends_at=now + timedelta(days=4), why=NASTY)
    Notification.objects.create(
        effect_key="k", kind="breach", recipient=made.manager, to_address="m@x.example", subject=NASTY, text=NASTY,
        lead=lead, state="dead", created_at=now, not_before=now, settled_at=now, last_error=NASTY,
    )  # fmt: skip
    listens = {"kind": "slack", "url": "https://hooks.example/in", "events": ["clock.breached"]}
    Endpoint.objects.create(name=NASTY, created_at=now, created_by=made.manager, last_error=NASTY, **listens)
    sums = {"fit": 20_000, "engagement": 60_500, "total": 80_500}
    Score.objects.create(
        lead=lead, definition=made.definition, version=made.version, as_of=now, engagement_ever=60_500, tier="hot",
        shares={NASTY: 1500}, meets=True, is_cooled=False, **sums,
    )  # fmt: skip
    Qualification.objects.create(
        lead=other, definition=made.definition, version=made.version, at=now, kind="standing", waiting=True, tier="hot",
        sentence=NASTY, reasons=[{"label": NASTY}], deciding={}, received_at=now, **sums,
    )  # fmt: skip
    Shadow.objects.create(team=made.team, why=NASTY, began_at=now, ended_at=now, ending="stand")
    desk.act(lead, NASTY, at=now)
    return made
