"""Questions to working time over the API, as tests ask them."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.test import APIClient

from leads.keys import digest, new_key
from leads.models import ApiKey, User

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
LUNCH = [["09:00", "12:30"], ["13:30", "18:00"]]
BERLIN = {"time_zone": "Europe/Berlin", "weekly": dict.fromkeys(WORKDAYS, LUNCH)}
NEW_YORK = {"time_zone": "America/New_York", "weekly": dict.fromkeys(WORKDAYS, [["09:00", "17:00"]])}
TUESDAY = "2026-03-03T15:00:00-05:00"


def api(user: User) -> APIClient:
    """A program with a key of this user; an error inside is answered, as it would be in earnest."""
    key = new_key("ak")
    ApiKey.objects.create(user=user, name="test", prefix=key[:8], key_hash=digest(key))
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


def ask(client: APIClient, path: str, body: Any) -> Any:
    """Body may be bytes, sent as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/api/v1/{path}/", raw, content_type="application/json")


def deadline(client: APIClient, **body: Any) -> dict[str, Any]:
    answer = ask(client, "deadline", body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def elapsed(client: APIClient, **body: Any) -> dict[str, Any]:
    answer = ask(client, "elapsed", body)
    assert answer.status_code == 200, answer.content
    return answer.json()
