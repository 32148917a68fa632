"""Test leads: they go the whole way, to see that the way is open, and are in no figure."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from leads.intake import take_in
from leads.models import AttributeChange, Identity, Lead, Source, Stage
from leads.sources import create_source
from leads.transactions import business
from leads.wire import Envelope, read_event

SOURCE: Final = "Baton's test leads"
TRAITS: Final = {"firstName": "Test", "lastName": "Lead", "title": "Director of Testing"}


@business
def send_test(activities: list[str], *, now: datetime) -> Lead:
    """Make a test lead who does these things now. From here on it is treated like any other."""
    email = f"test-{uuid.uuid4().hex[:8]}@test.example"
    lead = Lead.objects.create(email=email, is_test=True, stage=Stage.SUBSCRIBER, stage_at=now, created_at=now)
    Identity.objects.create(kind=Identity.Kind.EMAIL, value=email, lead=lead, bound_at=now)
    AttributeChange.objects.create(lead=lead, attribute="email", value=email, known_at=now)
    source = Source.objects.filter(name=SOURCE).first() or create_source(SOURCE, kind=Source.Kind.SERVER)[0]
    calls: list[dict[str, object]] = [{"type": "identify", "traits": {**TRAITS, "email": email}}]
    calls += [{"type": "track", "event": name, "properties": {"test": True}} for name in activities]
    events = [
        read_event(
            None,
            {**call, "anonymousId": email, "messageId": f"{email}-{number}"},
            Envelope(),
            received_at=now,
        )
        for number, call in enumerate(calls)
    ]
    take_in(events, source=source, now=now)
    return lead
