"""The pages of the admin as a browser sees them: opened, filled in, sent."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from leads.models import Role
from tests import desk

NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>"
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


class Page(HTMLParser):
    """What a browser would post of a page's forms, as it stands."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._select: str | None = None
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "input" and name and "disabled" not in given:
            kind = given.get("type", "text")
            if kind in ("submit", "button") or (kind in ("checkbox", "radio") and "checked" not in given):
                return
            self.fields.setdefault(name, []).append(given.get("value", "on" if kind == "checkbox" else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.fields.setdefault(self._select, []).append(given.get("value", ""))
        elif tag == "textarea":
            self._area = name
            self.fields[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        self._select = None if tag == "select" else self._select
        self._area = None if tag == "textarea" else self._area

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area][0] += data.removeprefix("\n") if not self.fields[self._area][0] else data


def signed_in(*roles: str, superuser: bool = False) -> Client:
    user = desk.person(roles[0] if roles else Role.ADMIN, "Robin Page")
    user.groups.set(Group.objects.filter(name__in=roles))
    user.is_staff, user.is_superuser = True, superuser
    user.save()
    client = Client()
    client.force_login(user)
    client.user = user  # type: ignore[attr-defined]
    return client


def address(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def post(client: Client, url: str, **changes: Any) -> Any:
    """Open a page, change some of its boxes, and send it, as a browser would."""
    fields = Page(client.get(url).content.decode()).fields
    fields = {name: value for name, value in fields.items() if "__prefix__" not in name and name != "action"}
    if fields.get("why") == [""]:
        fields["why"] = ["As agreed on Monday"]
    return client.post(url, fields | changes)


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "it was saved"
    return {name: list(told) for name, told in response.context["adminform"].form.errors.items()}
