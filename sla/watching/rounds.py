"""One round of the watch, made by the clock process, by a worker and by the web alike: each sees the others stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from sla.models import Incident
from sla.watching import beats, canary, health, incidents

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


def broker_answers() -> bool:
    """Whether Valkey can be reached; asked with little patience."""
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=0.3, socket_connect_timeout=0.3) as server:
            return bool(server.ping())
    except (RedisError, OSError, ValueError):
        return False


def look(clock: Clock) -> list[Incident]:
    """Look how the house is, and tell the admins what has begun or is over."""
    now = clock()
    told = incidents.note(health.examine(has_broker=broker_answers(), now=now), now=now)
    for incident in told:
        log.warning("incident_over" if incident.closed_at else "incident", part=incident.part, says=incident.says)
    return told


def keep_house(clock: Clock) -> None:
    """What the clock process does for the watch: arm the minute's canary, and forget old signs."""
    now = clock()
    canary.arm(now=now)
    canary.forget(now=now)
    beats.forget(now=now)
