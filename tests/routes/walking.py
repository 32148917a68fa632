"""Which routes there are: read off the URL resolver, so that none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

ADMIN = "/admin/"
# What the admin makes of every model; `test_admin` asks these by model. The rest of it are pages of our own.
OF_EVERY_MODEL = ("_changelist", "_add", "_change", "_delete", "_history")
OF_DJANGO = ("index", "login", "logout", "search", "password_change", "password_change_done", "autocomplete", "jsi18n")
OF_DJANGO_TOO = ("view_on_site", "app_list")


class Route(NamedTuple):
    """One address, with the names of what varies in it."""

    path: str
    name: str
    callback: Any


def routes() -> list[Route]:
    """Every route, those of the admin as far as they are pages of our own."""
    found = [route for route in _walk(get_resolver().url_patterns, "/") if not _is_djangos(route)]
    assert len(found) > 100, "the resolver was not read"
    return found


def filled(path: str, kwargs: Mapping[str, object]) -> str:
    """The address of one thing: `/leads/<public_id>/` with its id."""
    return re.sub(r"<(\w+)>", lambda found: str(kwargs[found[1]]), path)


def _walk(patterns: Any, before: str) -> Iterator[Route]:
    for each in patterns:
        path = before + _said(each.pattern)
        if isinstance(each, URLPattern):
            yield Route(path, each.name or "", each.callback)
        else:
            yield from _walk(each.url_patterns, path)


def _said(pattern: Any) -> str:
    """As the table writes it: without types, and a regular expression as if it were a plain path."""
    if isinstance(pattern, RoutePattern):
        return re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", str(pattern))
    assert isinstance(pattern, RegexPattern)
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", str(pattern))
    return re.sub(r"/\?\$$|[\^$]", "", text)


def _is_djangos(route: Route) -> bool:
    if not route.path.startswith(ADMIN):
        return False
    return not route.name or route.name.endswith(OF_EVERY_MODEL) or route.name in OF_DJANGO + OF_DJANGO_TOO
