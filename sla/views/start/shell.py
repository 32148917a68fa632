"""What the pages of the guide have in common: who may see them, the rail of steps, and one way to answer a form."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from leads.errors import Refused
from leads.models import Role
from leads.viewer import signed_in, viewer_of
from sla.starting import steps

MAY: Final = (Role.REVOPS, Role.ADMIN)
View = Callable[[HttpRequest], HttpResponse]


def guided(view: View) -> View:
    """A page of the guide: for RevOps and admins; to everybody else it is not there."""

    @signed_in
    @require_http_methods(["GET", "HEAD", "POST"])
    def run(request: HttpRequest) -> HttpResponse:
        if not viewer_of(request).has_role(*MAY):
            raise Http404
        return view(request)

    return functools.wraps(view)(run)


def show(request: HttpRequest, key: str, page: Mapping[str, Any], *, refused: Refused | None = None) -> HttpResponse:
    """One step, with the rail beside it; what was refused stands at its top, and what was typed is kept."""
    every = steps.steps()
    shown = {
        "steps": every,
        "step": next((step for step in every if step.key == key), None),
        "at": key,
        "next": steps.next_of(every, key),
        "refused": refused,
        "typed": request.POST,
        **page,
    }
    return render(request, f"sla/start/{key}.html", shown, status=refused.status if refused is not None else 200)


def done(request: HttpRequest, key: str, told: str) -> HttpResponse:
    """On to the next step that waits."""
    messages.success(request, told)
    return redirect(f"start-{steps.next_of(steps.steps(), key)}")
