"""The simulator's page: pick a lead or describe one, name an instant, and see where it would go and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from leads import clock
from leads.errors import Invalid
from leads.models import Lead, Role, User
from leads.viewer import signed_in, viewer_of
from scoring.models import Lane, Tier
from sla import simulating
from sla.simulating import YEARS, Asked
from sla.views.naming import key_or_404

FOUND: Final = 10
MAY_ASK: Final = (Role.MANAGER, Role.REVOPS, Role.ADMIN)
# What the form has a box for; everything else goes into the box for JSON.
BOXES: Final = (
    ("lead.country", "Country"),
    ("lead.title", "Title"),
    ("lead.source", "Source"),
    ("account.industry", "Industry"),
    ("account.employees", "Employees"),
    ("account.country", "Company's country"),
)
PICKED: Final = (
    ("lead.seniority", "Seniority", Lead.Seniority.choices),
    ("episode.tier", "Tier", Tier.choices),
    ("episode.lane", "Lane", Lane.choices),
)


@signed_in
@require_GET
def simulator(request: HttpRequest) -> HttpResponse:
    """Where a lead would go: everything is asked in the address, so that an answer can be shared. Writes nothing."""
    viewer = viewer_of(request)
    if not viewer.has_role(*MAY_ASK):
        raise Http404
    typed = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in _names()}
    page: dict[str, Any] = {
        "typed": typed,
        "boxes": [(name, label, typed[name]) for name, label in BOXES],
        "picked": [(name, label, choices, typed[name]) for name, label, choices in PICKED],
        "found": _found(viewer, typed["q"]),
        "earliest": f"{YEARS[0]}-01-01T00:00",
        "latest": f"{YEARS[1]}-12-31T23:59",
    }
    try:
        at = simulating.read_instant(typed["at"], now=clock.now(), zone=viewer.time_zone)
        page["at"] = f"{timezone.localtime(at):%Y-%m-%dT%H:%M}" if typed["at"] else ""
        asked = _asked(viewer, typed, at=at)
        page["told"] = simulating.simulate(asked, zone=viewer.time_zone) if asked is not None else None
    except Invalid as refusal:
        page["refused"] = str(refusal)
    return render(request, "sla/simulator.html", page, status=422 if "refused" in page else 200)


def _names() -> list[str]:
    return ["q", "lead", "at", "attributes", "go", *(box[0] for box in BOXES), *(box[0] for box in PICKED)]


def _asked(viewer: User, typed: dict[str, str], *, at: datetime) -> Asked | None:
    if typed["lead"]:
        lead = get_object_or_404(_visible(viewer).select_related("account"), public_id=key_or_404(typed["lead"]))
        return simulating.asked_of(lead, at=at)
    return _described(typed, at=at) if typed["go"] else None


def _described(typed: dict[str, str], *, at: datetime) -> Asked:
    """A lead of what stands in the boxes, and of the JSON below them, which counts where both say something."""
    boxes = {name: typed[name] for name in _names() if "." in name and typed[name]}
    asked = simulating.read_attributes(typed["attributes"])
    return simulating.on_paper(boxes | asked, at=at)


def _visible(viewer: User) -> Any:
    return Lead.objects.visible_to(viewer).live()


def _found(viewer: User, asked: str) -> list[Lead]:
    if not asked:
        return []
    leads = _visible(viewer).select_related("account")
    for word in asked[:200].split()[:5]:
        named = Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
        leads = leads.filter(named | Q(account__name__icontains=word) | Q(account__domain__icontains=word))
    return list(leads.order_by("-created_at", "-pk")[:FOUND])
