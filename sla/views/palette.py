"""The palette's part of the server: pages the viewer may open, their saved filters, and leads by name."""

from __future__ import annotations

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from leads import finding, handbook
from leads.models import Role, User
from leads.viewer import signed_in, viewer_of
from leads.words import one_line
from sla.models import SavedFilter
from sla.views.contests import READERS as READS_REJECTIONS

LEADS_AT_MOST = 8
# Two letters are in no index. A name in Chinese has no more.
SHORTEST = 3
SEES_THE_BOARD = (Role.MANAGER, Role.REVOPS, Role.ADMIN)


class Place(NamedTuple):
    """A page, as the palette names it."""

    name: str
    href: str
    icon: str


@signed_in
@require_GET
def palette(request: HttpRequest) -> HttpResponse:
    """Without a text, pages and saved filters; with one, the leads it names, of those the viewer may read."""
    viewer = viewer_of(request)
    if "q" not in request.GET:
        own = {"pages": _pages(viewer), "saved": SavedFilter.objects.filter(user=viewer)}
        return render(request, "sla/palette.html#own", own)
    asked = one_line(request.GET["q"], at_most=80)
    is_told = len(asked) >= (SHORTEST if asked.isascii() else SHORTEST - 1)
    found = finding.newest(viewer, asked, most=LEADS_AT_MOST) if is_told else []
    return render(request, "sla/palette.html#leads", {"leads": found})


def _pages(viewer: User) -> list[Place]:
    """The pages that open for this person."""
    inbox = reverse("inbox")
    found = [
        Place("Inbox: to decide", inbox, "inbox"),
        Place("Inbox: to follow up", f"{inbox}?tab=follow", "inbox"),
        Place("Inbox: snoozed", f"{inbox}?tab=snoozed", "moon"),
        Place("Inbox: done today", f"{inbox}?tab=done", "check-circle"),
        Place("Inbox: adrift", f"{inbox}?tab=follow&adrift=on", "lifebuoy"),
        Place("Leads", reverse("leads"), "user-group"),
        Place("Attainment", reverse("attainment"), "chart-bar"),
        Place("Fairness", reverse("fairness"), "scale"),
        Place("How you are told", reverse("mail-preferences"), "bell"),
        *(
            Place(f"Handbook: {page.title}", reverse("doc", args=[page.name]), "book-open")
            for page in handbook.pages().values()
        ),
    ]
    if viewer.has_role(Role.REP):
        found.append(Place("Time off", reverse("away"), "sun"))
    if viewer.has_role(*READS_REJECTIONS):
        found.append(Place("Rejections", reverse("rejections"), "hand-thumb-down"))
    if viewer.has_role(*SEES_THE_BOARD):
        found += [
            Place("Board", reverse("board"), "table-cells"),
            Place("Team", reverse("team"), "users"),
            Place("Simulator", reverse("simulator"), "beaker"),
            Place("Shadow", reverse("shadows"), "document-text"),
            Place("Status", reverse("status"), "signal"),
            Place("Last-minute touches", reverse("last-minute"), "bolt"),
        ]
    if viewer.is_staff:
        found.append(Place("Admin", reverse("admin:index"), "cog-6-tooth"))
    return found
