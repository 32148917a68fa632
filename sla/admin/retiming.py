"""The page that offers to re-time running clocks by what was just published: what would follow, and one button."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from leads.admin.roles import RoleAdmin, now_and_by, page_of
from sla.clocks import retiming

SHOWN = 200


def offer(admin: RoleAdmin, request: HttpRequest, published: retiming.Published, *, back: Any) -> HttpResponse:
    """Show the preview; a POST begins the work and goes on to its progress."""
    told = now_and_by(request)
    if request.method == "POST":
        job = retiming.begin(published, **told)
        messages.success(request, f"Begun: {job}. What is done so far stands here; stop it any time.")
        return admin.to(job)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": f"Re-time running clocks by {published}",
        "preview": retiming.preview(published, now=told["now"], shown=SHOWN),
        "effects": list(retiming.Effect),
        "back": page_of(back),
        "now": told["now"],
    }
    return TemplateResponse(request, "admin/retime.html", context)


def running_on(published: retiming.Published) -> str:
    """How many clocks go on counting by a former version, and where to change that; empty where none does."""
    count = retiming.concerned(published).count()
    if not count:
        return ""
    said = "1 running clock keeps" if count == 1 else f"{count} running clocks keep"
    return f"{said} the former version; “Re-time running clocks” shows what would change."
