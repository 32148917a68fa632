"""Endpoints: added, changed, given a new secret, switched off and on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from django.conf import settings

from leads import outbox
from leads.delivering import reaching
from leads.delivering.secrets import secret_of
from leads.errors import Invalid
from leads.models import Endpoint, EndpointChange, Notification, Role, Team, Topic, User
from leads.transactions import business

# While receivers take a new secret in, the former one signs as well.
FORMER_SECRET_FOR = timedelta(days=1)
LONGEST_NAME = 120

What = EndpointChange.What


class Wanted(TypedDict, total=False):
    """What may be changed of an endpoint; what is left out stays as it is."""

    name: str
    url: str
    events: Iterable[str]
    team: Team | None
    is_active: bool


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
    if kind not in Endpoint.Kind.values:
        raise Invalid(f"kind: {kind} is not known; give one of {', '.join(Endpoint.Kind.values)}.", field="kind")
    made = Endpoint(kind=kind, team=team, created_at=now, created_by=by)
    _write(made, name=name, url=url, events=events)
    made.save()
    _note(made, What.ADDED, by=by, now=now)
    return made, secret_of(made) if made.kind == Endpoint.Kind.STANDARD else ""


@business
def change(endpoint_id: int, *, by: User | None, now: datetime, **wanted: Unpack[Wanted]) -> Endpoint:
    """Change what an endpoint is told and where, or switch it off or on; one that is on then starts afresh.

    Off, what waits for it is given up, and can be sent again once it is on. Raises Invalid.
    """
    endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint_id)
    before = {field: getattr(endpoint, field) for field in ("name", "url", "events", "team")}
    _write(
        endpoint,
        name=wanted.get("name", endpoint.name),
        url=wanted.get("url"),
        events=wanted.get("events", endpoint.events),
    )
    endpoint.team = wanted.get("team", endpoint.team)
    changed = [name for name, value in before.items() if getattr(endpoint, name) != value]
    endpoint.save()
    if changed:
        named = ["address" if name == "url" else name for name in changed]
        _note(endpoint, What.CHANGED, said=", ".join(named), by=by, now=now)
    is_active = wanted.get("is_active", endpoint.is_active)
    if is_active:
        _switch_on(endpoint, by=by, now=now)
    elif endpoint.is_active:
        _switch_off(endpoint, why="Switched off by hand.", by=by, now=now)
    return endpoint


@business
def renew_secret(endpoint: Endpoint, *, by: User | None, now: datetime) -> str:
    """Make another secret and return it, shown this once; the former one signs as well for a day. Empty for chats."""
    if endpoint.kind != Endpoint.Kind.STANDARD:
        raise Invalid(f"{endpoint} is a chat's channel: it has no secret but its address.", field="kind")
    locked = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    locked.secret_number += 1
    locked.former_secret_until = now + FORMER_SECRET_FOR
    locked.save(update_fields=["secret_number", "former_secret_until"])
    _note(locked, What.RENEWED, by=by, now=now)
    return secret_of(locked)


@business
def disable(endpoint_id: int, *, why: str, now: datetime) -> None:
    """Switch an endpoint off because it said that it is gone: what waits for it is given up, and admins are told."""
    endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint_id)
    if not endpoint.is_active:
        return
    _switch_off(endpoint, why=why, by=None, now=now)
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


def _switch_on(endpoint: Endpoint, *, by: User | None, now: datetime) -> None:
    """It starts afresh: as if it had never failed."""
    if not endpoint.is_active:
        _note(endpoint, What.ON, by=by, now=now)
    endpoint.is_active, endpoint.disabled_at, endpoint.disabled_why = True, None, ""
    endpoint.held_until, endpoint.failures, endpoint.failing_since, endpoint.last_error = None, 0, None, ""
    endpoint.save()


def _switch_off(endpoint: Endpoint, *, why: str, by: User | None, now: datetime) -> None:
    """What still waits for it is given up."""
    endpoint.is_active, endpoint.disabled_at, endpoint.disabled_why = False, now, why[:300]
    endpoint.save(update_fields=["is_active", "disabled_at", "disabled_why"])
    _note(endpoint, What.OFF, said=why, by=by, now=now)
    waiting = Notification.objects.filter(endpoint=endpoint, state=Notification.State.QUEUED)
    outbox.give_up(waiting, why=f"{endpoint.name} is switched off.", now=now)


def _note(endpoint: Endpoint, what: str, *, said: str = "", by: User | None, now: datetime) -> None:
    EndpointChange.objects.create(endpoint=endpoint, what=what, said=said[:300], by=by, at=now)


def _write(endpoint: Endpoint, *, name: str, url: str | None, events: Iterable[str]) -> None:
    """Judge what was given and set it; without an address, the endpoint keeps the one it has."""
    endpoint.name, endpoint.events = name.strip(), sorted(set(events))
    if not endpoint.name or len(endpoint.name) > LONGEST_NAME:
        raise Invalid(f"name: give the endpoint a name of at most {LONGEST_NAME} letters.", field="name")
    if Endpoint.objects.filter(name=endpoint.name).exclude(pk=endpoint.pk).exists():
        raise Invalid(f"name: there is an endpoint called “{endpoint.name}” already; give another name.", field="name")
    if not endpoint.events:
        raise Invalid("events: choose at least one event the endpoint is told of.", field="events")
    if url is None:
        return
    endpoint.url = url.strip()
    try:
        reaching.judge(endpoint.url, may_reach=settings.WEBHOOKS_MAY_REACH)
    except reaching.Unreachable as error:
        raise Invalid(f"url: {error}. Give an address that can be reached.", field="url") from error
