"""A form is taken once, however often it is sent; and what was typed into it is not lost when it could not be taken."""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from leads.models import Lead, User
from leads.transactions import business
from leads.viewer import is_part
from sla.models import AnsweredRequest
from sla.views.naming import key_of

UNSENT: Final = "unsent"
FIELDS_AT_MOST, LONGEST = 40, 2000
NOT_TYPED: Final = frozenset({"csrfmiddlewaretoken", "key", "version", "from", "lead"})

T = TypeVar("T")
View = Callable[..., HttpResponse]


class SentBefore(Exception):
    """This very form was taken already: a double click, a page sent again, the back button."""


@dataclass(frozen=True)
class Draft:
    """What somebody typed that could not be taken, and into which form."""

    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    was_signed_out: bool = False

    def __getattr__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def text(self) -> str:
        """All they wrote in their own words, for a page on which its form stands no more."""
        written = [value for name, value in self.values.items() if name in ("note", "why") or name.startswith("ev")]
        return "\n".join(value for value in written if value)


def new_key() -> str:
    """A key for a form that is about to be drawn."""
    return uuid.uuid4().hex


@business
def once(act: Callable[[], T], *, form: str, key: str, by: User, now: datetime) -> T:
    """Do what a form asks for, together with keeping its key; what is refused keeps none and may be sent again.

    Two that come at the same moment come one after the other. Raises SentBefore for the second.
    """
    with transaction.atomic():
        if key:
            name = f"form:{form}:{key}"[:200]
            kept = {"fingerprint": hashlib.sha256(name.encode()).hexdigest(), "status": 200, "body": {}, "at": now}
            if not AnsweredRequest.objects.get_or_create(user=by, key=name, defaults=kept)[1]:
                raise SentBefore
        return act()


def form_of(request: HttpRequest) -> str:
    """Which form this is: the name of the address it was sent to."""
    match = request.resolver_match
    return match.url_name or "" if match is not None else ""


def draft_of(request: HttpRequest) -> Draft:
    """What was typed into the form that was sent."""
    return Draft(form_of(request), _typed(request))


def unsent(request: HttpRequest, lead: Lead) -> Draft:
    """What was typed about this lead before the session had ended; it is told once."""
    kept = request.session.get(UNSENT)
    if not isinstance(kept, dict) or kept.get("lead") != str(lead.public_id):
        return Draft()
    del request.session[UNSENT]
    return Draft(kept["form"], kept["values"], was_signed_out=True)


def keeps_text(view: View) -> View:
    """Where the session has ended meanwhile: keep what was typed, and come back to it after the log-in."""

    @functools.wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        lead = key_of(request.POST.get("lead", "")) if request.method == "POST" else None
        if request.user.is_authenticated or lead is None:
            return view(request, *args, **kwargs)
        request.session[UNSENT] = {"lead": str(lead), "form": form_of(request), "values": _typed(request)}
        back = reverse("lead-promise", args=[lead])
        if is_part(request):
            back = request.htmx.current_url_abs_path or back  # type: ignore[attr-defined]
        login = f"{reverse('account_login')}?{urlencode({'next': back})}"
        return HttpResponseClientRedirect(login) if is_part(request) else redirect(login)

    return run


def _typed(request: HttpRequest) -> dict[str, str]:
    typed = [(name, value) for name, value in request.POST.items() if name not in NOT_TYPED and value]
    return {name[:60]: str(value)[:LONGEST] for name, value in typed[:FIELDS_AT_MOST]}
