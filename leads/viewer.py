"""Who looks at a page: signed in, or shown to the log-in, also from within a page."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from leads.models import User

P = ParamSpec("P")


def viewer_of(request: HttpRequest) -> User:
    """The signed-in user of a page that asks for one."""
    return cast(User, request.user)


def signed_in(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Open a page to people who are signed in; everyone else is led to the log-in, and back to where they were.

    What is answered is one person's, so nothing between us and them keeps it.
    """

    def run(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            if is_part(request):
                return HttpResponseClientRedirect(reverse("account_login"))
            return redirect_to_login(request.get_full_path() if request.method == "GET" else reverse("home"))
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return functools.wraps(view)(run)


def is_part(request: HttpRequest) -> bool:
    """True where a page asks for a part of itself, False where a whole page is wanted."""
    return bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]
