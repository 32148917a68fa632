"""The guide: where it stands, the organization, a source that sends, and what is left out."""

from __future__ import annotations

import zoneinfo
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from leads import clock, organizing, sources
from leads.errors import Invalid, Refused
from leads.models import Organization, Source
from leads.viewer import is_part
from leads.webform import markup
from sla.starting import arrivals, steps
from sla.views.start.shell import done, guided, show

CURRENCIES: Final = ("USD", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CAD", "AUD", "INR", "JPY", "BRL", "SGD")


@guided
def start(request: HttpRequest) -> HttpResponse:
    """How far it has come, and what comes next; or closes the guide, or leaves a step out."""
    if request.method == "POST":
        if request.POST.get("do") == "close":
            steps.close(now=clock.now())
            messages.success(request, "The guide stays in the menu at the top right.")
            return redirect("home")
        key = request.POST.get("skip", "")
        steps.skip(key)
        return redirect(f"start-{steps.next_of(steps.steps(), key)}")
    return show(request, "overview", {})


@guided
def organization(request: HttpRequest) -> HttpResponse:
    row, refused = Organization.objects.get(pk=1), None
    if request.method == "POST":
        try:
            organizing.describe(
                request.POST.get("name", ""),
                time_zone=request.POST.get("time_zone", ""),
                currency=request.POST.get("currency", ""),
            )
            return done(request, "organization", "Kept.")
        except Invalid as refusal:
            refused = refusal
    is_new = row.name == Organization._meta.get_field("name").default
    values = {"name": "" if is_new else row.name, "time_zone": row.time_zone, "currency": row.currency}
    page = {"values": request.POST if refused else values, "zones": zones(), "currencies": CURRENCIES}
    return show(request, "organization", page, refused=refused)


@guided
def source(request: HttpRequest) -> HttpResponse:
    """Make a source, show its key this once, and wait for what it sends."""
    every = list(steps.sending().prefetch_related("forms"))
    asked = request.GET.get("of", "")
    chosen = next((each for each in every if str(each.public_id) == asked), every[-1] if every else None)
    if is_part(request):
        return render(request, "sla/start/source.html#arrivals", _arrived(chosen))
    page: dict[str, Any] = {}
    refused: Refused | None = None
    if request.method == "POST":
        try:
            chosen, page["key"] = _make(request)
            every.append(chosen)
        except Refused as refusal:
            refused = refusal
    if chosen is not None:
        page |= _snippets(chosen, page.get("key", "")) | _arrived(chosen)
    kind = request.POST.get("kind", "website" if not every else "")
    return show(request, "source", page | {"sources": every, "chosen": chosen, "kind": kind}, refused=refused)


@guided
def import_(request: HttpRequest) -> HttpResponse:
    """The import has its own pages; this one leads there."""
    return show(request, "import", {})


def zones() -> list[str]:
    """The time zones people live in, by name."""
    return ["UTC", *sorted(each for each in zoneinfo.available_timezones() if "/" in each and "Etc/" not in each)]


def _make(request: HttpRequest) -> tuple[Source, str]:
    name, kind = " ".join(request.POST.get("name", "").split()), request.POST.get("kind", "")
    if not name or len(name) > 120:
        raise Invalid("Give the source a name of at most 120 characters.", field="name")
    if kind == "server":
        return sources.create_source(name, kind=Source.Kind.SERVER)
    if kind != "website":
        raise Invalid("Choose where it sends from.", field="kind")
    typed = request.POST.get("origins", "").replace("\n", ",").split(",")
    made, key, _ = sources.create_website(name, origins=typed, asks_consent="asks_consent" in request.POST)
    return made, key


def _snippets(chosen: Source, key: str) -> dict[str, Any]:
    """Ready to copy. A server's key stands in them while it is shown; later there is a place for it."""
    of_server = chosen.kind == Source.Kind.SERVER
    return {
        "shown_key": key or ("wk_…" if of_server else str(chosen.public_id)),
        "base": markup.base_url(),
        "host": markup.base_url().partition("://")[2],
        "tag": "" if of_server else markup.tag_html(chosen),
        "forms": [] if of_server else [(form, markup.form_html(form)) for form in chosen.forms.filter(is_active=True)],
    }


def _arrived(chosen: Source | None) -> dict[str, Any]:
    if chosen is None:
        return {"arrived": []}
    address = f"{reverse('start-source')}?of={chosen.public_id}"
    return {"arrived": arrivals.of(chosen), "chosen": chosen, "again": address}
