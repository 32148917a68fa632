"""A posted form becomes facts: who it was, what they asked for, what they allowed. Once, however often it is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from django.utils.crypto import salted_hmac

from leads import bulk
from leads.intake import take_in
from leads.models import Receipt, WebForm
from leads.receipts import RefusedEntry, keep_refused
from leads.transactions import business
from leads.webform.fields import Sent
from leads.wire import MAX_EVENT_BYTES, Envelope, Event, read_event

# The same words again within this many seconds are the same sending: a second click, a reload, an impatient retry.
SAME_WITHIN: Final = 600


@business
def take(form: WebForm, sent: Sent, *, now: datetime, user_agent: str = "") -> bool:
    """Take in what somebody sent; False if it was a repetition.

    By the rule of public keys: it records, and fills what is empty; it never overwrites, binds anew or merges.
    """
    digest = _digest(sent)
    # Two that are sent at once: the second waits for the first, and sees it.
    bulk.run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"form {form.pk} {digest}"])
    slot = int(now.timestamp()) // SAME_WITHIN
    if _was_sent(form, digest, slot, now=now):
        return False
    events = _events(form, sent, f"form-{form.pk}-{digest}-{slot}", user_agent, now=now)
    take_in(events, source=form.source, now=now, bodies=[body_of(sent.fields)] * len(events))
    return True


@business
def keep_aside(form: WebForm, sent: Sent, *, code: str, sentence: str, now: datetime) -> None:
    """Keep among the refused items what looks like a machine's, so that a person can see what was not taken in."""
    entry = RefusedEntry(0, code, sentence, body_of(sent.fields), "")
    keep_refused([entry], source_id=form.source_id, now=now)


def body_of(fields: Sequence[tuple[str, str]]) -> bytes:
    """The fields as they are kept where they are refused."""
    return json.dumps(dict(fields)).encode()[:MAX_EVENT_BYTES]


def _digest(sent: Sent) -> str:
    said = json.dumps([sorted(sent.fields), sent.email], separators=(",", ":"))
    return blake2b(said.encode(), digest_size=16).hexdigest()


def _was_sent(form: WebForm, digest: str, slot: int, *, now: datetime) -> bool:
    names = [f"form-{form.pk}-{digest}-{each}-t" for each in (slot, slot - 1)]
    sent = Receipt.objects.filter(source_id=form.source_id, message_id__in=names).values_list("received_at", flat=True)
    return any((now - at).total_seconds() < SAME_WITHIN for at in sent)


def _events(form: WebForm, sent: Sent, name: str, user_agent: str, *, now: datetime) -> list[Event]:
    """Who they are, and what they did; and that a browser we may have seen before is theirs."""
    # A browser may be known as somebody else: what is sent here belongs to the address that stands in it.
    known_as = f"form-{salted_hmac('leads.webform', sent.email, algorithm='sha256').hexdigest()[:40]}"
    context: dict[str, Any] = {"page": dict(sent.page), "campaign": dict(sent.campaign), "library": {"name": "form"}}
    if user_agent:
        context["userAgent"] = user_agent
    did: dict[str, Any] = {"form": form.name}
    if sent.message:
        did["message"] = sent.message
    calls: list[Mapping[str, Any]] = [
        {"type": "identify", "anonymousId": known_as, "traits": dict(sent.traits), "messageId": f"{name}-i"},
        {"type": "track", "anonymousId": known_as, "event": form.activity, "properties": did, "messageId": f"{name}-t"},
    ]
    if sent.browser:
        also = {"type": "identify", "anonymousId": sent.browser, "traits": {"email": sent.email}}
        calls.append({**also, "messageId": f"{name}-b"})
    return [read_event(None, {**call, "context": context}, Envelope(), received_at=now) for call in calls]
