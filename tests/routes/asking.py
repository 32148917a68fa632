"""Ask a door as somebody, and leave no trace: every request runs in a savepoint that is rolled back."""

from __future__ import annotations

import json
from http.cookies import SimpleCookie
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from tests.routes.answers import ANONYMOUS, Row
from tests.routes.walking import filled
from tests.routes.world import ANY, World


class Asker:
    """Sends what a browser, or a program with a key, would send; an error inside is raised here."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clients = {ANONYMOUS: Client()}
        for role, user in world.people.items():
            self.clients[role] = Client()
            self.clients[role].force_login(user)
        self.cookies = {viewer: client.cookies.output(header="") for viewer, client in self.clients.items()}

    def ask(self, row: Row, viewer: str, relation: str = ANY, *, method: str = "") -> HttpResponse:
        """The answer to this viewer about the thing that stands so to them."""
        thing = self.world.things[row.thing][relation]
        with transaction.atomic():
            more = row.given(self.world, thing) if row.given is not None else {}
            body = {**thing.body, **row.body, **more}
            answer = self.send(method or row.method, filled(row.path, thing.kwargs), viewer, body)
            transaction.set_rollback(True)
        return answer

    def send(
        self, method: str, path: str, viewer: str, body: dict[str, Any] | None = None, *, key: str = ""
    ) -> HttpResponse:
        """One request, with a session for pages and with the key of that role, or another, for programs."""
        headers: dict[str, str] = {}
        client = self.clients[viewer]
        client.cookies = SimpleCookie(self.cookies[viewer])  # also after somebody logged out
        if path.startswith("/api/v1/"):
            client = self.clients[ANONYMOUS]
            key = key or self.world.keys.get(viewer, "")
        if key:
            headers = {"Authorization": f"Bearer {key}"}
        options: dict[str, Any] = {"data": body or {}} if method in ("GET", "POST") else {}
        if path.startswith(("/api/", "/v1/")) and method != "GET":
            options = {"data": json.dumps(body or {}), "content_type": "application/json"}
        with transaction.atomic():
            answer: HttpResponse = getattr(client, method.lower())(path, headers=headers, **options)
            transaction.set_rollback(True)
        return answer
