"""Signing secrets of endpoints: derived from SECRET_KEY, so that a copy of the database signs nothing.

A secret must be had again for every signature, so a hash of it would not do, and a stored one could be stolen. It is
HMAC-SHA256 of the endpoint and the number of its secret under SECRET_KEY. A new SECRET_KEY makes new secrets; those of
SECRET_KEY_FALLBACKS sign beside it for as long as they are listed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from django.conf import settings
from standardwebhooks.webhooks import Webhook

from leads.models import Endpoint


def secret_of(endpoint: Endpoint, *, number: int | None = None, key: str | None = None) -> str:
    """The secret as the receiver keeps it: `whsec_…`."""
    name = f"baton.endpoint:{endpoint.public_id}:{number or endpoint.secret_number}"
    raw = hmac.new((key or settings.SECRET_KEY).encode(), name.encode(), hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(raw).decode()


def sign(endpoint: Endpoint, message_id: str, body: str, *, now: datetime) -> dict[str, str]:
    """The headers of one sending, after Standard Webhooks: a stable id, this try's time, and the signatures."""
    numbers = [endpoint.secret_number]
    if endpoint.former_secret_until is not None and endpoint.former_secret_until > now:
        numbers.append(endpoint.secret_number - 1)
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    signatures = [
        Webhook(secret_of(endpoint, number=number, key=key)).sign(message_id, now, body)
        for number in numbers
        for key in keys
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
