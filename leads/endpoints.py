"""Endpoints: added, changed, given a new secret, switched off and on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from leads import outbox
from leads.delivering import reaching
from leads.delivering.secrets import secret_of
from leads.errors import Invalid
from leads.models import Endpoint, Notification, Role, Team, Topic, User
from leads.transactions import business

# While receivers take a new secret in, the former one signs as well.
FORMER_SECRET_FOR = timedelta(days=1)


@business
def add(
    *,
    name: str,
    kind: str,
    url: str,
    events: Iterable[str],
    team: Team | None = None,
    by: User | None,
    now: datetime,
) -> tuple[Endpoint, str]:
    """Add an endpoint; returns it with its secret, which is shown this once (chats have none: it is empty).

    Raises Invalid for an address Baton must not call, or one that does not resolve.
    """
    made = Endpoint(name=name.strip(), kind=kind, team=team, created_at=now, created_by=by)
    _write(made, name=name, url=url, events=events)
    made.save()
    return made, secret_of(made) if made.kind == Endpoint.Kind.STANDARD else ""


@business
def change(
    endpoint_id: int, *, name: str, url: str, events: Iterable[str], team: Team | None, is_active: bool, now: datetime
) -> Endpoint:
    """Change what an endpoint is told and where; switched on again, it starts afresh. Raises Invalid."""
    endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint_id)
    _write(endpoint, name=name, url=url, events=events)
    endpoint.team = team
    if is_active:
        endpoint.disabled_at, endpoint.disabled_why = None, ""
        endpoint.held_until, endpoint.failures, endpoint.last_error = None, 0, ""
        endpoint.failing_since = None
    elif endpoint.is_active:
        endpoint.disabled_at, endpoint.disabled_why = now, "Switched off by hand."
    endpoint.is_active = is_active
    endpoint.save()
    if not is_active:
        _drop(endpoint, now=now)
    return endpoint


@business
def renew_secret(endpoint: Endpoint, *, now: datetime) -> str:
    """Make another secret and return it, shown this once; the former one signs as well for a day. Empty for chats."""
    if endpoint.kind != Endpoint.Kind.STANDARD:
        raise Invalid(f"{endpoint} is a chat's channel: it has no secret but its address.", field="kind")
    locked = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    locked.secret_number += 1
    locked.former_secret_until = now + FORMER_SECRET_FOR
    locked.save(update_fields=["secret_number", "former_secret_until"])
    return secret_of(locked)


@business
def disable(endpoint_id: int, *, why: str, now: datetime) -> None:
    """Switch an endpoint off because it said that it is gone: what waits for it is given up, and admins are told."""
    endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint_id)
    if not endpoint.is_active:
        return
    endpoint.is_active, endpoint.disabled_at, endpoint.disabled_why = False, now, why[:300]
    endpoint.save(update_fields=["is_active", "disabled_at", "disabled_why"])
    _drop(endpoint, now=now)
    keepers = User.objects.filter(is_active=True, groups__name__in=[Role.ADMIN, Role.REVOPS]).distinct()
    for person in keepers.order_by("pk") or User.objects.filter(is_active=True, is_superuser=True).order_by("pk"):
        outbox.enqueue(
            f"endpoint:{endpoint.pk}:disabled:{now.timestamp()}:user:{person.pk}",
            kind="endpoint disabled",
            topic=Topic.OPERATIONS,
            recipient=person,
            subject=f"Switched off: {endpoint.name}",
            text=(
                f"Hello {person.get_short_name()},\n\nthe endpoint “{endpoint.name}” was switched off: {why}\n"
                f"Nothing is sent to it any more, and what waited for it stands as given up.\n\n"
                f"See to it: {settings.BASE_URL}/admin/leads/endpoint/{endpoint.pk}/change/\n"
            ),
            now=now,
        )


def _drop(endpoint: Endpoint, *, now: datetime) -> None:
    """What still waits for an endpoint that is off is given up; it can be sent again once it is on."""
    waiting = Notification.objects.filter(endpoint=endpoint, state=Notification.State.QUEUED)
    outbox.give_up(waiting, why=f"{endpoint.name} is switched off.", now=now)


def _write(endpoint: Endpoint, *, name: str, url: str, events: Iterable[str]) -> None:
    listens = sorted(set(events))
    fields: dict[str, Any] = {"name": name.strip()[:120], "url": url.strip(), "events": listens}
    if not fields["name"]:
        raise Invalid("Give the endpoint a name.", field="name")
    if not listens:
        raise Invalid("Choose at least one event the endpoint is told of.", field="events")
    try:
        reaching.judge(fields["url"], may_reach=settings.WEBHOOKS_MAY_REACH)
    except reaching.Unreachable as error:
        raise Invalid(f"{error}. Give an address that can be reached.", field="url") from error
    for field, value in fields.items():
        setattr(endpoint, field, value)
