"""Incidents: a part that fails is told to the admins once, and once more when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from leads import letters, outbox
from leads.models import Role, User
from leads.transactions import business
from sla.models import Incident
from sla.watching.health import RED, Health, Part

# A part that looks mended must stay so for a while before anybody is told; what flickers is one incident.
BELIEVED_AFTER = timedelta(seconds=60)
KIND = "alarm"


@business
def note(health: Health, *, now: datetime) -> list[Incident]:
    """Open an incident for each part that has turned red and close those that are over; returns what was told of."""
    told: list[Incident] = []
    for part in health.parts:
        incident = Incident.objects.select_for_update().filter(part=part.name, closed_at=None).first()
        if part.state == RED:
            told += _worsen(part, incident, now=now)
        elif incident is not None:
            told += _mend(incident, now=now)
    return told


def _worsen(part: Part, incident: Incident | None, *, now: datetime) -> list[Incident]:
    if incident is not None:
        if incident.well_since is not None:
            incident.well_since = None
            incident.save(update_fields=["well_since"])
        return []
    fresh = Incident(part=part.name, says=part.says[:300], opened_at=now)
    Incident.objects.bulk_create([fresh], ignore_conflicts=True)
    opened = Incident.objects.get(part=part.name, closed_at=None)
    if opened.opened_at != now:
        return []  # another process saw it in the same moment, and tells
    _tell(opened, over=False, now=now)
    return [opened]


def _mend(incident: Incident, *, now: datetime) -> list[Incident]:
    if incident.well_since is None:
        incident.well_since = max(now, incident.opened_at)
        incident.save(update_fields=["well_since"])
    if now - incident.well_since < BELIEVED_AFTER:
        return []
    incident.closed_at = now
    incident.save(update_fields=["closed_at"])
    _tell(incident, over=True, now=now)
    return [incident]


def admins() -> list[User]:
    """Who is told when the house itself fails."""
    known = User.objects.filter(Q(groups__name=Role.ADMIN) | Q(is_superuser=True), is_active=True)
    return list(known.distinct().order_by("id"))


def _tell(incident: Incident, *, over: bool, now: datetime) -> None:
    if not settings.ALARMS:
        return
    context: dict[str, Any] = {"incident": incident, "over": over, "url": f"{settings.BASE_URL}/status/"}
    for admin in admins():
        letter = letters.compose("sla/mail/alarm", context | {"to": admin.get_short_name()})
        outbox.enqueue(
            f"incident:{incident.pk}:{'over' if over else 'begun'}:{admin.pk}",
            kind=KIND,
            recipient=admin,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            now=now,
        )
