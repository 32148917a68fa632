"""Bodies and events as clients send them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any

from leads import wire
from leads.intake import Receipted, take_in
from leads.models import Source

_numbers = count(1)


def call(kind: str, **members: Any) -> dict[str, Any]:
    """One event; a message id of its own unless one is given."""
    return {"type": kind, "messageId": f"m-{next(_numbers)}", **members}


def events(
    *calls: dict[str, Any], received_at: datetime, envelope: wire.Envelope | None = None
) -> list[wire.Event | wire.Refusal]:
    """What the wire makes of these calls."""
    found: list[wire.Event | wire.Refusal] = []
    for each in calls:
        try:
            found.append(wire.read_event(None, each, envelope or wire.Envelope(), received_at=received_at))
        except wire.Refusal as refusal:
            found.append(refusal)
    return found


def send(source: Source, *calls: dict[str, Any], now: datetime, origin: str = "api") -> Receipted:
    """Take in these calls as one batch."""
    bodies = [json.dumps(each).encode() for each in calls]
    return take_in(events(*calls, received_at=now), source=source, now=now, bodies=bodies, origin=origin)


def batch(calls: Sequence[Any], **members: Any) -> bytes:
    """The body of a batch."""
    return json.dumps({"batch": list(calls), **members}).encode()


def basic(key: str, *, colon: bool = True) -> dict[str, str]:
    """The header that shows a write key."""
    text = base64.b64encode(f"{key}:".encode() if colon else key.encode()).decode()
    return {"HTTP_AUTHORIZATION": f"Basic {text}"}
