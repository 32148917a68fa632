"""The door behind an invitation's link: choose a password, and be at the desk."""

from __future__ import annotations

import zoneinfo

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from leads import clock, invitations
from leads.errors import Invalid, Refused
from leads.models import Organization


@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for a password, or take it. Opening changes nothing: mail scanners open every link."""
    now = clock.now()
    page: dict[str, object] = {"zones": sorted(z for z in zoneinfo.available_timezones() if "/" in z or z == "UTC")}
    status = 200
    try:
        page["invitation"] = invitations.opened(token, now=now)
        page["zone"] = request.POST.get("time_zone") or _zone()
        if request.method == "POST":
            user = invitations.accept(token, password=_password(request), time_zone=_chosen(request), now=now)
            login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
            return redirect("home")
    except Invalid as refusal:
        page["refused"], status = refusal, refusal.status
    except Refused as refusal:
        page["refusal"], status = refusal, refusal.status
    response = render(request, "leads/join.html", page, status=status)
    add_never_cache_headers(response)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _password(request: HttpRequest) -> str:
    first, again = request.POST.get("password", ""), request.POST.get("password_again", "")
    if first != again:
        raise Invalid("The two passwords are not the same. Type them again.", field="password_again")
    return first


def _chosen(request: HttpRequest) -> str:
    zone = request.POST.get("time_zone", "")
    if zone not in zoneinfo.available_timezones():
        raise Invalid("Choose a time zone from the list.", field="time_zone")
    return zone


def _zone() -> str:
    zone: str = Organization.objects.values_list("time_zone", flat=True).get(pk=1)
    return zone
