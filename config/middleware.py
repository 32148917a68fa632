"""Each page shows the viewer's times; only the admin is allowed what its scripts need."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.shortcuts import render
from django.utils import timezone

from leads import styles


class ViewerTimeZone:
    """Activates the signed-in user's time zone, clock and order of dates for one request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/v1/"):
            return self.get_response(request)  # machines that send: nobody looks, no session is asked for
        if not request.user.is_authenticated:
            return self._told(request, "UTC", styles.HOUSE)
        return self._told(request, request.user.time_zone, styles.style_of(request.user))

    def _told(self, request: HttpRequest, zone: str, style: styles.Style) -> HttpResponse:
        with styles.told_to(style):
            try:
                with timezone.override(zoneinfo.ZoneInfo(zone)):
                    return self.get_response(request)
            except zoneinfo.ZoneInfoNotFoundError:
                return self.get_response(request)


class LastSlash(CommonMiddleware):
    """Who reads is led to the address with its last slash. What is sent is refused: a redirect would lose it."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)


class PageForWrongMethod:
    """Shows people a page where an address takes forms alone: a browser that goes back or reloads asks for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or request.path.startswith(("/api/", "/v1/")):
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response.get("Allow", "")
        return page


class AdminPolicy:
    """Allows the admin, and nothing else, to evaluate expressions and to style inline: its pages are made of both."""

    NEEDED: ClassVar[dict[str, list[str]]] = {
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and match.app_names[:1] == ["admin"]:
            response._csp_update = self.NEEDED  # type: ignore[attr-defined]
        return response
