"""Each page shows the viewer's times."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class ViewerTimeZone:
    """Activates the signed-in user's time zone for one request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/v1/"):
            return self.get_response(request)  # machines that send: nobody looks, no session is asked for
        zone = request.user.time_zone if request.user.is_authenticated else "UTC"
        try:
            with timezone.override(zoneinfo.ZoneInfo(zone)):
                return self.get_response(request)
        except zoneinfo.ZoneInfoNotFoundError:
            return self.get_response(request)
